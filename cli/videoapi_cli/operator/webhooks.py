"""The webhooks of API keys, for `make key`: a key's default address, and its owner's secret."""

import argparse

from videoapi.accounts.api_keys import ANONYMOUS, ApiKeyStore
from videoapi.accounts.webhook_secrets import WebhookSecrets
from videoapi.domain.tasks import Task
from videoapi.net.ssrf import require_webhook


def add_options(keys: argparse.ArgumentParser) -> None:
    """Add the options of `make key`."""
    keys.add_argument(
        "--webhook",
        default=argparse.SUPPRESS,
        metavar="URL",
        help="where the ends of tasks are told that name no webhook_url of their own, or none; "
        "unless said as the name's latest key has it",
    )
    keys.add_argument(
        "--rotate-webhook-secret",
        action="store_true",
        help="show a new secret for the name's webhooks; the old one signs for 24 hours more",
    )


def chosen(options: argparse.Namespace, ring: ApiKeyStore, *, local: bool) -> str | None:
    """Return the default address of a new key. Raise `ValueError` for one that cannot be told."""
    if not hasattr(options, "webhook"):
        return ring.webhook_of(options.name)
    if options.webhook == "none":
        return None
    try:
        require_webhook(options.webhook, allow_private=local)
    except ValueError as problem:
        raise ValueError(f"--webhook: the URL {problem}") from None
    return str(options.webhook)


def first_secret(secrets: WebhookSecrets, name: str, url: str | None) -> list[str]:
    """Return the lines about a new key's webhooks; its owner's secret where it is the first."""
    where = [f"The ends of its tasks are told to {url}."] if url else []
    made = secrets.ensure(name)
    if made is None:
        return where
    return [*where, f"Webhooks of {name} are signed by this secret, shown this once:", made]


def rotated(secrets: WebhookSecrets, ring: ApiKeyStore, name: str) -> list[str]:
    """Replace an owner's secret; return the lines. Raise `ValueError` for a name without a key."""
    if name != ANONYMOUS and all(key.name != name for key in ring.listed()):
        raise ValueError(f"{name} has no key here; ARGS=--list shows what there is.")
    made = secrets.rotate(name)
    note = " (unless WebhookSecret names another)" if name == ANONYMOUS else ""
    return [
        f"Webhooks of {name} are signed by this secret from now on{note}, shown this once;",
        "for 24 hours the one before signs beside it:",
        made,
    ]


def facts(task: Task) -> dict[str, object]:
    """Return what a task's story tells of its webhook: never the address, which may be a secret."""
    if task.webhook_url is None:
        return {}
    return {
        "webhook": f"{task.webhook_state or 'sent at the end'}, as {task.webhook_event or '-'}",
        "webhook tries": list(task.webhook_log),
        "next webhook try": task.webhook_due_at,
        "webhook waits for": task.webhook_problem,
    }
