from dataclasses import FrozenInstanceError, asdict, fields

import pytest

from tests.support.moto import template
from videoapi.settings import Settings


def read(**environment):
    return Settings.from_environment(environment)


def test_without_any_variable_the_documents_defaults_hold():
    settings = read()
    assert settings.veo3_base_url == "https://api.kuai.host"
    assert settings.veo3_endpoint == "/v1/videos"
    assert settings.veo3_model == "veo_3_1"
    assert settings.veo3_skip_upload is True
    assert settings.video_generation_max_retries == 3
    assert settings.video_generation_retry_delay == 5.0
    assert settings.video_generation_retry_backoff == 2.0
    assert settings.video_max_concurrent == 2
    assert settings.task_retention_hours == 24
    assert settings.openai_status_vocabulary == "auto"
    assert settings.veo3_ambiguous_submit == "fail"


def test_an_empty_variable_is_as_if_it_was_not_there():
    empty = {field.name.upper(): "" for field in fields(Settings)}
    assert asdict(Settings.from_environment(empty)) == asdict(Settings())


def test_other_variables_are_nobodys_business_here():
    assert asdict(read(PATH="/bin", VEO3_API_KEY="secret")) == asdict(Settings())


@pytest.mark.parametrize("text", ["true", "True", "1", "yes", "on", " true "])
def test_a_flag_is_on(text):
    assert read(IMAGE_URL_ALLOW_PRIVATE=text).image_url_allow_private is True


@pytest.mark.parametrize("text", ["false", "False", "0", "no", "off"])
def test_a_flag_is_off(text):
    assert read(VEO3_SKIP_UPLOAD=text).veo3_skip_upload is False


@pytest.mark.parametrize("text", ["a,b", " a , b ,", ",a,,b"])
def test_a_list_has_commas(text):
    assert read(VEO3_ALLOWED_MODELS=text).veo3_allowed_models == ("a", "b")


def test_numbers_are_numbers():
    settings = read(VIDEO_MAX_CONCURRENT="5", VIDEO_GENERATION_RETRY_DELAY="0.5")
    assert settings.video_max_concurrent == 5
    assert settings.video_generation_retry_delay == 0.5


@pytest.mark.parametrize("field", [f for f in fields(Settings) if type(f.default) is int])
@pytest.mark.parametrize("text", ["40", "40.0", "4e1", " 40 ", "+40"])
def test_integer_is_read_in_every_cloudformation_spelling(field, text):
    """A whole number is one in every spelling that CloudFormation takes."""
    value = getattr(read(**{field.name.upper(): text}), field.name)
    assert (value, type(value)) == (40, int)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("VEO3_SKIP_UPLOAD", "maybe"),
        ("VIDEO_MAX_CONCURRENT", "two"),
        ("VIDEO_MAX_CONCURRENT", "2.5"),
        ("LEASE_SECONDS", "inf"),
        ("LEASE_SECONDS", "nan"),
        ("VIDEO_GENERATION_RETRY_DELAY", "soon"),
        ("VEO3_AMBIGUOUS_SUBMIT", "perhaps"),
        ("OPENAI_STATUS_VOCABULARY", "klingon"),
    ],
)
def test_bad_value_is_refused_by_the_operators_name(name, text):
    """A value that means nothing is refused by the name the operator knows."""
    with pytest.raises(ValueError, match=f"{name}='{text}'"):
        read(**{name: text})


@pytest.mark.parametrize("word", ["auto", "openai", "document"])
def test_a_vocabulary_is_one_of_three(word):
    assert read(OPENAI_STATUS_VOCABULARY=word).openai_status_vocabulary == word


@pytest.mark.parametrize("word", ["fail", "retry"])
def test_a_lost_submit_is_failed_or_tried_again(word):
    assert read(VEO3_AMBIGUOUS_SUBMIT=word).veo3_ambiguous_submit == word


@pytest.mark.parametrize(("text", "price"), [("0", 0), ("0.25", 250_000), ("1000", 10**9)])
def test_relays_price_is_told_in_micro_dollars(text, price):
    assert read(VIDEO_PRICE_USD=text).relay_price_micros == price


@pytest.mark.parametrize("text", ["-1", "nan", "inf", "1000.01"])
def test_what_is_no_price_is_refused(text):
    with pytest.raises(ValueError, match=r"VIDEO_PRICE_USD=.*say dollars, 0 to 1000"):
        read(VIDEO_PRICE_USD=text)


@pytest.mark.parametrize(("text", "budget"), [("0", None), ("0.5", 500_000), ("1e6", 10**12)])
def test_daily_budget_is_told_in_micro_dollars(text, budget):
    assert read(DAILY_BUDGET_USD=text).daily_budget_micros == budget


@pytest.mark.parametrize("text", ["-1", "nan", "inf", "1000001"])
def test_what_is_no_budget_is_refused(text):
    with pytest.raises(ValueError, match=r"DAILY_BUDGET_USD=.*say dollars, 0 to 1000000"):
        read(DAILY_BUDGET_USD=text)


def test_nothing_changes_a_setting_afterwards():
    with pytest.raises(FrozenInstanceError):
        read().veo3_model = "other"


def test_every_setting_is_a_variable_of_the_template():
    described = template()
    worker = described["Resources"]["WorkerFunction"]["Properties"]["Environment"]["Variables"]
    variables = described["Globals"]["Function"]["Environment"]["Variables"] | worker
    defaults = {
        name: str(described["Parameters"][value["Ref"]]["Default"])
        for name, value in variables.items()
        if isinstance(value, dict) and value.get("Ref") in described["Parameters"]
    }
    names = {field.name.upper() for field in fields(Settings)}
    assert names <= variables.keys()
    defaults = {name: text for name, text in defaults.items() if name in names}
    assert asdict(Settings.from_environment(defaults)) == asdict(Settings())


ROUTES = "veo=relay:veo_3_1,vertex:veo-3.1-generate-001"


def test_routes_are_read_by_model():
    settings = read(VIDEO_PROVIDERS="relay,vertex", VIDEO_ROUTES=ROUTES, VEO3_MODEL="veo")
    assert settings.routes["veo"] == (("relay", "veo_3_1"), ("vertex", "veo-3.1-generate-001"))


def test_without_routes_there_are_none():
    assert read().routes == {}


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"VIDEO_PROVIDERS": "relay,sora"}, "VIDEO_PROVIDERS='sora': say one of relay, vertex"),
        ({"VIDEO_ROUTES": ROUTES}, "VIDEO_ROUTES: vertex:veo-3.1-generate-001 needs vertex among"),
        ({"VIDEO_ROUTES": "veo=relay:veo_3_1"}, "VEO3_MODEL='veo_3_1': say one of veo"),
        ({"VIDEO_ROUTES": "veo"}, "VIDEO_ROUTES: 'veo': say MODEL="),
        ({"VIDEO_PROVIDERS": "vertex"}, "no relay, so VIDEO_ROUTES must say .* veo_3_1=vertex:"),
        ({"VIDEO_PROVIDERS": "gemini,vertex", "VIDEO_ROUTES": " ; "}, "no relay, so VIDEO_ROUTES"),
    ],
)
def test_routes_that_lead_nowhere_are_refused(environment, words):
    with pytest.raises(ValueError, match=words):
        read(**environment)
