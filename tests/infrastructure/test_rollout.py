"""How a new version reaches callers: at once or little by little, cold, frozen or warm."""

from copy import deepcopy

import pytest

from tests.support.template import Template, properties, routes

CANARY = {"DeploymentPreference": "Canary10Percent5Minutes"}


def behind_the_api(deployment):
    return set(routes(deployment).values())


def versions(deployment):
    """Return {function: logical id of its version}, which changes with what is deployed."""
    return {v["FunctionName"]["Ref"]: k for k, v in deployment.of_type("Lambda::Version").items()}


@pytest.mark.fails_when(
    one_has_none=lambda s: [
        properties(s, "ListFunction").pop(name)
        for name in ("AutoPublishAlias", "VersionDeletionPolicy")
    ],
    the_worker_has_one=lambda s: properties(s, "WorkerFunction").update(AutoPublishAlias="live"),
)
def test_api_functions_are_called_by_alias_and_no_others(template):
    deployment = template.deployed()
    assert versions(deployment).keys() == behind_the_api(deployment)
    for alias in deployment.of_type("Lambda::Alias").values():
        assert alias["Name"] == "live"


@pytest.mark.fails_when(
    a_layer_does_not_count=lambda s: (
        properties(s, "VideoApiLayer").pop("PublishLambdaVersion"),
        properties(s, "DependenciesLayer").pop("PublishLambdaVersion"),
    ),
    one_counts_its_own_code_alone=lambda s: properties(s, "StatusFunction").pop(
        "AutoPublishAliasAllProperties"
    ),
)
@pytest.mark.parametrize("layer", ["DependenciesLayer", "VideoApiLayer"])
def test_a_new_layer_moves_every_alias_for_the_code_is_in_there(template, layer):
    before = versions(template.deployed())
    changed = deepcopy(template.source)
    properties(changed, layer)["ContentUri"] = "s3://artifacts/changed"
    after = versions(Template(changed).deployed())
    assert all(before[function] != after[function] for function in before)


@pytest.mark.fails_when(
    one_is_kept_for_ever=lambda s: properties(s, "DocsFunction").pop("VersionDeletionPolicy")
)
def test_no_version_outlives_the_release_after_it(template):
    deployment = template.deployed()
    found = [r for r in deployment.resources.values() if r["Type"] == "AWS::Lambda::Version"]
    assert len(found) == len(behind_the_api(deployment))
    assert {version["DeletionPolicy"] for version in found} == {"Delete"}


def test_all_at_once_is_done_without_codedeploy(intact):
    deployment = intact.deployed()
    kinds = {resource["Type"] for resource in deployment.resources.values()}
    assert not any(kind.startswith("AWS::CodeDeploy") for kind in kinds)
    assert not any("UpdatePolicy" in resource for resource in deployment.resources.values())


@pytest.mark.fails_when(
    nothing_watches=lambda s: s["Globals"]["Function"]["DeploymentPreference"].pop("Alarms"),
    the_alarm_has_another_name=lambda s: properties(s, "ApiFailuresAlarm").update(AlarmName="5xx"),
    it_is_not_gradual=lambda s: s["Mappings"]["Rollout"]["Canary10Percent5Minutes"].update(
        Gradual="false"
    ),
)
def test_canary_is_for_the_api_alone_and_rolls_back_on_5xx(template):
    """A canary is for the API alone and taken back when callers read 5xx."""
    deployment = template.deployed(**CANARY)
    groups = deployment.of_type("CodeDeploy::DeploymentGroup")
    assert groups.keys() == {f"{name}DeploymentGroup" for name in behind_the_api(deployment)}
    alarm = deployment["ApiFailuresAlarm"]
    assert alarm["MetricName"] == "5xx"
    for group in groups.values():
        assert group["AlarmConfiguration"]["Alarms"] == [{"Name": alarm["AlarmName"]}]
        assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
        assert group["DeploymentConfigName"]["Fn::Sub"][1] == {
            "ConfigName": "Canary10Percent5Minutes"
        }


@pytest.mark.fails_when(
    a_period_is_the_whole_canary=lambda s: properties(s, "ApiFailuresAlarm").update(Period=300),
    it_waits_for_every_minute=lambda s: properties(s, "ApiFailuresAlarm").pop("DatapointsToAlarm"),
    a_tenth_of_few_calls_is_not_enough=lambda s: properties(s, "ApiFailuresAlarm").update(
        Threshold=5
    ),
)
def test_two_failed_calls_take_the_shortest_canary_back(template):
    """In two of its minutes: metrics come a minute or two late, so a longer look would miss it."""
    alarm = template.deployed(**CANARY)["ApiFailuresAlarm"]
    assert (alarm["Statistic"], alarm["Threshold"]) == ("Sum", 1)
    assert alarm["Period"] * alarm["EvaluationPeriods"] == 5 * 60
    assert alarm["Period"] * alarm.get("DatapointsToAlarm", alarm["EvaluationPeriods"]) == 2 * 60


@pytest.mark.fails_when(
    one_is_unknown=lambda s: s["Parameters"]["DeploymentPreference"]["AllowedValues"].append("X")
)
def test_every_way_to_roll_out_says_whether_it_is_gradual(template):
    ways = template.source["Parameters"]["DeploymentPreference"]["AllowedValues"]
    assert template.source["Mappings"]["Rollout"].keys() == set(ways)


@pytest.mark.fails_when(
    the_worker_is_frozen=lambda s: properties(s, "WorkerFunction").pop("SnapStart"),
    always=lambda s: s["Globals"]["Function"]["SnapStart"].update(ApplyOn="PublishedVersions"),
)
def test_snapshots_are_off_until_asked_for(template):
    for asked in ("None", "PublishedVersions"):
        deployment = template.deployed(SnapStart=asked)
        for name, function in deployment.of_type("Lambda::Function").items():
            frozen = asked if name in behind_the_api(deployment) else "None"
            assert function["SnapStart"] == {"ApplyOn": frozen}


@pytest.mark.fails_when(always=lambda s: s["Conditions"].update(Provisioned={"Fn::Equals": [1, 1]}))
def test_nothing_is_kept_warm_until_asked_for(template):
    def warm(deployment):
        return {
            alias["FunctionName"]["Ref"]: alias["ProvisionedConcurrencyConfig"]
            for alias in deployment.of_type("Lambda::Alias").values()
            if "ProvisionedConcurrencyConfig" in alias
        }

    asked = {"ProvisionedConcurrentExecutions": "3"}
    assert warm(template.deployed()) == {}
    assert warm(template.deployed(ProvisionedConcurrency="3")) == {
        "SubmitFunction": asked,
        "StatusFunction": asked,
    }


@pytest.mark.fails_when(
    lambda_would_refuse=lambda s: s["Rules"].pop("WarmOrFrozen"),
    one_alone_is_refused=lambda s: s["Rules"]["WarmOrFrozen"].update(
        RuleCondition={"Fn::Equals": [1, 1]}
    ),
)
def test_what_lambda_excludes_is_refused_before_the_deploy(template):
    """What Lambda does not do both of is refused before anything is deployed."""
    assert template.allows(SnapStart="PublishedVersions")
    assert template.allows(ProvisionedConcurrency="1")
    assert not template.allows(SnapStart="PublishedVersions", ProvisionedConcurrency="1")
