"""HTTP by a patient caller: a busy machine answers late, and httpx's own five seconds fail then.

One client for all of them: each `httpx.get` would read the certificates anew, 20 ms of a processor.
"""

import httpx

PATIENCE_SECONDS = 60
ONE_CONNECTION_EACH = httpx.Limits(max_keepalive_connections=0)  # the other side may start anew

_client = httpx.Client(timeout=PATIENCE_SECONDS, limits=ONE_CONNECTION_EACH)
request, stream = _client.request, _client.stream
get, head, post, put, delete = (
    _client.get,
    _client.head,
    _client.post,
    _client.put,
    _client.delete,
)
