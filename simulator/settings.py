"""What the command line and the environment may set."""

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SWITCHED_ON = frozenset({"1", "true", "yes", "on"})


@dataclass(slots=True)
class Settings:
    """One simulator. `/_control/settings` may change some of it."""

    host: str
    """Addresses to listen on, comma-separated; both ports are bound on each."""
    port: int
    """Port of the API; 0 takes a free one."""
    files_port: int
    """Port of the result files, so that they are another origin; 0 takes a free one."""
    key: str
    """The bearer key to ask for; empty takes any."""
    endpoint: str
    """Path of the video routes."""
    seconds: float
    """How long a generation takes at least, in seconds of wall time."""
    strict: bool
    """Refuse other lengths than 4, 6 and 8 s, and 1080p other than 8 s, as strict relays do."""
    tiny: bool
    """Render one second of 64x36 whatever was asked: for load tests."""
    with_parent: bool
    """Stop at the end of standard input, hence with the process that holds its other end."""
    keep_in: str
    """A folder that keeps jobs and videos over a restart; empty: they end with this process."""
    keep_days: float
    """How long they are kept there."""
    price: float
    """What a video of the relay costs in the bill, in dollars."""
    webhook_secret: str
    """What signs the webhooks that `/received` takes (`whsec_…`); empty: none is verified."""
    auth_faults: str
    """Tokens of the stages `sts` and `iam`, whose requests carry no prompt."""


def read(arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> Settings:
    """Read options, then `UPSTREAM_<OPTION>` variables, then defaults; exits on bad ones."""

    def default(name: str, fallback: str) -> str:
        return environment.get(f"UPSTREAM_{name}") or fallback

    def switched(name: str) -> bool:
        return default(name, "false").lower() in SWITCHED_ON

    parser = argparse.ArgumentParser(prog="python -m simulator", description=__doc__)
    parser.add_argument("--host", default=default("HOST", "127.0.0.1"))
    parser.add_argument("--port", type=int, default=default("PORT", "8001"))
    parser.add_argument("--files-port", type=int, default=default("FILES_PORT", "8002"))
    parser.add_argument("--key", default=default("KEY", ""))
    parser.add_argument("--endpoint", default=default("ENDPOINT", "/v1/videos"))
    parser.add_argument("--seconds", type=float, default=default("SECONDS", "6"))
    parser.add_argument("--strict", action="store_true", default=switched("STRICT"))
    parser.add_argument("--tiny", action="store_true", default=switched("TINY"))
    parser.add_argument("--with-parent", action="store_true")
    parser.add_argument("--keep-in", default="")
    parser.add_argument("--keep-days", type=float, default=7)
    parser.add_argument("--price", type=float, default=default("PRICE", "0"))
    parser.add_argument("--webhook-secret", default=default("WEBHOOK_SECRET", ""))
    parser.add_argument("--auth-faults", default=default("AUTH_FAULTS", ""))
    return Settings(**vars(parser.parse_args(arguments)))
