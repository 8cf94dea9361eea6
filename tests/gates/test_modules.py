"""What a role must not load: each import would be paid for at every cold start.

Started from what `sam build` makes, as Lambda would, with a whole request each.
"""

import pytest

from benchmarks.cases import WORKS, cases

pytestmark = pytest.mark.slow

PYDANTIC = {"pydantic", "pydantic_core"}
HTTPX = {"httpx", "httpcore", "anyio", "h11"}
RELAY = {
    "videoapi.providers.openai_compatible.client",
    "videoapi.worker.generation",
    "videoapi.net.downloads",
}
GOOGLE = {
    "google.auth",
    "cryptography",
    "videoapi.providers.google.vertex",
    "videoapi.providers.google.gemini",
}
RESOLVER = {
    "aws_lambda_powertools.event_handler",
    "videoapi.api.application",
    "videoapi.api.results",
}
PARAMETERS = {"aws_lambda_powertools.utilities.parameters"}
TABLE_OF_MODELS = {"videoapi.catalog.models", "tomllib"}
FORMS = {"python_multipart", "videoapi.api.openai.multipart"}
PICTURES = {"PIL", "videoapi.media.thumbnails"}
HEAVY = {
    "aws_lambda_powertools.utilities.batch",
    "aws_lambda_powertools.utilities.idempotency",
    "aws_xray_sdk",
}
READING = PYDANTIC | HTTPX | RELAY | PARAMETERS | PICTURES | HEAVY | GOOGLE | TABLE_OF_MODELS
BACKGROUND = READING | RESOLVER | {"asyncio"}
NOT_LOADED = {
    "submit": (READING | FORMS | {"imagesize"}) - PYDANTIC,
    "submit with an image": READING - PYDANTIC,
    "status": READING,
    "content": READING,
    "list of 20": READING,
    "cancel": READING,
    "uploads": READING - PYDANTIC,
    "mcp": READING - PYDANTIC,
    "docs (health)": READING,
    "images": PICTURES
    | HEAVY
    | GOOGLE
    | {"videoapi.providers.openai_compatible.client", "videoapi.worker.generation"},
    "worker, task taken": PYDANTIC | RESOLVER | HEAVY | GOOGLE,  # a relay alone is listed
    "dead letter": BACKGROUND,
    "sweeper": BACKGROUND,
}
MAX_MEMORY = 60 * 1024  # KiB of a role that answers requests
API = [title for title in NOT_LOADED if title not in {"images", "worker, task taken"}]


@pytest.fixture(scope="module")
def measured():
    with cases(baselines=False) as found:
        yield {title: found[title].measure() for title in NOT_LOADED}


def test_every_role_is_looked_at():
    assert {WORKS[title].role for title in NOT_LOADED} == {
        work.role for work in WORKS.values() if not work.role.startswith("baseline")
    }


@pytest.mark.parametrize("title", NOT_LOADED)
def test_a_role_loads_nothing_that_it_does_not_need(title, measured):
    assert "videoapi.bootstrap" in measured[title].modules
    assert measured[title].modules & NOT_LOADED[title] == set()


@pytest.mark.parametrize("title", API)
def test_a_role_that_answers_requests_is_small(title, measured):
    if measured[title].peak is None:
        pytest.skip("the peak of memory is read from /proc/self/status")
    assert measured[title].peak <= MAX_MEMORY
