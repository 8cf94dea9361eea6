"""Enough of AWS and of an images endpoint on this machine: canned answers, over TLS.

It is another process's work, or another thread's: what is measured is the function's side alone.
"""

import base64
import datetime as dt
import json
import re
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from devstack.settings import ROOT
from videoapi.aws.task_items import task_item
from videoapi.domain.tasks import GenerationRequest, Status, Task
from videoapi.domain.timestamps import timestamp

PICTURE = ROOT / "examples" / "mountains.jpg"
BEGAN, ENDED = timestamp(time.time() - 70), timestamp(time.time() - 10)
RUNNING = Task(
    task_id="vid_4k9w2m7q1x8c5v3b6n0z7h2j",
    owner="anonymous",
    status=Status.PROCESSING,
    created_at=BEGAN,
    updated_at=BEGAN,
    request=GenerationRequest(model="veo_3_1", prompt="Camera slowly pans across the landscape"),
    image_url="https://images.example.com/mountains.jpg",
    progress=42,
    attempts=1,
    intent_at=BEGAN,
    upstream_id="job-1",
)
#: Its video was copied to the bucket, so that its reader is given a presigned URL.
COMPLETED = replace(
    RUNNING,
    status=Status.COMPLETED,
    progress=100,
    completed_at=ENDED,
    result={"video_key": "videos/anonymous/vid.mp4", "content_type": "video/mp4", "duration": 60},
)
#: With a photo in the bucket, and nothing ordered for it yet.
PENDING = replace(
    RUNNING,
    status=Status.PENDING,
    image_url=None,
    image_key="inputs/anonymous/vid/mountains.jpg",
    progress=0,
    attempts=0,
    intent_at=None,
    upstream_id=None,
)
_ASSIGNED = re.compile(r"(#\w+) = (:\w+)")
_REFUSED = {"error": {"message": "The prompt was refused.", "code": "content_policy_violation"}}
LOST = {"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"}


def _answers(task: Task) -> dict[str, tuple[int, dict[str, Any]]]:
    item = task_item(task)
    return {
        "PutItem": (200, {}),
        "TransactWriteItems": (200, {}),
        "GetItem": (200, {"Item": item}),
        # Somebody else has the task: what a worker does then is its shortest way.
        "UpdateItem": (400, LOST) if task is RUNNING else (200, {"Attributes": item}),
        "Query": (200, {"Items": [item] * 20 if task is COMPLETED else []}),
        "SendMessage": (200, {"MessageId": "m-1", "MD5OfMessageBody": ""}),
        "ChangeMessageVisibility": (200, {}),
        "GetQueueAttributes": (200, {"Attributes": {"ApproximateNumberOfMessages": "0"}}),
        "GetSecretValue": (200, {"SecretString": "sk-bench"}),
    }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer would take 40 ms
    server: "_Server"

    def do_GET(self) -> None:
        self._send(200, PICTURE.read_bytes())

    def do_POST(self) -> None:
        body = self._read()
        operation = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        if operation:
            if operation == "UpdateItem" and self.server.task is PENDING:
                self.server.update(json.loads(body))
            self._say(*self.server.answers[operation])
        elif self.path.endswith("/videos"):  # the relay
            self._say(400, _REFUSED)
        else:  # the images endpoint
            picture = base64.b64encode(PICTURE.read_bytes()).decode()
            self._say(200, {"data": [{"b64_json": picture}]})

    def do_PUT(self) -> None:
        self._read()
        self._say(200, None)

    def do_DELETE(self) -> None:
        self._say(204, None)

    def _read(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        while size := int(self.rfile.readline(), 16):
            self.rfile.read(size + 2)
        while self.rfile.readline().strip():  # trailers
            pass
        return b""

    def _say(self, status: int, content: object) -> None:
        self._send(status, b"" if content is None else json.dumps(content).encode())

    def _send(self, status: int, body: bytes) -> None:
        head = f"HTTP/1.1 {status} -\r\nContent-Type: application/x-amz-json-1.0\r\n"
        if status != HTTPStatus.NO_CONTENT:
            head += f"Content-Length: {len(body)}\r\n"
        self.wfile.write(f"{head}\r\n".encode() + body)  # in one TLS record

    def log_message(self, *_: object) -> None:
        """Nothing: a line a request would be noise."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, task: Task, tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.task = task
        self.answers = _answers(task)
        if tls:
            self.socket = tls.wrap_socket(
                self.socket, server_side=True, do_handshake_on_connect=False
            )

    def update(self, request: dict[str, Any]) -> None:
        """Write what a worker sets into the pending task; a claim begins with it anew."""
        names, values = (request[f"ExpressionAttribute{what}"] for what in ("Names", "Values"))
        before = {} if "#claimed_at" in names else self.answers["GetItem"][1]["Item"]
        sets = {
            names[name]: values[value]
            for name, value in _ASSIGNED.findall(request["UpdateExpression"])
        }
        item = task_item(PENDING) | before | sets
        self.answers["GetItem"] = 200, {"Item": item}
        self.answers["UpdateItem"] = 200, {"Attributes": item}


@dataclass(frozen=True)
class Aws:
    """Where the functions find their services, for one state of the task."""

    tls_url: str
    plain_url: str

    @property
    def environment(self) -> dict[str, str]:
        """The variables that lead a function there, and with the trust that it has deployed."""
        return {
            "AWS_ENDPOINT_URL": self.tls_url,
            "QUEUE_URL": f"{self.tls_url}/123456789012/tasks",
            "IMAGE_BASE_URL": self.plain_url,
            "VEO3_BASE_URL": self.plain_url,
        }


class Certificate:
    """This machine's, which a function trusts beside all that it trusts when deployed."""

    def __init__(self, folder: Path) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        now = dt.datetime.now(dt.UTC)
        address = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
        signed = (
            x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(hours=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(address, critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        secret = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        self._folder = folder
        self._pem = signed.public_bytes(serialization.Encoding.PEM)
        self._chain = folder / "chain.pem"
        self._chain.write_bytes(self._pem + secret)

    def behind(self, bundle: Path) -> Path:
        """Return a bundle with this certificate at the end: all others are read before it."""
        longer = self._folder / f"bundle-{bundle.stem}.pem"
        longer.write_bytes(bundle.read_bytes() + self._pem)
        return longer

    def tls(self) -> ssl.SSLContext:
        """The server's side."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._chain)
        return context


@contextmanager
def running_aws(certificate: Certificate, task: Task) -> Iterator[Aws]:
    """Answer for the block, always with this task."""
    servers = [_Server(task, certificate.tls()), _Server(task, None)]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    tls, plain = (server.server_address[1] for server in servers)
    try:
        yield Aws(f"https://127.0.0.1:{tls}", f"http://127.0.0.1:{plain}")
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()
