"""Every refusal: the dialect's status and shape, the field by name, nothing written or sent."""

import base64
import gzip

import httpx
import pytest

from tests.support.pictures import png

REST, OPENAI = "/api/v1/videos/generate", "/v1/videos"
URL = "https://example.com/image.jpg"
SECRET = "do-not-echo-me"  # stands in inputs; an answer that holds it gives input back

REST_KEYS = {"type", "message", "code", "retryable"}
OPENAI_KEYS = {"message", "type", "param", "code"}

BAD_REST = {
    "no image": ({}, "image", "missing_required_parameter"),
    "null image": ({"image": None}, "image", "missing_required_parameter"),
    "empty image": ({"image": ""}, "image", "invalid_image"),
    "blank image": ({"image": "  "}, "image", "invalid_image"),
    "upload that is none": ({"image": f"upload_{SECRET}"}, "image", "upload_not_found"),
    "image that is a number": ({"image": 5}, "image", "invalid_value"),
    "image that is none": ({"image": SECRET}, "image", "invalid_image"),
    "image of another kind": (
        {"image": base64.b64encode(b"GIF89a" + bytes(60)).decode()},
        "image",
        "invalid_image",
    ),
    "cut image": (
        {"image": base64.b64encode(png()[:-8]).decode()},
        "image",
        "invalid_image",
    ),
    "image of 100 megapixels": (
        {"image": base64.b64encode(png()[:16] + b"\0\0\x27\x10" * 2 + png()[24:]).decode()},
        "image",
        "invalid_image",
    ),
    "image from a file": ({"image": f"file:///{SECRET}"}, "image", "invalid_image"),
    "image from this machine": ({"image": f"http://127.0.0.1/{SECRET}"}, "image", "invalid_image"),
    "image from metadata": (
        {"image": "http://169.254.169.254/latest/meta-data"},
        "image",
        "invalid_image",
    ),
    "image from mapped IPv6": ({"image": "http://[::ffff:10.0.0.1]/a"}, "image", "invalid_image"),
    "duration 0": ({"image": URL, "duration": 0}, "duration", "invalid_value"),
    "duration 11": ({"image": URL, "duration": 11}, "duration", "invalid_value"),
    "duration 2.5": ({"image": URL, "duration": 2.5}, "duration", "invalid_value"),
    "duration true": ({"image": URL, "duration": True}, "duration", "invalid_value"),
    "duration in quotes": ({"image": URL, "duration": "5"}, "duration", "invalid_value"),
    "fps 23": ({"image": URL, "fps": 23}, "fps", "invalid_value"),
    "fps 61": ({"image": URL, "fps": 61}, "fps", "invalid_value"),
    "fps 0": ({"image": URL, "fps": 0}, "fps", "invalid_value"),
    "4k": ({"image": URL, "resolution": "3840x2160"}, "resolution", "invalid_value"),
    "too high": ({"image": URL, "resolution": "1440x1440"}, "resolution", "invalid_value"),
    "too long": ({"image": URL, "resolution": "1080x1922"}, "resolution", "invalid_value"),
    "odd": ({"image": URL, "resolution": "1281x720"}, "resolution", "invalid_value"),
    "tiny": ({"image": URL, "resolution": "62x62"}, "resolution", "invalid_value"),
    "a word for a size": ({"image": URL, "resolution": SECRET}, "resolution", "invalid_value"),
    "empty size": ({"image": URL, "resolution": ""}, "resolution", "invalid_value"),
    "strength 1.1": ({"image": URL, "motion_strength": 1.1}, "motion_strength", "invalid_value"),
    "strength -1": ({"image": URL, "motion_strength": -1}, "motion_strength", "invalid_value"),
    "unknown motion": ({"image": URL, "camera_motion": SECRET}, "camera_motion", "invalid_value"),
    "optimize in quotes": (
        {"image": URL, "optimize_prompt": "true"},
        "optimize_prompt",
        "invalid_value",
    ),
    "model with blanks": ({"image": URL, "model": "a b"}, "model", "invalid_value"),
    "endless prompt": ({"image": URL, "prompt": SECRET * 500}, "prompt", "invalid_value"),
    "seventeen pairs": (
        {"image": URL, "metadata": {str(i): "" for i in range(17)}},
        "metadata",
        "invalid_value",
    ),
    "metadata that is no text": (
        {"image": URL, "metadata": {"order": 42}},
        "metadata.order",
        "invalid_value",
    ),
    "a typo": ({"image": URL, "promt": "A fox"}, "promt", "unknown_parameter"),
    "a field called str": ({"image": URL, "str": 1}, "str", "unknown_parameter"),
    "a field of the other dialect": ({"image": URL, "seconds": 5}, "seconds", "unknown_parameter"),
    "a list": ([], "body", "invalid_value"),
    "null": (None, "body", "invalid_value"),
    "a text": ("x", "body", "invalid_value"),
}
BAD_OPENAI = {
    "nothing": ({}, "prompt", "missing_required_parameter"),
    "blank prompt": ({"prompt": "  "}, "prompt", "missing_required_parameter"),
    "empty everything": (
        {"prompt": "", "input_reference": ""},
        "input_reference",
        "invalid_image",
    ),
    "empty reference": ({"prompt": "x", "input_reference": ""}, "input_reference", "invalid_image"),
    "blank reference": (
        {"prompt": "x", "input_reference": " "},
        "input_reference",
        "invalid_image",
    ),
    "empty URL": (
        {"prompt": "x", "input_reference": {"image_url": ""}},
        "input_reference",
        "invalid_image",
    ),
    "upload that is none": (
        {"prompt": "x", "input_reference": f"upload_{SECRET}"},
        "input_reference",
        "upload_not_found",
    ),
    "seconds 11": ({"prompt": "x", "seconds": 11}, "seconds", "invalid_value"),
    "seconds 0": ({"prompt": "x", "seconds": "0"}, "seconds", "invalid_value"),
    "seconds in words": ({"prompt": "x", "seconds": SECRET}, "seconds", "invalid_value"),
    "seconds true": ({"prompt": "x", "seconds": True}, "seconds", "invalid_value"),
    "seconds with a point": ({"prompt": "x", "seconds": "5.0"}, "seconds", "invalid_value"),
    "auto size": ({"prompt": "x", "size": "auto"}, "size", "invalid_value"),
    "a file id": (
        {"prompt": "x", "input_reference": {"file_id": SECRET}},
        "input_reference",
        "missing_required_parameter",
    ),
    "a file id beside a URL": (
        {"prompt": "x", "input_reference": {"file_id": "f", "image_url": URL}},
        "input_reference",
        "invalid_value",
    ),
    "two references": (
        {"prompt": "x", "input_reference": [URL, URL]},
        "input_reference",
        "invalid_value",
    ),
    "a reference that is a number": (
        {"prompt": "x", "input_reference": 5},
        "input_reference",
        "invalid_value",
    ),
    "an empty object": (
        {"prompt": "x", "input_reference": {}},
        "input_reference",
        "missing_required_parameter",
    ),
    "a reference that is no image": (
        {"prompt": "x", "input_reference": SECRET},
        "input_reference",
        "invalid_image",
    ),
    "a private reference": (
        {"prompt": "x", "input_reference": {"image_url": f"http://10.0.0.1/{SECRET}"}},
        "input_reference",
        "invalid_image",
    ),
    "unknown motion": ({"prompt": "x", "camera_motion": "spin"}, "camera_motion", "invalid_value"),
    "strength in words": (
        {"prompt": "x", "motion_strength": "much"},
        "motion_strength",
        "invalid_value",
    ),
    "metadata that is none": ({"prompt": "x", "metadata": "{"}, "metadata", "invalid_value"),
    "a list": ([], "prompt", "invalid_value"),
}


def assert_rest(answer, status, kind, *, code=None, retryable=False):
    assert answer.status == status
    assert answer.json.keys() == {"error"}
    assert REST_KEYS <= answer.error.keys() <= REST_KEYS | {"details"}
    assert (answer.error["type"], answer.error["retryable"]) == (kind, retryable)
    assert answer.error["code"] == code or (code is None and answer.error["code"])
    assert answer.error["message"]
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers.get("x-should-retry") == (None if retryable else "false")
    assert SECRET not in answer.text


def assert_openai(answer, status, *, code=None, param=None, kind="invalid_request_error"):
    assert answer.status == status
    assert answer.json.keys() == {"error"}
    assert answer.error.keys() == OPENAI_KEYS
    assert answer.error["type"] == kind
    assert answer.error["code"] == code or (code is None and answer.error["code"])
    assert answer.error["param"] == param
    assert answer.error["message"]
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers.get("x-should-retry") == (None if status >= 500 else "false")
    assert SECRET not in answer.text


@pytest.mark.parametrize("case", BAD_REST)
def test_rest_refuses_a_bad_field_with_422(client, services, case):
    fields, field, code = BAD_REST[case]
    response = client.post(REST, json=fields)
    assert_rest(response, 422, "ValidationError", code=code)
    detail = response.error["details"][0]
    assert detail.keys() == {"field", "message", "code"}
    assert (detail["field"], detail["code"]) == (field, code)
    assert field in response.error["message"]
    assert response.calls == []
    assert services.is_untouched()


@pytest.mark.parametrize("case", BAD_OPENAI)
def test_openai_refuses_a_bad_field_with_400(client, services, case):
    fields, param, code = BAD_OPENAI[case]
    response = client.post(OPENAI, json=fields)
    assert_openai(response, 400, code=code, param=param)
    assert response.calls == []
    assert services.is_untouched()


def test_every_bad_field_is_named_at_once(client):
    response = client.post(REST, json={"fps": 1, "duration": 99, "resolution": "x", "tpyo": 1})
    named = {detail["field"] for detail in response.error["details"]}
    assert named == {"image", "fps", "duration", "resolution", "tpyo"}


def test_odd_field_name_is_shortened_in_the_error(client):
    """A field name that is not printable or endless is shortened in the answer."""
    response = client.post(REST, json={"image": URL, "a\u202eb\x00" + "c" * 500: 1})
    (detail,) = response.error["details"]
    assert detail["field"].startswith("a?b?ccc")
    assert len(detail["field"]) <= 65


NOT_JSON = {
    "nothing": "",
    "a word": "hello",
    "cut off": '{"image": "',
    "not a number": '{"image": "x", "motion_strength": NaN}',
    "infinite": '{"image": "x", "motion_strength": Infinity}',
    "deep": "[" * 100_000,
    "deep and closed": '{"a":' * 5_000 + "1" + "}" * 5_000,
    "5,000 digits": '{"image": "x", "duration": ' + "9" * 5_000 + "}",
    "two values": "{} {}",
    "two byte order marks": "\ufeff\ufeff{}",
    "a NUL": "\0",
}


@pytest.mark.parametrize("case", NOT_JSON)
def test_body_that_is_not_json_is_400(client, services, case):
    """A body that is not JSON is 400 in either shape and does nothing."""
    body, headers = NOT_JSON[case], {"content-type": "application/json"}
    rest = client.post(REST, body=body, headers=headers)
    assert_rest(rest, 400, "MalformedBody", code="invalid_json")
    openai = client.post(OPENAI, body=body, headers=headers)
    assert_openai(openai, 400, code="invalid_json")
    assert services.is_untouched()


def test_a_body_that_is_not_json_is_told_at_which_place(client):
    headers = {"content-type": "application/json"}
    response = client.post(OPENAI, body='{"prompt": "A fox",\n "seconds": }', headers=headers)
    assert response.error["message"].endswith("at line 2 column 13.")


def test_a_byte_order_mark_is_skipped(client):
    headers = {"content-type": "application/json"}
    for path in (REST, OPENAI):
        fields = (
            f'\ufeff{{"prompt": "x", "{"image" if path == REST else "input_reference"}": "{URL}"}}'
        )
        assert client.post(path, body=fields, headers=headers).status in (200, 202)


HALVES = {
    "at the end": ('{"prompt": "A fox \\ud83e"}', "prompt"),
    "the other half": ('{"image": "x", "model": "\\udd8a"}', "model"),
    "within": ('{"image": "x", "metadata": {"a": ["\\ud800x"]}}', "metadata"),
    "a name within": ('{"metadata": {"\\ud800": 1}}', "metadata"),
    "a name": ('{"\\udfff": 1}', "?"),
    "no object": ('["\\ud800"]', "body"),
}


@pytest.mark.parametrize("case", HALVES)
def test_half_a_surrogate_pair_is_400_by_the_name_of_its_field(client, services, case):
    body, field = HALVES[case]
    headers = {"content-type": "application/json"}
    rest = client.post(REST, body=body, headers=headers)
    assert_rest(rest, 400, "MalformedBody", code="invalid_json")
    assert [each["field"] for each in rest.error["details"]] == [field]
    openai = client.post(OPENAI, body=body, headers=headers)
    assert_openai(openai, 400, code="invalid_json", param=field)
    assert "surrogate" in openai.error["message"]
    assert services.is_untouched()


@pytest.mark.parametrize("coding", ["br", "zstd"])
def test_a_coding_that_is_not_read_is_415_by_the_headers_name(client, services, coding):
    headers = {"content-type": "multipart/form-data; boundary=x", "content-encoding": coding}
    response = client.post(OPENAI, body=b"\x0b\x02\x80", headers=headers)
    assert_openai(response, 415, code="unsupported_content_encoding", param="Content-Encoding")
    assert response.headers["accept-encoding"] == "gzip, deflate"
    headers["content-type"] = "application/json"
    response = client.post(REST, body=b"{}", headers=headers)
    assert_rest(response, 415, "UnsupportedMediaType", code="unsupported_content_encoding")
    assert "Content-Encoding" in response.error["message"]
    assert services.is_untouched()


def test_a_compressed_form_is_read(client, services):
    request = httpx.Request(
        "POST", "https://api/", data={"prompt": "A fox"}, files={"image": png()}
    )
    headers = {"content-type": request.headers["content-type"], "content-encoding": "gzip"}
    assert client.post(OPENAI, body=gzip.compress(request.read()), headers=headers).status == 200
    assert list(services.objects().values()) == [png()]


@pytest.mark.parametrize("number", ["1e999", "-1e999", "1" + "0" * 400 + ".0", "9" * 4_000])
def test_a_number_beyond_all_bounds_is_a_bad_value(client, services, number):
    fields = f'{{"image": "{URL}", "prompt": "x", "motion_strength": {number}, "fps": {number}}}'
    headers = {"content-type": "application/json"}
    assert_rest(client.post(REST, body=fields, headers=headers), 422, "ValidationError")
    assert client.post(OPENAI, body=fields, headers=headers).status == 400
    assert services.is_untouched()


def test_broken_base64_or_text_is_400(client, services):
    headers = {"content-type": "application/json"}
    broken = [
        {"body": "%%%", "isBase64Encoded": True},
        {"body": "\udc80", "isBase64Encoded": False},
        {"body": "/w==", "isBase64Encoded": True},
    ]
    for request in broken:
        assert_rest(client.post(REST, headers=headers, **request), 400, "MalformedBody")
        assert_openai(client.post(OPENAI, headers=headers, **request), 400)
    assert services.is_untouched()


@pytest.mark.parametrize("sent", [b"\xff", b"caf\xe9", b"\xc3(", b"\xf0\x9f\x98"])
def test_text_that_the_gateway_repaired_is_400(client, services, sent):
    """Text that the gateway had to repair is 400 and no prompt to pay for."""
    raw = b'{"image": "https://example.com/a.png", "prompt": "' + sent + b'"}'
    body, headers = raw.decode(errors="replace"), {"content-type": "application/json"}
    rest = client.post(REST, body=body, headers=headers)
    assert_rest(rest, 400, "MalformedBody", code="invalid_encoding")
    assert_openai(client.post(OPENAI, body=body, headers=headers), 400, code="invalid_encoding")
    assert services.is_untouched()


def test_no_body_at_all_is_400(client):
    assert_rest(client.post(REST), 400, "MalformedBody")
    assert_rest(client.post(REST, isBase64Encoded=True), 400, "MalformedBody")
    assert_openai(client.post(OPENAI), 400)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "image/png"])
def test_unknown_media_type_is_415_or_400_in_openai(client, services, kind):
    """A format that a route does not read is 415 or in OpenAI's words 400."""
    request = {"body": '{"prompt": "x"}', "headers": {"content-type": kind}}
    assert_rest(client.post(REST, **request), 415, "UnsupportedMediaType")
    response = client.post(OPENAI, **request)
    assert_openai(response, 400, code="unsupported_media_type", param="Content-Type")
    assert services.is_untouched()


def test_rest_reads_no_forms(client):
    response = client.form(REST, files={"image": png()})
    assert_rest(response, 415, "UnsupportedMediaType")


def test_6_mb_pass_and_one_byte_more_is_413(client, services):
    frame = '{"image": "https://example.com/", "prompt": ""}'
    headers = {"content-type": "application/json"}
    largest = frame[:-2] + " " * (6 * 1024 * 1024 - len(frame)) + frame[-2:]
    for path in (REST, OPENAI):
        response = client.post(path, body=largest, headers=headers)
        assert response.status in (400, 422), "read, and found to be a bad prompt"
    too_large = client.post(REST, body=largest + " ", headers=headers)
    assert_rest(too_large, 413, "PayloadTooLarge", code="request_too_large")
    too_large = client.post(OPENAI, body=largest + " ", headers=headers)
    assert_openai(too_large, 413, code="request_too_large")
    assert services.is_untouched()


@pytest.mark.parametrize("key", ["", '""', "x" * 256, '"' + "x" * 256 + '"', "a\tb", "  "])
def test_idempotency_key_of_a_bad_length_is_refused(client, services, key):
    """An idempotency key of no or over 255 characters is refused."""
    headers = {"idempotency-key": key}
    rest = client.post(REST, json={"image": URL}, headers=headers)
    assert_rest(rest, 422, "ValidationError")
    assert "Idempotency-Key" in rest.error["message"]
    openai = client.post(OPENAI, json={"prompt": "x"}, headers=headers)
    assert_openai(openai, 400, code="invalid_value", param="Idempotency-Key")
    assert services.is_untouched()


STRANGE_IDS = [
    "vid_short",
    "vid_" + "a" * 26,
    "VID_" + "A" * 26,
    "vid%2F" + "a" * 26,
    "..%2F..%2Fetc",
    "fingerprint%23anonymous%23" + "0" * 64,
    "fingerprint#anonymous#" + "0" * 64,
    "x" * 3000,
    "a b",
    "%00",
    "ünicode",
    '"quoted"',
]


@pytest.mark.parametrize("task_id", STRANGE_IDS)
def test_id_that_is_no_task_is_404_on_every_route(client, task_id):
    rest = [
        client.get(f"/api/v1/tasks/{task_id}"),
        client.get(f"/api/v1/videos/{task_id}"),
        client.delete(f"/api/v1/tasks/{task_id}"),
    ]
    for response in rest:
        assert_rest(response, 404, "NotFound")
    openai = [
        client.get(f"/v1/videos/{task_id}"),
        client.delete(f"/v1/videos/{task_id}"),
        client.get(f"/v1/videos/{task_id}/content"),
    ]
    for response in openai:
        assert_openai(response, 404)


def test_missing_task_is_video_not_found_in_openai(client):
    """A task that is not there reads `video_not_found` in OpenAI's words."""
    path = "/v1/videos/vid_" + "a" * 26
    for response in (client.get(path), client.delete(path), client.get(f"{path}/content")):
        assert_openai(response, 404, code="video_not_found")
    rest = client.get("/api/v1/tasks/vid_" + "a" * 26)
    assert_rest(rest, 404, "NotFound", code="task_not_found")


def test_a_foreign_task_reads_the_same_as_none(client, task_factory):
    task_id = task_factory.completed(owner="somebody-else").task_id
    for method, path in [
        ("GET", f"/api/v1/tasks/{task_id}"),
        ("GET", f"/api/v1/videos/{task_id}"),
        ("DELETE", f"/api/v1/tasks/{task_id}"),
    ]:
        assert_rest(client.request(method, path), 404, "NotFound", code="task_not_found")
    for method, path in [
        ("GET", f"/v1/videos/{task_id}"),
        ("DELETE", f"/v1/videos/{task_id}"),
        ("GET", f"/v1/videos/{task_id}/content"),
    ]:
        assert_openai(client.request(method, path), 404, code="video_not_found")
    assert client.get("/api/v1/tasks").json == []
    assert client.get("/v1/videos").json["data"] == []


def test_nothing_else_of_the_table_can_be_read_as_a_task(client, services):
    client.post(OPENAI, json={"prompt": "x"}, headers={"x-stainless-retry-count": "0"})
    (key,) = [key for key in services.items() if not key.startswith("vid_")]
    assert client.get(f"/v1/videos/{key}").status == 404
    assert client.get("/v1/videos", query={"after": key}).status == 400


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (REST, {"image": "x"} | {str(n): 1 for n in range(5000)}),
        (REST, {"image": URL, "metadata": dict.fromkeys(map(str, range(5000)), 1)}),
        ("/v1/videos", {"prompt": "A fox"} | {str(n): 1 for n in range(5000)}),
        ("/v1/videos", {"prompt": "A fox", "metadata": dict.fromkeys(map(str, range(5000)), 1)}),
        ("/api/v1/images/generate", {"prompt": "A fox"} | {str(n): 1 for n in range(5000)}),
    ],
    ids=["fields", "metadata", "OpenAI fields", "OpenAI metadata", "image fields"],
)
def test_of_thousands_of_bad_fields_one_thing_is_said(client, path, body):
    response = client.post(path, json=body)
    assert response.status == (400 if path.startswith("/v1/") else 422)
    assert "more than 100 fields" in response.text or "at most 16 pairs" in response.text
    assert len(response.text) < 600
