"""A file host that breaks off in the middle of each answer, and goes on by `Range`."""

import httpx

PART = 64 * 1024  # the least that is worth going on for
VIDEO = b"\0\0\0\x18ftypisom" + bytes(range(256)) * (PART // 64 - 1) + bytes(244)  # four parts


class Source:
    """Answers with `body`, and breaks off after `size` bytes of each answer.

    `most` is what it gives to one `Range`; without `ranges` it heeds none. Where it is not `stated`
    its first answer does not say how long it is.
    """

    def __init__(
        self, body=VIDEO, *, etag='"1"', size=PART, ranges=True, dated="", most=None, stated=True
    ):
        self.body = body
        self.headers = {"etag": etag, "last-modified": dated}
        self.size, self.ranges, self.most, self.stated = size, ranges, most, stated
        self.requests = []

    @property
    def asked(self):
        return [request.headers.get("range", "") for request in self.requests]

    def __call__(self, request):
        self.requests.append(request)
        headers = {name: value.encode() for name, value in self.headers.items() if value}
        headers = httpx.Headers(headers)
        begin = int(self.asked[-1].removeprefix("bytes=").rstrip("-") or 0) if self.ranges else 0
        if begin and request.headers["if-range"] not in headers.values():
            begin = 0
        rest = self.body[begin : begin + self.most if begin and self.most else None]
        if begin or self.stated:
            headers["content-length"] = str(len(rest))
        if begin:
            end, total = begin + len(rest) - 1, len(self.body)
            headers["content-range"] = f"bytes {begin}-{end}/{total}"
        return httpx.Response(206 if begin else 200, headers=headers, content=self._broken(rest))

    def _broken(self, rest):
        yield rest[: self.size]
        if len(rest) > self.size:
            raise httpx.ReadError("cut")
