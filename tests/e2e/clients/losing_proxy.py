"""A proxy on the loopback that passes the first POST on and loses its answer."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.support import web


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def pass_on(self):
        body = self._body()
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOPS}
        response = web.request(
            self.command, self.server.target + self.path, headers=headers, content=body
        )
        if self.command == "POST":
            self.server.posts.append(dict(self.headers))
            if len(self.server.posts) == 1:
                self.close_connection = True
                return
        self.send_response(response.status_code)
        for name, value in response.headers.items():
            if name not in HOPS | {"content-encoding"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.content)))
        self.end_headers()
        self.wfile.write(response.content)

    do_GET = do_POST = do_DELETE = pass_on  # noqa: N815 — the names of http.server

    def _body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def log_message(self, *args):
        """Say nothing."""


HOPS = {"connection", "content-length", "date", "host", "keep-alive", "server", "transfer-encoding"}


@contextmanager
def losing_proxy(target):
    """Serve for the block; `posts` are the headers of what it passed on."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.target, server.posts, server.daemon_threads = target, [], True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", server.posts
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
