"""`make key`: API keys are made, listed and revoked."""

import argparse
import sys
import time

from videoapi.accounts.api_keys import ApiKeyStore, Limits, ListedKey
from videoapi.accounts.webhook_secrets import PREFIX, WebhookSecrets
from videoapi.domain.money import dollars_text
from videoapi_cli.operator import webhooks
from videoapi_cli.operator.stack import Deployed
from videoapi_cli.operator.words import show


def key(stack: Deployed, options: argparse.Namespace) -> None:
    """Make, list or revoke keys."""
    ring = ApiKeyStore(stack.client("dynamodb"), stack.outputs["TasksTableName"], time.time)
    if options.list:
        listed = list(ring.listed())
        text = "\n".join(map(_listed, listed)) or "No keys."
        show(options, text, [_facts_of_key(each) for each in listed])
    elif not options.name:
        raise ValueError("Whose key? Say NAME=…")
    elif options.revoke:
        gone = _revoke(ring, options.name, options.key)
        text = f"{gone} key(s) of {options.name} revoked; gone within a minute."
        show(options, text, {"name": options.name, "revoked": gone})
    elif options.key:
        raise ValueError("--key goes with --revoke.")
    elif options.rotate_webhook_secret:
        lines = webhooks.rotated(_secrets(stack), ring, options.name)
        show(options, "\n".join(lines), {"name": options.name, "webhook_secret": lines[-1]})
    else:
        changed = {
            name: getattr(options, name) for name in Limits._fields if hasattr(options, name)
        }
        limits = ring.limits_of(options.name)._replace(**changed)
        url = webhooks.chosen(options, ring, local=stack.endpoint is not None)
        made = ring.make(options.name, limits, url)
        if stack.open_to_all:
            where = "ALLOW_ANONYMOUS=false" if stack.endpoint else "AllowAnonymous=false"
            print(f"This stack is open: no caller needs a key until {where}.", file=sys.stderr)
        lines = webhooks.first_secret(_secrets(stack), options.name, url)
        secret = next((line for line in lines if line.startswith(PREFIX)), None)
        lines += [f"The key of {options.name} ({_limits_text(limits)}), shown this once:", made]
        body = {"name": options.name, "key": made, "limits": _numbers(limits)}
        show(options, "\n".join(lines), body | {"webhook_url": url, "webhook_secret": secret})


def _secrets(stack: Deployed) -> WebhookSecrets:
    return WebhookSecrets(stack.store(), time.time)


def _revoke(ring: ApiKeyStore, name: str, key_id: str) -> int:
    if not (gone := ring.revoke(name, key_id)):
        which = f" with the id {key_id}" if key_id else ""
        raise ValueError(f"{name} has no key{which} here; ARGS=--list shows what there is.")
    return gone


def _facts_of_key(found: ListedKey) -> dict[str, object]:
    facts = {"name": found.name, "id": found.id, "made_at": found.made_at}
    return facts | {"limits": _numbers(found.limits), "webhook_url": found.webhook_url}


def _numbers(limits: Limits) -> dict[str, float | None]:
    """Return limits as they are said: dollars, not millionths."""
    usd = limits.usd_per_day
    return limits._asdict() | {"usd_per_day": None if usd is None else usd / 10**6}


def _listed(found: ListedKey) -> str:
    webhook = ", with a webhook" if found.webhook_url else ""
    return (
        f"{found.name}  made {found.made_at}  id {found.id}  {_limits_text(found.limits)}{webhook}"
    )


def _limits_text(limits: Limits) -> str:
    named = {name.replace("_", " "): limit for name, limit in limits._asdict().items()}
    if limits.usd_per_day is not None:
        named["usd per day"] = dollars_text(limits.usd_per_day)
    parts = [f"{name}: {limit}" for name, limit in named.items() if limit is not None]
    return ", ".join(parts) or "no limits"
