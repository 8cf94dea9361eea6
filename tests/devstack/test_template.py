import pytest

from devstack import template
from devstack.deploy import prepare
from devstack.fixups import route_key
from devstack.intrinsics import ABSENT, Intrinsics
from devstack.settings import ROOT

SOURCE = """
Parameters:
  Stage: {Type: String}
  Veo3Model: {Type: String, Default: veo_3_1}
  Veo3ApiKeySecret: {Type: String, Default: video-api/veo3-api-key}
  FastLlmApiKeySecret: {Type: String, Default: ""}
Globals:
  Function:
    Environment:
      Variables:
        TABLE_NAME: !Ref TasksTable
        SERVICE: video-api
        VEO3_MODEL: !Ref Veo3Model
        VEO3_API_KEY_SECRET: !Ref Veo3ApiKeySecret
        FAST_LLM_API_KEY_SECRET: !Ref FastLlmApiKeySecret
Resources:
  TasksTable: {Type: AWS::DynamoDB::Table, Properties: {Arn: !GetAtt Queue.Arn, Sub: !Sub "${A}"}}
  If: {Type: X, Condition: Deployed, Properties: {Value: !If [A, {B: !Ref C}, !Ref AWS::NoValue]}}
"""


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "template.yaml"
    path.write_text(SOURCE)
    return template.load(path)


def test_short_tags_become_long_ones(source):
    table, conditional = source["Resources"].values()
    assert table["Properties"] == {
        "Arn": {"Fn::GetAtt": ["Queue", "Arn"]},
        "Sub": {"Fn::Sub": "${A}"},
    }
    assert conditional["Properties"] == {
        "Value": {"Fn::If": ["A", {"B": {"Ref": "C"}}, {"Ref": "AWS::NoValue"}]}
    }


def test_a_setting_goes_to_the_parameter_behind_its_variable(source):
    values = {"VEO3_MODEL": "veo_3_1-fast", "TABLE_NAME": "mine", "SERVICE": "mine", "OTHER": "x"}
    assert template.parameters(source, values) == {"Veo3Model": "veo_3_1-fast", "Stage": "local"}


def test_setting_that_no_function_reads_goes_to_its_parameter():
    real = template.load(ROOT / "template.yaml")
    chosen = template.parameters(real, {"CORS_ALLOW_ORIGINS": "*", "LOG_LEVEL": "DEBUG"})
    assert chosen["CorsAllowOrigins"] == "*"
    assert "LogLevel" not in chosen, "a variable that a developer may have for something else"


def test_architecture_is_this_machines_where_asked():
    chosen = template.parameters(template.load(ROOT / "template.yaml"), {})
    assert chosen["Architecture"] == template.architecture()


@pytest.mark.parametrize(
    ("machine", "word"),
    [("x86_64", "x86_64"), ("AMD64", "x86_64"), ("arm64", "arm64"), ("aarch64", "arm64")],
)
def test_machines_are_told_in_lambdas_words(monkeypatch, machine, word):
    monkeypatch.setattr("platform.machine", lambda: machine)
    assert template.architecture() == word


def test_key_becomes_a_secret_under_the_templates_name(source):
    values, named = template.secrets(source, {"VEO3_API_KEY": "k"})
    assert values == {"video-api/veo3-api-key": "k"}
    assert named == {"Veo3ApiKeySecret": "video-api/veo3-api-key"}


def test_a_key_becomes_a_secret_under_the_name_that_was_said(source):
    values, named = template.secrets(source, {"VEO3_API_KEY": "k", "VEO3_API_KEY_SECRET": "mine"})
    assert values == {"mine": "k"}
    assert named == {"Veo3ApiKeySecret": "mine"}


def test_a_key_of_a_feature_that_is_off_by_default_gets_a_name(source):
    values, named = template.secrets(source, {"FAST_LLM_API_KEY": "k"})
    assert values == {"video-api/fast-llm-api-key": "k"}
    assert named == {"FastLlmApiKeySecret": "video-api/fast-llm-api-key"}


def test_a_complaint_names_the_setting_and_not_its_parameter(source):
    message = template.by_variable(source, "Parameter 'Veo3Model' must match pattern x")
    assert message == "Parameter VEO3_MODEL must match pattern x"


INTRINSICS = Intrinsics(
    references={"Max": "2", "Origins": "a,b"},
    conditions={
        "Several": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Max"}, 1]}]},
        "Never": {"Fn::And": [{"Condition": "Several"}, {"Fn::Equals": ["a", "b"]}]},
        "Ever": {"Fn::Or": [{"Condition": "Never"}, {"Condition": "Several"}]},
    },
)
ABSENCE = {"Ref": "AWS::NoValue"}


@pytest.mark.parametrize(
    ("value", "resolved"),
    [
        ({"Ref": "Max"}, "2"),
        ({"Fn::If": ["Several", {"M": {"Ref": "Max"}}, ABSENCE]}, {"M": "2"}),
        ({"Fn::If": ["Never", 1, ABSENCE]}, ABSENT),
        ({"Fn::If": ["Ever", 1, 2]}, 1),
        ({"a": ABSENCE, "b": [ABSENCE, 1]}, {"b": [1]}),
        ({"Fn::Split": [",", {"Ref": "Origins"}]}, ["a", "b"]),
        (ABSENT, ABSENT),
    ],
)
def test_values_resolve_as_cloudformation_resolves_them(value, resolved):
    assert INTRINSICS.resolve(value) == resolved


def test_an_unknown_function_is_refused_rather_than_guessed():
    with pytest.raises(KeyError, match="Fn::ImportValue"):
        INTRINSICS.resolve({"Fn::ImportValue": "x"})
    with pytest.raises(KeyError, match="Fn::Contains"):
        INTRINSICS.holds({"Fn::Contains": []})


def test_mappings_concurrency_becomes_a_number():
    """A mapping's concurrency becomes a number because a string stops every poller."""
    document = mapping({"Fn::If": ["Several", {"MaximumConcurrency": {"Ref": "Max"}}, ABSENCE]})
    prepare(document, INTRINSICS)
    properties = document["Resources"]["Trigger"]["Properties"]
    assert properties == {"ScalingConfig": {"MaximumConcurrency": 2}}


def test_a_mapping_without_a_cap_keeps_none():
    document = mapping({"Fn::If": ["Never", {"MaximumConcurrency": {"Ref": "Max"}}, ABSENCE]})
    prepare(document, INTRINSICS)
    assert document["Resources"]["Trigger"]["Properties"] == {}


def mapping(scaling):
    properties = {"ScalingConfig": scaling}
    trigger = {"Type": "AWS::Lambda::EventSourceMapping", "Properties": properties}
    return {"Resources": {"Trigger": trigger}}


@pytest.mark.parametrize(
    ("method", "path", "key"),
    [
        ("get", "/v1/videos", "GET /v1/videos"),
        ("x-amazon-apigateway-any-method", "/a", "ANY /a"),
        ("x-amazon-apigateway-any-method", "/$default", "$default"),
        ("x-amazon-apigateway-any-method", "$default", "$default"),
    ],
)
def test_routes_have_api_gateways_names(method, path, key):
    assert route_key(method, path) == key
