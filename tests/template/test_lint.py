import json
import tomllib

import pytest
from cfnlint.api import ManualArgs, lint

from tests.template.deployment import ROOT, properties, translated


@pytest.mark.fails_when(
    a_property_is_mistyped=lambda s: properties(s, "TasksQueue").update(VisibilityTimeOut=900)
)
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"DeploymentPreference": "Canary10Percent5Minutes", "SnapStart": "PublishedVersions"},
        {"VideoMaxConcurrent": "1", "ProvisionedConcurrency": "2"},
        {"VideoMaxConcurrent": "10", "ReserveConcurrency": "false"},
    ],
    ids=repr,
)
def test_cfn_lint_finds_nothing_in_the_translated_template(template, parameters):
    document = json.dumps(translated(template.source, parameters))
    arguments = ManualArgs(regions=["us-east-1", "eu-central-1"])
    assert lint(document, config=arguments) == []


def test_the_outputs_say_where_everything_is(source):
    assert source["Outputs"].keys() == {
        "ApiUrl",
        "TasksTableName",
        "TasksQueueUrl",
        "DeadLetterQueueUrl",
        "DashboardUrl",
        "FilesBucketName",
    }
    assert all("Description" in output for output in source["Outputs"].values())


def test_samconfig_names_only_parameters_that_the_template_has(source):
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    commands = [
        c["parameters"] for env in config.values() if isinstance(env, dict) for c in env.values()
    ]
    overrides = [c["parameter_overrides"].split() for c in commands if "parameter_overrides" in c]
    assert len(overrides) == 2
    for name, value in (pair.split("=") for pairs in overrides for pair in pairs):
        parameter = source["Parameters"][name]
        assert value in map(str, parameter["AllowedValues"])


def test_sam_local_serves_port_8000():
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    assert config["default"]["local_start_api"]["parameters"]["port"] == 8000
