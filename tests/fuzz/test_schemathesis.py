"""The functions keep what the OpenAPI document promises: schemathesis, with every check it has."""

import base64
import json
import re
from urllib.parse import parse_qsl

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from schemathesis.config import SchemathesisConfig

from tests.support.client import NUMBERS, Client
from tests.support.moto import DataServices, session
from tests.support.task_factory import TaskFactory
from tools.openapi.examples import ID, TINY_PNG
from tools.openapi.parts import FORM, PARAMETERS
from tools.openapi.schemas import NAMED
from videoapi.api import documentation
from videoapi.aws.files import upload_key
from videoapi.domain.tasks import Status

SEED = 1
CONFIG = {
    "seed": SEED,
    "generation": {"deterministic": True, "database": "none", "max-examples": 10},
    # DELETE of a task cancels it, and a cancelled task can be read.
    "operations": [
        {"include-operation-id": "getTask", "checks": {"use_after_free": {"enabled": False}}}
    ],
}
pytestmark = pytest.mark.slow
STEPS = settings(
    max_examples=6,
    stateful_step_count=6,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
IDS = {status: f"vid_{status:a<26}" for status in Status if status is not Status.DELETED}
KEY = PARAMETERS["IdempotencyKey"]["schema"]["pattern"]
UPLOADED = "upload_" + "a" * 26
CURSOR = base64.urlsafe_b64encode(f"2026-01-11T10:30:00.000Z#{ID}".encode()).decode().rstrip("=")
FRAMES = ("image", "input_reference", "input_reference[image_url]", "last_frame")
FILES = ("input_reference", "last_frame", "reference_images")
IMAGES = {*FRAMES, *FILES, "image_url"}
PICTURE, A_PICTURE = base64.b64decode(TINY_PNG), "a picture"

schemathesis.openapi.format("task-id", st.sampled_from(list(IDS.values())))
schemathesis.openapi.format("model", st.just("veo_3_1"))
schemathesis.openapi.format("file", st.just("main.js"))
schemathesis.openapi.format("cursor", st.just(CURSOR))


class Gateway:
    """An ASGI application in front of the functions."""

    client = None

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message.get("more_body", False)
        response = self.client.request(
            scope["method"],
            scope["path"],
            headers={name.decode(): value.decode("latin-1") for name, value in scope["headers"]},
            query=joined(scope["query_string"].decode()),
            body=base64.b64encode(body.replace(A_PICTURE.encode(), PICTURE)).decode(),
            isBase64Encoded=True,
        )
        headers = [(name.encode(), value.encode()) for name, value in response.headers.items()]
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": response.text.encode()})


def joined(query):
    """Return the parameters as API Gateway does: a repeated one is joined with commas."""
    found = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


schema = schemathesis.openapi.from_dict(
    json.loads(documentation.asset("/openapi.json")[1]), config=SchemathesisConfig.from_dict(CONFIG)
)
schema.app = Gateway()


@schemathesis.hook
def before_call(_context, case, _kwargs):
    """Make good what a schema cannot say: whose key, which ids exist, what is really an image."""
    key = case.headers.get("Idempotency-Key")
    if isinstance(key, str) and re.fullmatch(KEY, key):  # each for one request only
        fresh = str(next(NUMBERS))
        case.headers["Idempotency-Key"] = key[: -len(fresh) - 1] + fresh + key[-1]
    if case.meta.generation.mode.is_positive:
        case.query.update(meant(case.query))
        if "from" in case.query:  # two days of any years are no span that a row each is told of
            case.query["to"] = case.query["from"]
        if isinstance(case.body, dict):
            form = case.media_type == FORM
            case.body = of_one_model(of_one_shape(meant(case.body, file=form)), form=form)


def of_one_shape(fields):
    """Return the fields without what contradicts the size; a schema cannot calculate."""
    if isinstance(fields.get("size"), str) or isinstance(fields.get("resolution"), str):
        fields.pop("aspect_ratio", None)
    if isinstance(fields.get("size"), str) and fields["size"].strip():
        fields.pop("resolution", None)
    return fields


def of_one_model(fields, *, form):
    """Return the fields without what a relay's model cannot make, or what contradicts itself."""
    for name in ("seed", "negative_prompt", "generate_audio"):
        fields.pop(name, None)
    first = "image" if "image" in fields else "input_reference"
    if fields.get("frame_images") or fields.get("reference_images"):
        fields = {name: each for name, each in fields.items() if name not in FRAMES}
    if fields.get("frame_images"):
        frames = [{"image_url": an_image("", file=False), "frame_type": "first_frame"}]
        fields |= {"frame_images": json.dumps(frames) if form else frames, "reference_images": None}
    if fields.get("reference_images"):
        fields |= {"model": "veo_3_1-components"}
    if fields.get("last_frame"):
        fields = {name: each for name, each in fields.items() if not name.endswith("[image_url]")}
        fields |= {first: fields["last_frame"], "model": "veo_3_1"}
    return {name: each for name, each in fields.items() if each is not None or not form}


def meant(fields, *, file=False):
    return {name: one_meant(name, value, file=file) for name, value in fields.items()}


def one_meant(name, value, *, file):
    match name, value:
        case "cursor", _:
            return CURSOR
        case "after", _:
            return IDS[Status.COMPLETED]
        case "url" | "webhook_url" | "callback_url", str() if value.strip():
            return "http://127.0.0.1:9/hook"  # where nothing listens
        case "metadata", str():
            return json.dumps({"note": value[:9]})
    return image_meant(value, file=file and name in FILES) if name in IMAGES else value


def image_meant(value, *, file):
    match value:
        case dict():
            return {name: one_meant(name, each, file=file) for name, each in value.items()}
        case list():
            return [image_meant(each, file=file) for each in value]
        case str(text):
            return an_image(text, file=file)
    return value


def an_image(text, *, file):
    if re.search(NAMED["ImageUrl"]["pattern"], text):
        return "HTTPS://93.184.215.14:8443/a?b=c#d"
    if re.search(NAMED["ImageUpload"]["pattern"], text):
        return UPLOADED
    return A_PICTURE if file else f"data:image/png;base64,{TINY_PNG}"


@pytest.fixture(autouse=True)
def begin(moto, drawer):
    """Return how a service begins anew, with a task of every status."""

    def renewed():
        moto.reset()
        services = DataServices()
        services.files.put(upload_key("anonymous", "a" * 26), PICTURE, "image/png")
        session().client("secretsmanager").create_secret(Name="key", SecretString="drawer")
        settings = {"IMAGE_BASE_URL": drawer, "IMAGE_API_KEY_SECRET": "key"}
        schema.app.client = Client(services, **settings, WEBHOOK_ALLOW_PRIVATE="true")
        for status, task_id in IDS.items():
            getattr(TaskFactory(services.store), status)(task_id=task_id)

    renewed()
    return renewed


@schema.parametrize()
def test_every_answer_is_as_documented(case):
    case.call_and_validate()


def test_what_one_answer_names_is_found_by_the_next(begin):
    class Journey(schema.as_state_machine()):
        def setup(self):
            begin()

    Journey.run(settings=STEPS)
