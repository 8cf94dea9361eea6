import json
import re
import tomllib

import pytest

from tests.support.template import ROOT, properties, translated


def lint(document, region):
    from cfnlint.api import ManualArgs  # noqa: PLC0415 - only here: it takes two seconds …
    from cfnlint.api import lint as found  # noqa: PLC0415 - … in every process

    return found(json.dumps(document), config=ManualArgs(regions=[region]))


@pytest.mark.slow
@pytest.mark.fails_when(
    a_property_is_mistyped=lambda s: properties(s, "TasksQueue").update(VisibilityTimeOut=900)
)
def test_cfn_lint_finds_nothing_in_the_translated_template(template):
    """For a region that `make validate` does not look at; a second one takes as long again."""
    assert lint(translated(template.source, {}), "eu-central-1") == []


@pytest.mark.slow
def test_nor_in_that_of_a_canary_which_has_resources_of_its_own(source):
    document = translated(source, {"DeploymentPreference": "Canary10Percent5Minutes"})
    assert lint(document, "us-east-1") == []


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
        "WorkerRoleName",
    }
    assert all("Description" in output for output in source["Outputs"].values())


def deploys():
    """Return what samconfig says of each deploy, `parameter_overrides` as a mapping."""
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    found = [dict(config[stage]["deploy"]["parameters"]) for stage in ("default", "prod")]
    for each in found:
        pairs = each["parameter_overrides"].split()
        each["parameter_overrides"] = dict(pair.split("=") for pair in pairs)
    return found


def test_samconfig_names_known_parameters_and_values(source):
    """Samconfig names only parameters and values that the template takes."""
    for deploy in deploys():
        for name, value in deploy["parameter_overrides"].items():
            parameter = source["Parameters"][name]
            assert value in map(str, parameter.get("AllowedValues", [value]))
            assert re.fullmatch(parameter.get("AllowedPattern", ".*"), value)


def test_no_two_stacks_share_what_the_deletion_of_one_takes_away():
    dev, prod = deploys()
    for name in ("stack_name", "s3_prefix"):
        assert dev[name] != prod[name]
    assert dev["s3_prefix"] == dev["stack_name"], "the artifacts, which `sam delete` removes"
    secrets = {each["parameter_overrides"]["Veo3ApiKeySecret"] for each in (dev, prod)}
    assert len(secrets) == 2, "the relay's key, which a removal deletes (docs/operations.md)"


def test_commands_of_the_pages_name_stacks_that_samconfig_makes():
    made = {deploy["stack_name"] for deploy in deploys()}
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    named = {name for page in pages for name in re.findall(r"STACK=([\w-]+)", page.read_text())}
    assert named <= made


def test_deploy_closes_and_a_failed_first_one_leaves_nothing():
    """What `parameter_overrides` does not name keeps the value that the stack has."""
    for deploy in deploys():
        assert deploy["parameter_overrides"]["AllowAnonymous"] == "false"
        assert deploy["on_failure"] == "DELETE"
        assert not deploy.get("disable_rollback")


def test_sam_local_serves_port_8000():
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    assert config["default"]["local_start_api"]["parameters"]["port"] == 8000
