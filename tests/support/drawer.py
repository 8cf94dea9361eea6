"""An images endpoint on this machine."""

import json
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from tools.openapi.examples import TINY_PNG


class Drawer(BaseHTTPRequestHandler):
    """An images endpoint that always draws the same."""

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        response = json.dumps({"data": [{"b64_json": TINY_PNG}]}).encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("content-length", str(len(response)))
        self.end_headers()
        self.wfile.write(response)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def drawer():
    with ThreadingHTTPServer(("127.0.0.1", 0), Drawer) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
