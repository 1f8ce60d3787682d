"""Servers on loopback that deliver files, each with a fault of its own; they count what they send."""

from __future__ import annotations

import gzip
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeAlias

PAGE = b"<!DOCTYPE html><html><body>Sorry.</body></html>"


class Server(ThreadingHTTPServer):
    """An HTTP server that answers every request for one of its files as it is told to.

    Attributes:
        files: Path -> content.
        behave: What it does with a request for a file that it has.
        asked: The path and ``Range`` of each request, in order.
        sent: Bytes of bodies that were sent.
        ending: Set when the server is to end; whoever waits, waits for this.
    """

    daemon_threads = True

    def __init__(
        self,
        files: Mapping[str, bytes],
        behave: Behaviour,
        tls: ssl.SSLContext | None = None,
        address: str = "127.0.0.1",
    ):
        super().__init__((address, 0), Handler)
        self.files, self.behave = dict(files), behave
        self.asked: list[tuple[str, str | None]] = []
        self.sent = 0
        self.ending = threading.Event()
        self.scheme = "https" if tls else "http"
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.server_address[0]}:{self.server_port}"

    def handle_error(self, request, client_address):
        """Say nothing: clients that go away and handshakes that fail are what these servers are for."""

    def end(self) -> None:
        self.ending.set()
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self):
        self.server.asked.append((self.path, self.headers["Range"]))
        content = self.server.files.get(self.path)
        if content is None:
            self.answer(404, PAGE, {"Content-Type": "text/html"})
        else:
            self.server.behave(self, content)

    def answer(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.head(status, {"Content-Length": str(len(body)), **(headers or {})})
        self.send(body)

    def head(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def send(self, body: bytes) -> None:
        self.wfile.write(body)
        self.server.sent += len(body)

    def start(self, size: int) -> int:
        """Return the first byte that the request asks for."""
        found = re.match(r"bytes=(\d+)-", self.headers["Range"] or "")
        return int(found.group(1)) if found else 0

    def break_off(self, *, reset: bool = False) -> None:
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.wfile.flush()
        self.connection.close() if reset else self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *args):
        pass


Behaviour: TypeAlias = Callable[[Handler, bytes], None]


def good(request: Handler, content: bytes) -> None:
    """Deliver, from where the request asks."""
    headers = {"ETag": '"1"', "Accept-Ranges": "bytes"}
    wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers["Range"] or "")
    if not wanted or request.headers["If-Range"] not in (None, '"1"'):
        request.answer(200, content, headers)
        return
    start, last = int(wanted[1]), min(int(wanted[2] or len(content)), len(content) - 1)
    if start > last:
        request.answer(416, b"", {"Content-Range": f"bytes */{len(content)}"})
        return
    body = content[start : last + 1]
    request.answer(206, body, {**headers, "Content-Range": f"bytes {start}-{last}/{len(content)}"})


def without_ranges(request: Handler, content: bytes) -> None:
    request.answer(200, content)


def refusing(status: int) -> Behaviour:
    return lambda request, _: request.answer(status, PAGE, {"Content-Type": "text/html"})


def page(request: Handler, content: bytes) -> None:
    request.answer(200, PAGE, {"Content-Type": "text/html; charset=utf-8"})


def unlabelled_page(request: Handler, content: bytes) -> None:
    """Answer with a web page that passes itself off as the file, length and all."""
    request.answer(200, PAGE.ljust(len(content)))


def truncated(request: Handler, content: bytes) -> None:
    request.head(200, {"Content-Length": str(len(content))})
    request.send(content[: len(content) // 2])
    request.break_off()


def truncated_unsaid(request: Handler, content: bytes) -> None:
    """End half-way without ever having said how long the file is."""
    request.head(200, {"Connection": "close"})
    request.send(content[: len(content) // 2])
    request.break_off()


def endless(request: Handler, content: bytes) -> None:
    """Send the file, and then more and more of it, without ever having said how long it is."""
    request.head(200, {"Connection": "close"})
    while not request.server.ending.is_set():
        request.send(content)


def flipped(request: Handler, content: bytes) -> None:
    """Deliver with one bit of one byte wrong."""
    middle = len(content) // 2
    good(request, content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])


def wrong_length(request: Handler, content: bytes) -> None:
    request.head(200, {"Content-Length": str(len(content) - 1)})
    request.send(content)
    request.break_off()


def lying_range(request: Handler, content: bytes) -> None:
    """Answer requests for a range with the file's beginning, and say so."""
    end = len(content) // 2
    request.answer(206, content[:end], {"Content-Range": f"bytes 0-{end - 1}/{len(content)}"})


def shifted(request: Handler, content: bytes) -> None:
    """Answer requests for a range with one as long that begins a byte later, and say so."""
    start, last = (int(n) + 1 for n in request.headers["Range"].removeprefix("bytes=").split("-"))
    request.answer(206, content[start : last + 1], {"Content-Range": f"bytes {start}-{last}/{len(content)}"})


def resetting(request: Handler, content: bytes) -> None:
    request.head(200, {"Content-Length": str(len(content))})
    request.send(content[: len(content) // 2])
    request.break_off(reset=True)


def silent(request: Handler, content: bytes) -> None:
    request.server.ending.wait(10)
    request.close_connection = True


def silent_half_way(request: Handler, content: bytes) -> None:
    request.head(200, {"Content-Length": str(len(content))})
    request.send(content[: len(content) // 2])
    silent(request, content)


def dripping(request: Handler, content: bytes) -> None:
    """Send a byte now and then, often enough to seem alive."""
    request.head(200, {"Content-Length": str(len(content))})
    for i in range(len(content)):
        request.send(content[i : i + 1])
        if request.server.ending.wait(0.02):
            return


def vanishing(request: Handler, content: bytes) -> None:
    request.break_off()


def redirecting(target: str) -> Behaviour:
    return lambda request, _: request.answer(302, b"", {"Location": target})


def redirecting_to_itself(request: Handler, content: bytes) -> None:
    request.answer(302, b"", {"Location": request.path})


def redirecting_endlessly(request: Handler, content: bytes) -> None:
    """Redirect to itself in an answer that goes on and on."""
    request.head(302, {"Location": request.path, "Connection": "close"})
    while not request.server.ending.is_set():
        request.send(content)


def encoding(request: Handler, content: bytes) -> None:
    """Compress the file for the transfer, though it was not asked to."""
    request.answer(200, gzip.compress(content), {"Content-Encoding": "gzip"})


def mislabelling(request: Handler, content: bytes) -> None:
    """Deliver the ``.gz`` file as it is, but call its compression one of the transfer."""
    request.answer(200, content, {"Content-Encoding": "gzip", "Content-Type": "application/x-gzip"})


def encoding_unknown(request: Handler, content: bytes) -> None:
    request.answer(200, content[::-1], {"Content-Encoding": "br"})


def not_http(request: Handler, content: bytes) -> None:
    request.wfile.write(b"220 mail.example ESMTP\r\n")
    request.break_off()


def at_first(fault: Behaviour, times: int = 1, then: Behaviour = good) -> Behaviour:
    """Behave badly a few times, then otherwise."""
    left = [times]

    def behave(request: Handler, content: bytes) -> None:
        left[0] -= 1
        (fault if left[0] >= 0 else then)(request, content)

    return behave


def half_then(go_on: threading.Event, *, reset: bool) -> Behaviour:
    """Deliver half, wait, and break off: so that all of the half has arrived by then."""

    def behave(request: Handler, content: bytes) -> None:
        request.head(200, {"Content-Length": str(len(content)), "ETag": '"1"'})
        request.send(content[: len(content) // 2])
        go_on.wait(10)
        request.break_off(reset=reset)

    return behave


def wait_until(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Wait for what another process does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.005)
