"""The OpenAPI document and the page: in step with the code, exact, and safe to show."""

import itertools
import json
import re
import shlex
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema_rs import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.support.client import routes
from tools.openapi import document, examples, page
from tools.openapi.parts import FORM, JSON
from tools.openapi.schemas import NAMED
from videoapi import errors
from videoapi.api import documentation
from videoapi.api.openai.requests import CreateVideo
from videoapi.api.rest.image_requests import GenerateImage, NewUpload
from videoapi.api.rest.requests import GenerateVideo
from videoapi.api.validation import validated

DOCUMENT = json.loads(documentation.asset("/openapi.json")[1])
BASE = "http://localhost:8000"
PAGE = documentation.page(BASE, keys=False)
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}
REBUILD = "say `make openapi` and commit what it changes"


def validator(schema):
    return Draft202012Validator({**schema, "components": DOCUMENT["components"]})


def named(name):
    return validator({"$ref": f"#/components/schemas/{name}"})


def accepted(model, fields):
    try:
        validated(model, fields, default_param="body")
    except errors.ValidationError:
        return False
    return True


def test_the_committed_document_is_what_the_models_say():
    assert documentation.asset("/openapi.json")[1] == document.text(), REBUILD


def test_the_committed_page_is_what_the_document_says():
    assert page.text(DOCUMENT) == (documentation.FOLDER / "docs.html").read_text(), REBUILD


def test_the_document_is_valid_openapi_3_1():
    assert DOCUMENT["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(DOCUMENT).validate()


def test_every_route_is_documented_and_no_other():
    kept = {
        route for route in routes() if not route.startswith("HEAD ")
    }  # that goes without saying
    assert OPERATIONS.keys() == kept - {"$default"}


def test_every_operation_has_its_id_and_an_explained_tag():
    ids = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(set(ids)) == len(ids)
    tags = {tag for operation in OPERATIONS.values() for tag in operation["tags"]}
    assert tags == {tag["name"] for tag in DOCUMENT["tags"]}


def test_nothing_in_the_document_is_left_over():
    text = documentation.asset("/openapi.json")[1]
    for kind, parts in DOCUMENT["components"].items():
        if kind != "securitySchemes":
            unused = [name for name in parts if f'"#/components/{kind}/{name}"' not in text]
            assert unused == []


def test_every_kind_of_error_is_documented():
    kinds = {
        error.type
        for error in errors.VideoApiError.__subclasses__()
        if error is not errors.GenerationError
    }
    body = DOCUMENT["components"]["schemas"]["RestErrorBody"]
    assert set(body["properties"]["type"]["enum"]) == kinds


# --- requests: the schema and the validator say the same


SIDES = [1, 62, 63, 64, 65, 66, 98, 99, 100, 101, 102, 999, 1000, 1001, 1078, 1079, 1080, 1081]
SIDES += [1082, 1098, 1100, 1280, 1900, 1918, 1919, 1920, 1921, 1922, 1998, 2000, 9998, 10000]
SIZES = [f"{width}x{height}" for width, height in itertools.product(SIDES, SIDES)]
SIZES += [
    "",
    "x",
    "1920x",
    "1920X1080",
    "0720x1280",
    " 1280x720",
    "1280x720\n",
    "-64x64",
]
TYPES = ["image/jpeg", "image/png", "image/webp", "image/gif", "image/PNG"]
NUMBERS = [-1, 0, 1, 5, 5.0, 10, 10.0, 10.5, 11, 23, 24, 30.0, 60, 61, 0.5, 1e300, -0.0, 2**70]
NUMBERS += [20 * 2**20, 20 * 2**20 + 1]
TEXTS = ["", " ", "5", "05", "0010", "00010", "10", "11", "24", "060", "0.5", ".5", "5.", "1.0"]
TEXTS += ["1.1", "0000000000001", "00000000000001", "true", "false", "True", "null", "5\n"]
TEXTS += ["pan", "Pan", "static", "veo_3_1", "_", "a" * 100, "a" * 101, "x" * 5001, "models/veo:1"]
NOTES = [{}, {"a": "b"}, {"": "b"}, {"a": 1}, {"a" * 65: "b"}, {"a": "b" * 513}]
NOTES += [{str(number): "" for number in range(size)} for size in (16, 17)]
VALUES = [None, True, False, [], ["a"], *NUMBERS, *TEXTS, *TYPES, *NOTES]
IMAGE_FIELDS = {"image", "input_reference", "last_frame", "reference_images", "frame_images"}
ADDRESSES = {"webhook_url", "callback_url"}  # their text is checked where the submit is


@pytest.mark.parametrize(
    ("model", "whole"),
    [
        (GenerateVideo, {"image": examples.IMAGE}),
        (CreateVideo, {"prompt": "A fox"}),
        (GenerateImage, {"prompt": "A fox"}),
        (NewUpload, {}),
    ],
)
def test_request_schema_takes_what_its_validator_takes(model, whole):
    schema = named(model.__name__)
    for field in {*model.model_fields, "unknown"} - IMAGE_FIELDS - ADDRESSES:
        for value in VALUES:
            if field == "metadata" and isinstance(value, str):
                continue  # JSON inside a text is beyond a schema
            body = {**whole, field: value}
            assert schema.is_valid(body) == accepted(model, body), (field, value)


@pytest.mark.parametrize(("model", "field"), [(GenerateVideo, "resolution"), (CreateVideo, "size")])
def test_a_size_is_described_to_the_pixel(model, field):
    schema = validator(NAMED["FrameSize"])
    whole = {"image": examples.IMAGE} if model is GenerateVideo else {"prompt": "A fox"}
    for size in SIZES:
        assert schema.is_valid(size) == accepted(model, {**whole, field: size}), size


@given(st.from_regex(NAMED["FrameSize"]["pattern"], fullmatch=True))
def test_every_size_of_the_pattern_is_taken(size):
    assert accepted(GenerateVideo, {"image": examples.IMAGE, "resolution": size})


PROMPTS = [..., None, "", " ", "A fox"]
IMAGES = [..., None, "", examples.IMAGE, {"image_url": examples.IMAGE}, {"image_url": ""}, {}]
IMAGES += [{"image_url": examples.IMAGE, "file_id": "file_1"}, [], 5]


@pytest.mark.parametrize("prompt", PROMPTS)
@pytest.mark.parametrize("image", IMAGES)
def test_openai_s_dialect_needs_a_prompt_or_an_image(prompt, image):
    both = {"prompt": prompt, "input_reference": image}
    body = {name: value for name, value in both.items() if value is not ...}
    assert named("CreateVideo").is_valid(body) == accepted(CreateVideo, body)


FRAMES = [{"image_url": examples.IMAGE, "frame_type": kind} for kind in ("first_frame", "x", None)]
FRAMES += [{"image_url": {"url": examples.IMAGE}, "frame_type": "last_frame", "type": "image_url"}]
FRAMES += [{"image_url": {"url": ""}, "frame_type": "last_frame"}, {"frame_type": "last_frame"}, 5]
LISTS = [..., None, "", [], *([image] * count for image in IMAGES[1:] for count in (1, 3, 4))]


@pytest.mark.parametrize(
    ("model", "field", "values"),
    [
        (CreateVideo, "last_frame", IMAGES),
        (CreateVideo, "reference_images", LISTS),
        (
            CreateVideo,
            "frame_images",
            [..., None, [], *([each] for each in FRAMES), FRAMES[:1] * 3],
        ),
        (GenerateVideo, "image", IMAGES),
        (GenerateVideo, "last_frame", IMAGES),
        (GenerateVideo, "reference_images", LISTS),
    ],
)
def test_further_images_are_described_as_they_are_taken(model, field, values):
    schema, whole = named(model.__name__), {"prompt": "A fox"}
    image = {"image": examples.IMAGE}
    for value in values:
        for other in ({}, whole, image) if model is GenerateVideo else ({}, whole):
            body = other | ({} if value is ... else {field: value})
            assert schema.is_valid(body) == accepted(model, body), body


# --- examples


def examples_of(operation):
    for body in operation.get("requestBody", {}).get("content", {}).values():
        yield from ((body["schema"], each["value"]) for each in body["examples"].values())
    for reply in operation["responses"].values():
        for content in reply.get("content", {}).values():
            shown = content.get("examples", {}).values()
            yield from ((content["schema"], each["value"]) for each in shown)


def test_every_example_is_one_of_its_schema():
    replies = {"errors": {"responses": DOCUMENT["components"]["responses"]}}
    for route, operation in (OPERATIONS | replies).items():
        for schema, value in examples_of(operation):
            assert [each.message for each in validator(schema).iter_errors(value)] == [], route


def test_every_operation_with_a_json_body_shows_an_example():
    for route, operation in OPERATIONS.items():
        reply = next(iter(operation["responses"].values()))
        shown = [content for kind, content in reply["content"].items() if kind == JSON]
        assert route == "GET /openapi.json" or all(content["examples"] for content in shown)


# --- the page


class Reader(HTMLParser):
    """What of a page could load, run, or lead somewhere."""

    def __init__(self):
        super().__init__()
        self.tags, self.ids, self.links, self.attributes, self.sources = set(), [], [], set(), []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.add(name)
            if name == "id":
                self.ids.append(value)
            elif name == "href" and tag == "a":
                self.links.append(value)
            elif name in {"src", "srcset", "href", "data", "action", "poster"}:
                self.sources.append(value)


@pytest.fixture(scope="module")
def read():
    reader = Reader()
    reader.feed(PAGE)
    return reader


def test_the_page_runs_and_loads_nothing_but_its_script(read):
    assert not read.tags & {"iframe", "object", "embed", "form", "img", "base"}
    assert not [name for name in read.attributes if name.startswith("on") or name == "style"]
    assert read.sources == ["data:,", "/docs.js"]
    assert PAGE.count("<script") == PAGE.count('<script type="module" src="/docs.js"></script>')
    assert "url(" not in page.style()
    assert "@import" not in page.style()


def test_the_policy_allows_this_style_and_no_other():
    styles = re.findall(r"<style>(.*?)</style>", PAGE, re.DOTALL)
    assert styles == [page.style()]
    policy = documentation.SECURITY["Content-Security-Policy"]
    assert f"style-src {page.style_source()};" in policy, "put this hash into documentation.STYLE"
    assert policy.startswith("default-src 'none'; script-src 'self'; ")
    assert "unsafe" not in policy


def test_every_link_of_the_page_leads_somewhere(read):
    assert len(read.ids) == len(set(read.ids))
    inside = {link[1:] for link in read.links if link.startswith("#")}
    assert inside <= set(read.ids)
    outside = {link for link in read.links if not link.startswith("#")}
    assert {f"GET {link}" for link in outside} <= OPERATIONS.keys()


def test_every_operation_is_on_the_page(read):
    assert {operation["operationId"] for operation in OPERATIONS.values()} <= set(read.ids)


def commands(html):
    """Return the words of every curl command of the page."""
    for block in re.findall(r"<code>([^<]*)</code></pre>", html):
        parts = re.split(r"^(?=curl )", unescape(block).replace("\\\n", " "), flags=re.MULTILINE)
        yield from (shlex.split(part) for part in parts if part.startswith("curl "))


def test_every_command_of_the_page_would_be_accepted():
    assert len(list(commands(PAGE))) > len(OPERATIONS)
    for words in commands(PAGE):
        arguments = dict(itertools.pairwise(words))
        form = dict(
            after.split("=", 1) for flag, after in itertools.pairwise(words) if flag == "-F"
        )
        (url,) = (word for word in words if word.startswith(f"{BASE}/"))
        path = re.sub(rf"{examples.ID}|\$id", "{task_id}", url.removeprefix(BASE))
        operation = OPERATIONS[
            f"{arguments.get('-X', 'POST' if form or '-d' in arguments else 'GET')} {path}"
        ]
        body = form or json.loads(arguments.get("-d", "null"))
        assert bool(body) == ("requestBody" in operation), words
        if body:
            content = operation["requestBody"]["content"][FORM if form else JSON]
            assert validator(content["schema"]).is_valid(body), words


def test_commands_send_files_that_the_page_fetches():
    """A file that a command sends is one that the page fetches."""
    words = list(commands(PAGE))
    sent = {part.partition("@")[2] for each in words for part in each if "=@" in part}
    fetched = {each[-1].rpartition("/")[2] for each in words if "-O" in each}
    assert sent
    assert sent <= {name for name in fetched if f"GET /examples/{name}" in OPERATIONS}


def test_commands_send_a_key_where_keys_are_needed():
    """The commands send a key where keys are asked for and nowhere else."""
    asked, key = documentation.page(BASE, keys=True), "Authorization: Bearer $VIDEOAPI_KEY"
    assert key not in [part for words in commands(PAGE) for part in words]
    for words in commands(asked):
        (url,) = (word for word in words if word.startswith(f"{BASE}/"))
        path = re.sub(rf"{examples.ID}|\$id", "{task_id}", url.removeprefix(BASE))
        free = all(
            operation.get("security") == []
            for route, operation in OPERATIONS.items()
            if route.endswith(f" {path}")
        )
        assert (key in words) is not free, words
    assert len(list(commands(asked))) == len(list(commands(PAGE)))
    assert "not-needed" in PAGE
    assert "not-needed" not in asked


def test_the_page_tells_every_code_with_which_a_generation_fails():
    package = Path(documentation.__file__).parents[1]
    made = [path.read_text() for path in sorted((package / "worker").glob("*.py"))]
    codes = re.findall(r'code="(\w+)"', "".join(made))
    failures = (package / "providers" / "errors.py").read_text()
    codes += re.findall(r', "([a-z]+_[a-z_]+)"\)?,?$', failures, re.MULTILINE)
    assert len(set(codes)) >= 10
    _, _, table = PAGE.partition('id="task-errors"')
    assert {code for code in codes if f"<code>{code}</code>" not in table} == set()
