"""Make one provider in a process that has loaded nothing else; print what it loaded of Google."""

import sys

from videoapi.providers.registry import ProviderParts, make_provider
from videoapi.settings import Settings


def make(name):
    settings = Settings(
        video_providers=("relay", name),
        google_project="p",
        google_credentials_secret="s",
        gemini_api_key_secret="s",
    )
    parts = ProviderParts(
        settings=settings,
        transport=None,
        read_secret=str,
        aws_credentials=None,
        region="",
        clock=None,
        log=None,
    )
    return make_provider(name, parts)


if __name__ == "__main__":
    make(sys.argv[1])
    sys.stdout.write(
        " ".join(m for m in sys.modules if m.startswith(("videoapi.providers.google.", "google.")))
    )
