import json
import re
import tomllib

import pytest

from tests.support import docs
from tests.support.samconfig import deploys, overrides, with_parameters
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


def test_samconfig_names_known_parameters_and_values(source):
    """Samconfig names only parameters and values that the template takes."""
    for deploy in deploys():
        for name, value in deploy["parameter_overrides"].items():
            assert takes(source["Parameters"][name], value)


def takes(parameter, value):
    allowed = map(str, parameter.get("AllowedValues", [value]))
    return value in allowed and re.fullmatch(parameter.get("AllowedPattern", ".*"), value)


def parameters_of(text, source):
    """Return each `Name=value` of a text about a parameter of the template."""
    found = re.findall(r"""\b(\w+)=("[^"]*"|'[^']*'|[^\s`"']+)""", text)
    return [each for each in found if each[0] in source["Parameters"]]


def test_samconfig_takes_each_parameter_as_the_pages_write_it(source):
    """An operator copies them into the one line of `parameter_overrides`, in TOML's quotes."""
    texts = [page.read_text() for page in docs.everything()]
    found = [each for text in texts for each in parameters_of(text, source)]
    assert len({name for name, _ in found}) >= 10
    for name, value in found:
        words = f"{name}={value}".replace("NUMBER", "123456789012")  # a placeholder
        deploy, _ = deploys(with_parameters(words))
        assert takes(source["Parameters"][name], deploy["parameter_overrides"][name]), words


def test_a_choice_is_undone_as_the_page_writes_it(source):
    text = (docs.DOCS / "deployment.md").read_text()
    (undone,) = re.findall(r"to undo a choice, write the default out(.*?)\n\n", text, re.DOTALL)
    found = parameters_of(undone, source)
    assert {"", "2"} <= {str(source["Parameters"][name]["Default"]) for name, _ in found}
    for name, value in found:
        deploy, _ = deploys(with_parameters(f"{name}={value}"))
        assert deploy["parameter_overrides"][name] == str(source["Parameters"][name]["Default"])


@pytest.mark.parametrize("words", ["AlarmEmail=", "AlarmEmail", "A=1 AlarmEmail= B=2"])
def test_a_parameter_that_sam_would_drop_is_none(words):
    with pytest.raises(ValueError, match="SAM ignores AlarmEmail"):
        overrides(words)


def test_no_two_stacks_share_what_the_deletion_of_one_takes_away():
    dev, prod = deploys()
    for name in ("stack_name", "s3_prefix"):
        assert dev[name] != prod[name]
    assert dev["s3_prefix"] == dev["stack_name"], "the artifacts, which `sam delete` removes"
    secrets = {each["parameter_overrides"]["Veo3ApiKeySecret"] for each in (dev, prod)}
    assert len(secrets) == 2, "the relay's key, which a removal deletes (docs/operations.md)"


def test_commands_of_the_pages_name_stacks_that_samconfig_makes():
    made = {deploy["stack_name"] for deploy in deploys()}
    named = {
        name
        for page in docs.everything()
        for name in re.findall(r"STACK=([\w-]+)", page.read_text())
    }
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
