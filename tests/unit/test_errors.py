import pytest

from videoapi import errors
from videoapi.errors import GenerationError, VideoApiError

STATUSES = {
    "ValidationError": 422,
    "MalformedBody": 400,
    "AuthenticationError": 401,
    "NotFound": 404,
    "Conflict": 409,
    "PayloadTooLarge": 413,
    "UnsupportedMediaType": 415,
    "RateLimited": 429,
    "ServiceError": 503,
}
RETRYABLE = {"RateLimited", "ServiceError"}


@pytest.mark.parametrize("name", STATUSES)
def test_each_kind_of_failure_has_its_type_and_status(name):
    error = getattr(errors, name)("Text.")
    assert (error.type, error.status) == (name, STATUSES[name])
    assert error.retryable is (name in RETRYABLE)


def everything(kind=VideoApiError):
    yield kind
    for heir in kind.__subclasses__():
        if heir.__module__ == errors.__name__:  # an adapter's own are drawn where they are made
            yield from everything(heir)


@pytest.mark.parametrize("kind", tuple(everything()), ids=lambda kind: kind.__name__)
def test_no_failure_is_without_a_type_a_code_and_a_text(kind):
    error = kind("Text.")
    assert error.type
    assert error.code
    assert error.message == str(error) == "Text."


def test_headers_of_one_failure_are_its_own():
    headers = {"Allow": "GET"}
    error = errors.RateLimited("Text.", headers=headers)
    headers.clear()
    assert error.headers == {"Allow": "GET"}
    assert errors.RateLimited("Text.").headers == {}


def test_a_generations_failure_is_stored_in_the_documents_words():
    error = GenerationError("Content policy violation", code="content_policy_violation")
    assert error.as_record() == {
        "type": "VideoGenerationError",
        "message": "Content policy violation",
        "code": "content_policy_violation",
        "retryable": False,
        "maybe_charged": False,
    }


def test_a_module_docstring_draws_every_failure_there_is():
    for kind in everything():
        assert kind.__name__ in errors.__doc__
