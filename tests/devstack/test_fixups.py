"""What is put right before MiniStack's CloudFormation reads the template."""

from devstack.deploy import prepare
from devstack.intrinsics import Intrinsics
from devstack.template import load
from tests.support.template import ROOT


def test_local_stack_is_in_the_account_of_the_conditions():
    document = load(ROOT / "template.yaml")
    conditions = document["Conditions"]
    defaults = {name: each["Default"] for name, each in document["Parameters"].items()}
    local = Intrinsics(defaults | {"Stage": "local"}, conditions)
    prepare(document, local)
    assert not local.holds({"Condition": "Deployed"})
    assert Intrinsics(defaults | {"Stage": "dev"}, conditions).holds({"Condition": "Deployed"})
