import json
import re
import tomllib

import pytest
from cfnlint.api import ManualArgs, lint

from tests.template.deployment import ROOT, properties, translated


@pytest.mark.fails_when(
    a_property_is_mistyped=lambda s: properties(s, "TasksQueue").update(VisibilityTimeOut=900)
)
def test_cfn_lint_finds_nothing_in_the_translated_template(template):
    document = json.dumps(translated(template.source, {}))
    arguments = ManualArgs(regions=["us-east-1", "eu-central-1"])
    assert lint(document, config=arguments) == []


def test_nor_in_that_of_a_canary_which_has_resources_of_its_own(source):
    document = translated(source, {"DeploymentPreference": "Canary10Percent5Minutes"})
    assert lint(json.dumps(document), config=ManualArgs(regions=["us-east-1"])) == []


def test_each_check_that_checkov_skips_says_why():
    lines = (ROOT / ".checkov.yaml").read_text().splitlines()
    skipped = lines[lines.index("skip-check:") + 1 :]
    assert 1 <= len(skipped) <= 10
    for line in skipped:
        assert re.fullmatch(r"  - CKV\w+ # .{40,}", line)


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
