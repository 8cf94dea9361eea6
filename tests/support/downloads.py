"""A fetcher for which a name is public and leads to a server of this machine."""

import io
import ssl
import time

import pytest

from tests.support.loopback import Internet, Names
from videoapi.errors import ValidationError
from videoapi.net.downloads import DownloadFailed, DownloadLimits, Fetcher
from videoapi.net.pinned_transport import PinnedTransport

PUBLIC, OTHER, THIRD = "93.184.216.34", "151.101.1.69", "104.16.1.1"
HOST = "files.example.com"
URL = f"http://{HOST}/cat.png?signature=secret"
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nobody
SMALL = DownloadLimits(size=1000, seconds=5, idle=5)


def fetcher(internet, names=None, *, limits=SMALL, tls=TLS):
    return Fetcher(
        allow_private=False,
        resolve=names or Names({}),
        transport=PinnedTransport(tls, network=internet),
        image_limits=limits,
        video_limits=limits,
    )


def at_public(server, **options):
    names = Names({HOST: [[PUBLIC]]})
    return fetcher(Internet({PUBLIC: server.port}), names, **options)


def refusal(fetch, url=URL):
    """Return why neither a video nor an image came; both must agree, and tell nothing."""
    with pytest.raises(DownloadFailed) as failed:
        fetch.video(url, io.BytesIO())
    with pytest.raises(ValidationError) as refused:
        fetch.image(url)
    assert refused.value.code == "invalid_image"
    assert str(refused.value.__cause__) == str(failed.value)
    for secret in ("signature", "secret", "cat.png", HOST, "127.0.0.1", PUBLIC):
        assert secret not in refused.value.message
    return failed.value


def elapsed(action):
    start = time.monotonic()
    result = action()
    return time.monotonic() - start, result
