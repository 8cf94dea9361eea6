"""The secret of `make run`'s webhooks: said, or made once and kept."""

import base64
import stat

from devstack import template
from devstack.settings import ROOT
from devstack.webhook_secret import FILE, webhook_secret


def test_secret_that_is_said_is_taken(tmp_path):
    assert webhook_secret({"WEBHOOK_SECRET": "whsec_said"}, tmp_path) == "whsec_said"
    assert not (tmp_path / FILE).exists()


def test_secret_is_made_once_and_kept_for_its_owner_alone(tmp_path):
    made = webhook_secret({}, tmp_path)
    assert len(base64.b64decode(made.removeprefix("whsec_"))) == 32
    assert webhook_secret({"WEBHOOK_SECRET": ""}, tmp_path) == made
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


def test_without_a_folder_each_run_has_its_own():
    assert webhook_secret({}, None) != webhook_secret({}, None)


def test_functions_get_the_name_of_a_secret_that_holds_it():
    built = template.load(ROOT / "template.yaml")
    values, named = template.secrets(built, {"WEBHOOK_SECRET": "whsec_a"})
    assert values == {named["WebhookSecret"]: "whsec_a"}
    assert template.secrets(built, {}) == ({}, {})
