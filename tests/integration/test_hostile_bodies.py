"""Bodies made to break a parser: always a clear 4xx or an honest success, never a 5xx."""

import base64
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.pictures import png

REST, OPENAI = "/api/v1/videos/generate", "/v1/videos"
PICTURE = png()
EDGE = b"edge"
FORM = "multipart/form-data; boundary=edge"
PART = b'Content-Disposition: form-data; name="%b"'


def part(name, value, *headers, filename=None):
    disposition = PART % name + (b'; filename="%b"' % filename if filename is not None else b"")
    return b"\r\n".join([disposition, *headers, b"", value])


def form(*parts, edge=EDGE):
    return b"".join(b"--%b\r\n%b\r\n" % (edge, each) for each in parts) + b"--%b--\r\n" % edge


def send(client, body, content_type=FORM):
    return client.post(OPENAI, body=body, headers={"content-type": content_type})


def assert_refused(answer, services, *, param=None):
    assert answer.status == 400
    assert answer.error["type"] == "invalid_request_error"
    assert answer.error["code"]
    assert answer.error["param"] == param
    assert services.is_untouched()


PROMPT = part(b"prompt", b"A fox")
PICTURE_PART = part(b"input_reference", PICTURE, filename=b"a.png")

BROKEN_FORMS = {
    "nothing": b"",
    "no boundary in it": b"hello",
    "only the end": b"--edge--\r\n",
    "cut in a header": form(PROMPT)[:30],
    "cut in a value": form(PROMPT)[:-15],
    "cut before the last boundary's end": form(PROMPT)[:-4],
    "another boundary": form(PROMPT, edge=b"other"),
    "bare line feeds": form(PROMPT).replace(b"\r\n", b"\n"),
    "no name": form(b"Content-Disposition: form-data\r\n\r\nx"),
    "no disposition": form(b"Content-Type: text/plain\r\n\r\nx"),
    "no headers": b"--edge\r\n\r\nx\r\n--edge--\r\n",
    "a header without a colon": form(b"hello\r\n\r\nx"),
    "a header without an end": b"--edge\r\n" + b"x" * 100_000,
    "too many headers": form(b"".join(b"h%d: 1\r\n" % n for n in range(100)) + PART % b"prompt"),
    "too many parts": form(*[PROMPT] * 65),
    "only NULs": b"\0" * 1000,
}
BAD_TYPES = {
    "no boundary": "multipart/form-data",
    "an empty boundary": "multipart/form-data; boundary=",
    "an empty quoted boundary": 'multipart/form-data; boundary=""',
    "two boundaries": "multipart/form-data; boundary=edge; boundary=other",
    "one boundary twice": "multipart/form-data; boundary=edge; boundary=edge",
    "an endless boundary": f"multipart/form-data; boundary={'x' * 10_000}",
    "a boundary that is not latin": "multipart/form-data; boundary=ключ",
    "a quote that never ends": 'multipart/form-data; boundary="edge',
    "many parameters": "multipart/form-data" + "; a=b" * 5_000,
}
BAD_REFERENCES = {
    "two files": [PICTURE_PART, PICTURE_PART],
    "a file and a URL": [
        PICTURE_PART,
        part(b"input_reference[image_url]", b"https://example.com/a.png"),
    ],
    "a URL and a file": [
        part(b"input_reference[image_url]", b"https://example.com/a.png"),
        PICTURE_PART,
    ],
    "two texts": [part(b"input_reference", b"https://example.com/a.png")] * 2,
    "a file id": [part(b"input_reference[file_id]", b"file-1")],
    "a number": [part(b"input_reference[0]", PICTURE, filename=b"a.png")],
    "a list of two": [part(b"input_reference[]", PICTURE, filename=b"a.png")] * 2,
    "an empty file": [part(b"input_reference", b"", filename=b"a.png")],
    "a file that is no image": [part(b"input_reference", b"hello", filename=b"a.png")],
    "bytes that are no image": [part(b"input_reference", b"\xff\xfe\xfd")],
    "a text that is no image": [part(b"input_reference", b"hello")],
    "a URL that is not UTF-8": [part(b"input_reference[image_url]", b"https://\xff/")],
    "a cut image": [part(b"input_reference", PICTURE[:-9], filename=b"a.png")],
}


@pytest.mark.parametrize("name", [b"mask", b"audio", b"style_image", b"file"])
def test_unknown_file_is_refused_with_the_name_to_use(client, services, name):
    response = send(client, form(PROMPT, part(name, PICTURE, filename=b"a.png")))
    assert_refused(response, services, param="input_reference")
    assert name.decode() in response.error["message"]


BLANKS = [b"input_reference", b"input_reference[image_url]", b"seconds", b"size", b"user", b"seed"]


def test_a_blank_field_of_a_form_is_one_not_said(client, services):
    response = send(client, form(PROMPT, *[part(name, b" ") for name in BLANKS]))
    assert response.status == 200
    assert (response.json["seconds"], response.json["size"]) == ("8", "1920x1080")
    assert services.objects() == {}


@pytest.mark.parametrize(
    "name", [b"image", b"image[]", b"input_reference[]", b"inputReference", b"first_frame"]
)
def test_the_picture_of_a_form_is_kept_by_any_of_its_usual_names(client, services, name):
    response = send(client, form(PROMPT, part(name, PICTURE, filename=b"a.png")))
    assert response.status == 200
    assert list(services.objects().values()) == [PICTURE]


@pytest.mark.parametrize("preamble", [b"\r\n", b"This is a form.\r\n"])
def test_a_form_may_have_a_preamble_and_a_trailer(client, preamble):
    assert send(client, preamble + form(PROMPT) + b"the end").status == 200


@pytest.mark.parametrize("case", BROKEN_FORMS)
def test_a_broken_form_is_refused(client, services, case):
    response = send(client, BROKEN_FORMS[case])
    assert_refused(response, services, param=response.error["param"])
    assert response.error["param"] in (None, "prompt")


@pytest.mark.parametrize("case", BAD_TYPES)
def test_a_form_needs_one_good_boundary(client, services, case):
    assert_refused(send(client, form(PROMPT), BAD_TYPES[case]), services)


@pytest.mark.parametrize("case", BAD_REFERENCES)
def test_a_reference_that_cannot_be_used_is_refused_by_its_name(client, services, case):
    response = send(client, form(PROMPT, *BAD_REFERENCES[case]))
    assert_refused(response, services, param=response.error["param"])
    assert response.error["param"].startswith("input_reference")


def test_a_field_that_is_not_utf_8_is_refused_by_its_name(client, services):
    response = send(client, form(part(b"prompt", b"A f\xffx")))
    assert_refused(response, services, param="prompt")


@pytest.mark.parametrize("turn", [1, -1])
def test_metadata_in_two_forms_is_refused(client, services, turn):
    """Metadata as text and by key at once is refused by its name."""
    both = [part(b"metadata", b'{"a": "1"}'), part(b"metadata[b]", b"2")]
    assert_refused(send(client, form(PROMPT, *both[::turn])), services, param="metadata")


def test_the_empty_file_field_of_a_browser_is_no_reference(client, services):
    nothing = part(b"input_reference", b"", b"Content-Type: application/octet-stream", filename=b"")
    assert send(client, form(PROMPT, nothing)).status == 200
    assert services.objects() == {}


@pytest.mark.parametrize(
    "inside",
    [
        b"--edge",
        b"\r\n--edg",
        b"\r\n--Edge\r\n",
        b"\r\n\r\n--",
        b"\r\n-",
        b"\r",
        b"edge--\r\n",
        b"\r\n--e--edge",
    ],
    ids=repr,
)
def test_a_file_may_hold_whatever_looks_like_a_boundary(client, services, inside):
    picture = PICTURE + inside * 3
    response = send(client, form(PROMPT, part(b"input_reference", picture, filename=b"a.png")))
    assert response.status == 200
    assert list(services.objects().values()) == [picture]


def test_the_headers_of_a_part_come_in_any_order_and_case(client, services):
    headers = [
        b"Content-Type: image/png",
        b'content-disposition: form-data; filename="a.png"; name="input_reference"',
        b"X-Else: 1",
    ]
    for turn in range(3):
        lines = headers[turn:] + headers[:turn]
        body = form(b"\r\n".join([*lines, b"", PICTURE]), PROMPT)
        assert send(client, body).status == 200
    assert list(services.objects().values()) == [PICTURE] * 3


@pytest.mark.parametrize("content_type", [FORM.title(), 'multipart/form-data; boundary="edge"'])
def test_the_type_of_a_form_is_read_in_any_case_and_quoting(client, content_type):
    content_type = content_type.replace("=Edge", "=edge")
    assert send(client, form(PROMPT), content_type).status == 200


def test_a_file_near_the_limit_passes_and_one_over_it_is_413(client, services):
    largest = 6 * 1024 * 1024 // 4 * 3
    frame = len(form(PROMPT, part(b"input_reference", PICTURE, filename=b"a.png")))
    picture = PICTURE + b"\r" * (largest - frame)
    body = form(PROMPT, part(b"input_reference", picture, filename=b"a.png"))
    assert send(client, body).status == 200
    assert len(next(iter(services.objects().values()))) == len(picture)
    assert send(client, body + b"...").status == 413


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["https://example.com/a.png", base64.b64encode(PICTURE).decode()]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    [
        "image", "prompt", "duration", "seconds", "fps", "resolution", "size", "motion_strength",
        "camera_motion", "optimize_prompt", "model", "metadata", "input_reference",
    ]
)  # fmt: skip
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "idempotency-key": st.text(max_size=300),
        "x-stainless-retry-count": st.text(max_size=5) | st.just("1"),
        "user-agent": st.text(max_size=20),
    },
)
QUICK = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def judge(answer):
    """Accepted or clearly refused, and in the second case without a trace."""
    assert answer.status < 500
    if answer.status >= 400:
        assert answer.error["message"]
        assert not {"sqs:SendMessage", "dynamodb:PutItem"} & set(answer.calls)


@QUICK
@given(
    path=st.sampled_from([REST, OPENAI]),
    fields=st.dictionaries(FIELDS | st.text(max_size=5), JSON_VALUES, max_size=6) | JSON_VALUES,
    headers=HEADERS,
)
def test_no_json_value_breaks_a_submit(client, path, fields, headers):
    body = json.dumps(fields)
    judge(client.post(path, body=body, headers=headers))


@QUICK
@given(path=st.sampled_from([REST, OPENAI]), body=st.binary(max_size=100), encoded=st.booleans())
def test_no_bytes_break_a_submit(client, path, body, encoded):
    text = base64.b64encode(body).decode() if encoded else body.decode("latin-1")
    request = {"headers": {"content-type": "application/json"}, "isBase64Encoded": encoded}
    judge(client.post(path, body=text, **request))


PIECES = st.sampled_from(
    [
        b"--edge\r\n",
        b"--edge--",
        b"\r\n",
        b"\r\n--edge",
        b"\r\n\r\n",
        b"Content-Disposition: form-data; ",
        b'name="prompt"',
        b'name="input_reference"',
        b'; filename="a',
        b"; filename*=utf-8''%FF",
        b"metadata[",
        b"Content-Type: text/plain; charset=utf-7",
        b"Content-Transfer-Encoding: base64",
        PICTURE,
        b'"',
        b":",
        b"\0",
        b"\xff",
    ]
)


@QUICK
@given(pieces=st.lists(PIECES | st.binary(max_size=5), max_size=12), whole=st.booleans())
def test_no_form_breaks_a_submit(client, pieces, whole):
    body = b"".join(pieces)
    judge(send(client, form(body, PROMPT) if whole else body))


@QUICK
@given(
    parts=st.lists(
        st.tuples(
            FIELDS | st.sampled_from(["input_reference[image_url]", "metadata[a]", "metadata"]),
            st.text(max_size=8).map(str.encode) | st.just(PICTURE) | st.binary(max_size=8),
            st.none() | st.just(b"a.png") | st.just(b""),
        ),
        max_size=5,
    )
)
def test_no_field_of_a_form_breaks_a_submit(client, parts):
    body = form(*[part(name.encode(), value, filename=file) for name, value, file in parts])
    judge(send(client, body))


@QUICK
@given(content_type=st.text(max_size=30).map("multipart/form-data;{}".format) | st.text())
def test_no_content_type_breaks_a_submit(client, content_type):
    judge(send(client, base64.b64encode(form(PROMPT)).decode(), content_type))


@QUICK
@given(
    path=st.sampled_from(["/api/v1/tasks", "/v1/videos", "/v1/videos/vid_1/content"]),
    query=st.dictionaries(
        st.sampled_from(["limit", "status", "cursor", "after", "order", "variant"]),
        st.text(max_size=20) | st.binary(max_size=80).map(base64.urlsafe_b64encode).map(str),
        max_size=3,
    ),
)
def test_no_query_breaks_a_read(client, path, query):
    assert client.get(path, query=query).status < 500


@QUICK
@given(prefix=st.sampled_from(["/api/v1/tasks/", "/v1/videos/", "/"]), rest=st.text(max_size=40))
def test_no_path_breaks_a_read(client, prefix, rest):
    assert client.get(prefix + rest).status < 500
