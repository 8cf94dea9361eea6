"""Small, badly behaved servers on this machine, and an internet that leads to them alone."""

import datetime as dt
import re
import socket
import ssl
from contextlib import suppress
from itertools import count
from threading import Event, Thread

import httpcore
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


class Server:
    """Meets its nth connection with the nth answer, and all later ones with the last."""

    def __init__(self, *answers, tls=None):
        self._answers = answers
        self._tls = tls
        self._stop = Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [Thread(target=self._serve)]
        self.port = self._listener.getsockname()[1]
        self.origin = f"http://127.0.0.1:{self.port}"
        self.requests = []

    def __enter__(self):
        self._threads[0].start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _serve(self):
        for number in count():
            try:
                connection, _ = self._listener.accept()
            except OSError:  # shut down
                return
            response = self._answers[min(number, len(self._answers) - 1)]
            self._threads.append(Thread(target=self._meet, args=(connection, response)))
            self._threads[-1].start()

    def _meet(self, connection, answer):
        with connection, suppress(OSError):  # the client has had enough
            connection.settimeout(5)
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
            with connection:
                request = b""
                while not request.endswith(b"\r\n\r\n"):
                    request += connection.recv(1) or b"\r\n\r\n"
                length = re.search(rb"(?i)content-length: (\d+)", request)
                for _ in range(int(length[1]) if length else 0):
                    request += connection.recv(1)
                self.requests.append(request.decode("latin-1"))
                answer(connection, self._stop)


def sends(data):
    """All of it, and then the connection is closed."""
    return lambda connection, _: connection.sendall(data)


def reply(body=b"", status="200 OK", **headers):
    named = {"Content-Length": len(body)} | {k.replace("_", "-"): v for k, v in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items() if value is not None)
    return sends(f"HTTP/1.1 {status}\r\n{lines}\r\n".encode() + body)


def redirect(location, status="302 Found"):
    return reply(b"elsewhere", status, Location=location)


def keeps_sending(data, *, start=b"", pause=0):
    """Never comes to an end by itself."""

    def answer(connection, stop):
        connection.sendall(start)
        while not stop.wait(pause):
            connection.sendall(data)

    return answer


def says_nothing(_connection, stop):
    stop.wait(5)


class Internet(httpcore.NetworkBackend):
    """Public addresses that lead to servers of this machine; notes which were dialled."""

    def __init__(self, ports):
        self.ports = ports
        self.dialled = []
        self.patience = []  # seconds given to each dial

    def connect_tcp(self, host, port, timeout=None, local_address=None, socket_options=None):
        assert port
        self.dialled.append(host)
        self.patience.append(timeout)
        if host not in self.ports:
            raise httpcore.ConnectError("no such host on this internet")
        local = httpcore.SyncBackend()
        return local.connect_tcp(
            "127.0.0.1", self.ports[host], timeout, local_address, socket_options
        )


class Names:
    """A resolver: the nth look-up of a name has the nth answer, later ones the last."""

    def __init__(self, answers):
        self._answers = {name: list(found) for name, found in answers.items()}
        self.asked = []

    def __call__(self, host, port, *, type):  # noqa: A002 — as getaddrinfo calls it
        self.asked.append(host)
        found = self._answers.get(host)
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        addresses = found.pop(0) if len(found) > 1 else found[0]
        return [(socket.AF_INET, type, 6, "", (address, port)) for address in addresses]


def certificate(folder, name):
    """Return a server's TLS context for a name, and a client's that trusts it alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(secret + signed.public_bytes(pem))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.load_verify_locations(cadata=signed.public_bytes(pem).decode())
    return server, client
