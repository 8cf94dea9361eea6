"""What SAM CLI sees of the user's environment, here and in `devstack.build`."""

import os


def environment() -> dict[str, str]:
    """Return the user's environment without what is AWS's or Python's.

    Credentials would cost SAM ten seconds at STS, and have no business on this machine's stack.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "PYTHON", "VIRTUAL_ENV"))
    }
    return kept | {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "SAM_CLI_TELEMETRY": "0",
    }
