"""Links that the asking client can follow, and what is served below them."""

import asyncio
import functools
import http.server
import json
import threading

import pytest

from devstack.gateway import Gateway
from devstack.links import UrlSigner
from tests.support.free_ports import free_ports

API, AWS, FILES = 8000, 4566, 8002
VIDEO = f"http://127.0.0.1:{FILES}/v/video_1.mp4"
COPY = f"http://127.0.0.1:{AWS}/files/videos/1.mp4?X-Amz-Signature=ab"
LAN, LAPTOP = "192.168.1.5:8000", "192.168.1.9"


class Aws:
    """MiniStack: answers what it is told to, and keeps what it was asked."""

    def __init__(self, body=b"", headers=()):
        self.body = body
        self.headers = list(headers)
        self.scope = None
        self.received = b""

    async def __call__(self, scope, receive, send):
        self.scope = scope
        message = {"more_body": True}
        while message.get("more_body"):
            message = await receive()
            self.received += message.get("body", b"")
        await send({"type": "http.response.start", "status": 200, "headers": self.headers})
        half = len(self.body) // 2
        await send({"type": "http.response.body", "body": self.body[:half], "more_body": True})
        await send({"type": "http.response.body", "body": self.body[half:]})


def ask(
    aws,
    *,
    host="localhost:8000",
    client="127.0.0.1",
    path="/v1/videos/vid_1",
    method="GET",
    query=b"",
    request_parts=(b"",),
    public_url="",
    files_port=FILES,
    **more,
):
    """Ask the gateway; return status, headers and body."""
    links = UrlSigner(
        aws,
        api_url=f"http://localhost:{API}",
        aws_port=AWS,
        files_port=files_port,
        public_url=public_url,
    )
    gateway = Gateway(aws, api_port=API, hosts=["*"], links=links)
    gateway.api_id = "abc"
    headers = [(b"host", host.encode())]
    headers += [(name.replace("_", "-").encode(), value.encode()) for name, value in more.items()]
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "headers": headers,
        "server": ("127.0.0.1", API),
        "client": (client, 50000),
    }
    parts = list(request_parts)

    async def receive():
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(gateway(scope, receive, send))
    answered = {name.lower(): value for name, value in sent[0]["headers"]}
    return sent[0]["status"], answered, b"".join(m.get("body", b"") for m in sent)


def answering(*, content_type="application/json", location=None, link=None):
    body = json.dumps({"video_url": VIDEO, "thumbnail_url": COPY}).encode()
    headers = [(b"Content-Type", content_type.encode()), (b"Content-Length", b"%d" % len(body))]
    headers += [(b"Location", location.encode())] if location else []
    headers += [(b"Link", link.encode())] if link else []
    return Aws(body, headers)


def test_a_host_that_is_no_place_is_elsewhere():
    """It was asked for here all the same."""
    _, _, body = ask(answering(), host="127.0.0.1:99999")
    assert json.loads(body)["video_url"].startswith("http://127.0.0.1:99999/")


@pytest.mark.parametrize(
    "host", ["localhost:8000", "127.0.0.1:8000", "[::1]:8000", "LocalHost:8000"]
)
def test_on_this_machine_a_link_leads_where_the_file_lies(host):
    _, _, body = ask(answering(), host=host)
    assert json.loads(body) == {"video_url": VIDEO, "thumbnail_url": COPY}


ELSEWHERE = {
    "a phone": ({"host": LAN, "client": LAPTOP}, f"http://{LAN}"),
    "a container": (
        {"host": "host.docker.internal:8000", "client": "172.17.0.2"},
        "http://host.docker.internal:8000",
    ),
    "a published port": (
        {"host": "localhost:8000", "client": "172.17.0.1"},
        "http://localhost:8000",
    ),
    "a tunnel": ({"host": "localhost:9000"}, "http://localhost:9000"),
    "TLS before us": (
        {"host": "v.example", "x_forwarded_proto": "https"},
        "https://v.example",
    ),
    "a public URL": ({"public_url": "https://v.example/a/"}, "https://v.example/a"),
    "a public URL, from a phone": (
        {"public_url": "https://v.example", "host": LAN, "client": LAPTOP},
        "https://v.example",
    ),
}


@pytest.mark.parametrize(("asked", "base"), ELSEWHERE.values(), ids=ELSEWHERE)
def test_link_from_elsewhere_leads_to_the_address_asked(asked, base):
    aws = answering(
        location=VIDEO, link=f'<http://localhost:{API}/api/v1/tasks?cursor=x>; rel="next"'
    )
    _, headers, body = ask(aws, **asked)
    links = json.loads(body)
    assert links["video_url"] == f"{base}/_local/files/v/video_1.mp4"
    assert links["thumbnail_url"] == f"{base}/_local/s3/files/videos/1.mp4?X-Amz-Signature=ab"
    assert headers[b"location"].decode() == links["video_url"]
    assert headers[b"link"].decode() == f'<{base}/api/v1/tasks?cursor=x>; rel="next"'
    assert int(headers[b"content-length"]) == len(body)


def test_the_next_page_is_at_the_name_that_was_asked():
    aws = answering(link=f'<http://localhost:{API}/api/v1/tasks?cursor=x>; rel="next"')
    _, headers, _ = ask(aws, host="127.0.0.1:8000")
    assert headers[b"link"].startswith(b"<http://127.0.0.1:8000/api/v1/tasks")


def test_what_is_no_json_goes_as_it_comes():
    _, headers, body = ask(answering(content_type="text/html"), host=LAN, client=LAPTOP)
    assert VIDEO.encode() in body
    assert int(headers[b"content-length"]) == len(body)


def test_a_real_relays_links_are_its_own():
    _, _, body = ask(answering(), host=LAN, client=LAPTOP, files_port=None)
    assert json.loads(body)["video_url"] == VIDEO


def test_a_link_that_comes_back_as_an_image_is_ours_again():
    aws = answering()
    link = f"http://{LAN}/_local/s3/files/inputs/1.png?X-Amz-Signature=ab"
    request_parts = (b'{"image": "' + link[:20].encode(), link[20:].encode() + b'"}')
    ask(aws, host=LAN, client=LAPTOP, method="POST", request_parts=request_parts)
    assert json.loads(aws.received)["image"] == (
        f"http://127.0.0.1:{AWS}/files/inputs/1.png?X-Amz-Signature=ab"
    )


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_signed_file_is_read_from_s3_as_it_was_signed(method):
    aws = Aws(b"movie", [(b"Content-Type", b"video/mp4")])
    query = b"X-Amz-Signature=ab"
    status, _, body = ask(
        aws, host=LAN, client=LAPTOP, path="/_local/s3/files/videos/1.mp4", query=query,
        method=method, range="bytes=0-1",
    )  # fmt: skip
    assert (status, body) == (200, b"movie")
    assert aws.scope["path"] == "/files/videos/1.mp4"
    assert aws.scope["raw_path"] == b"/files/videos/1.mp4"
    assert dict(aws.scope["headers"])[b"host"] == f"127.0.0.1:{AWS}".encode()
    assert dict(aws.scope["headers"])[b"range"] == b"bytes=0-1"
    assert aws.scope["server"] == ("127.0.0.1", AWS)


def test_an_uploads_form_reaches_s3():
    aws = Aws()
    kind = "multipart/form-data; boundary=x"
    path = "/_local/s3/files"
    assert ask(aws, path=path, method="POST", host=LAN, content_type=kind)[0] == 200
    assert aws.scope["path"] == "/files"


@pytest.mark.parametrize(
    ("path", "asked"),
    {
        "/_local/s3/": {},
        "/_local/s3/files": {},
        "/_local/s3/files/videos/1.mp4": {"method": "DELETE", "query": b"X-Amz-Signature=ab"},
        "/_local/s3/files/": {"method": "PUT", "query": b"X-Amz-Signature=ab"},
        "/_local/s3": {"method": "POST", "content_type": "application/x-www-form-urlencoded"},
        "/_local/sqs/": {"query": b"X-Amz-Signature=ab"},
        "/_local/files/v/1.mp4": {"method": "POST"},
        "/_local/": {},
    }.items(),
)
def test_nothing_else_of_aws_is_served_at_the_apis_port(path, asked):
    aws = Aws()
    status, _, body = ask(aws, path=path, **asked)
    assert (status, json.loads(body)["error"]["code"]) == (404, "not_found")
    assert aws.scope is None


@pytest.fixture
def files(tmp_path):
    """A server of files on a port of its own, as the simulator's is."""
    (tmp_path / "v").mkdir()
    (tmp_path / "v/1.mp4").write_bytes(b"movie")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def test_a_file_of_the_simulator_is_readable_by_every_page(files):
    status, headers, body = ask(Aws(), path="/_local/files/v/1.mp4", files_port=files, host=LAN)
    assert (status, body) == (200, b"movie")
    assert headers[b"content-type"] == b"video/mp4"
    assert headers[b"access-control-allow-origin"] == b"*"
    assert b"Content-Range" in headers[b"access-control-expose-headers"]


def test_a_head_of_a_file_has_its_length_and_no_body(files):
    asked = {"path": "/_local/files/v/1.mp4", "files_port": files, "method": "HEAD"}
    status, headers, body = ask(Aws(), **asked)
    assert (status, headers[b"content-length"], body) == (200, b"5", b"")


def test_a_file_that_is_not_there_is_not_here(files):
    assert ask(Aws(), path="/_local/files/v/2.mp4", files_port=files)[0] == 404


def test_a_simulator_that_has_ended_is_reported():
    with free_ports(1) as [port]:
        pass  # nobody listens there now
    status, _, body = ask(Aws(), path="/_local/files/v/1.mp4", files_port=port)
    assert (status, json.loads(body)["error"]["code"]) == (502, "file_unavailable")


def test_a_page_may_ask_beforehand_for_a_part_of_a_file():
    status, headers, _ = ask(
        Aws(),
        path="/_local/files/v/1.mp4",
        method="OPTIONS",
        origin="http://localhost:5173",
        access_control_request_method="GET",
        access_control_request_headers="range",
    )
    assert status == 204
    assert headers[b"access-control-allow-origin"] == b"*"
    assert headers[b"access-control-allow-headers"] == b"range"
