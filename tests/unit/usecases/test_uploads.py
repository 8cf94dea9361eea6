import pytest

from videoapi.api.rest.image_requests import NewUpload
from videoapi.api.validation import validated
from videoapi.aws.presigned import UploadForm
from videoapi.domain.timestamps import timestamp
from videoapi.errors import ValidationError
from videoapi.usecases.uploads import is_reference, key_of, offer, require

NOW = 1_768_127_400.0
DAY = 24 * 3600
NAME = "a" * 26


class UrlSigner:
    """Signs nothing and remembers what was asked of it."""

    def form(self, key, content_type, *, sizes, seconds, now):
        self.asked = (key, content_type, sizes, seconds)
        return UploadForm("https://files.example.com/", {"key": key}, now + seconds)


@pytest.fixture
def links():
    return UrlSigner()


def body_of(**fields):
    return validated(NewUpload, fields, default_param="body")


def test_upload_is_a_form_for_ten_minutes(links):
    """An upload is a form for ten minutes under a name that nobody can guess."""
    made = offer("anna", links, now=NOW, content_type="image/webp")
    name = made["reference"].removeprefix("upload_")
    assert links.asked == (
        f"inputs/anna/uploads/{name}",
        "image/webp",
        (1, 20 * 1024 * 1024),
        600,
    )
    assert made == {
        "reference": f"upload_{name}",
        "url": "https://files.example.com/",
        "fields": {"key": f"inputs/anna/uploads/{name}"},
        "max_bytes": 20 * 1024 * 1024,
        "expires_at": timestamp(NOW + 600),
    }
    assert len(name) == 26
    assert offer("anna", links, now=NOW)["reference"] != made["reference"]


def test_a_size_that_is_announced_is_the_only_one(links):
    made = offer("anna", links, now=NOW, size_bytes=7)
    assert (links.asked[2], made["max_bytes"]) == ((7, 7), 7)


@pytest.mark.parametrize(
    ("fields", "bad"),
    [
        ({"content_type": "image/gif"}, "content_type"),
        ({"content_type": None}, "content_type"),
        ({"size_bytes": 0}, "size_bytes"),
        ({"size_bytes": 20 * 1024 * 1024 + 1}, "size_bytes"),
        ({"size_bytes": "7"}, "size_bytes"),
        ({"size_bytes": True}, "size_bytes"),
        ({"filename": "a.png"}, "filename"),
    ],
)
def test_upload_that_s3_could_not_check_is_refused(fields, bad):
    """An upload that S3 could not hold to is refused by its field."""
    with pytest.raises(ValidationError) as caught:
        body_of(**fields)
    assert caught.value.param == bad


def test_a_reference_is_the_callers_own_key():
    assert key_of(f"upload_{NAME}", "anna") == f"inputs/anna/uploads/{NAME}"


def test_upload_is_usable_for_a_day():
    require(NOW, now=NOW)
    require(NOW - DAY, now=NOW)
    with pytest.raises(ValidationError, match="24 hours"):
        require(NOW - DAY - 1, now=NOW)


def test_nothing_uploaded_is_nothing_found():
    with pytest.raises(ValidationError) as caught:
        require(None, now=NOW)
    assert caught.value.code == "upload_not_found"


@pytest.mark.parametrize(
    "text", ["upload_", f"upload_{NAME}a", f"upload_{NAME[1:]}/", "upload_../" + NAME[3:],
             f"upload_{NAME} x", f"upload_{NAME.upper()}"],
)  # fmt: skip
def test_what_is_spelt_wrong_is_looked_for_nowhere(text):
    assert is_reference(text)
    with pytest.raises(ValidationError) as caught:
        key_of(text, "anna")
    assert caught.value.code == "upload_not_found"
