"""One request to a mirror: redirects, timeouts, and what went wrong in a few words."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import urljoin

import requests
import urllib3

from mnistkit._version import __version__
from mnistkit.fetch.limits import Limits
from mnistkit.fetch.mirrors import Mirror, MirrorFailed, check_redirect
from mnistkit.fetch.peers import Session

T = TypeVar("T")

_CHUNK = 64 << 10

_NUMBER = re.compile(r"\d{1,18}")
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")

#: Beside 5xx, what a server may take back a moment later.
_PASSING = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)

#: What lies at the bottom of a failed request, the most telling first; and whether it may pass.
_CAUSES: tuple[tuple[type[BaseException], str, bool], ...] = (
    (ssl.SSLCertVerificationError, "its TLS certificate is not trusted", False),
    (ssl.SSLError, "TLS fails", False),
    (socket.gaierror, "its host name is not found", False),
    (requests.ConnectTimeout, "no connection in time", False),
    (urllib3.exceptions.ReadTimeoutError, "no answer in time", False),
    (TimeoutError, "no answer in time", False),
    (http.client.RemoteDisconnected, "closes the connection without an answer", True),
    (ConnectionRefusedError, "refuses the connection", True),
    (ConnectionResetError, "resets the connection", True),
    (http.client.IncompleteRead, "ends too early", True),
    (http.client.HTTPException, "does not speak HTTP", False),
)


def open_session() -> Session:
    """Return a session that asks for files as they are: a compressed one is not to be compressed again."""
    session = Session()
    session.headers.update({"User-Agent": f"mnistkit/{__version__}", "Accept-Encoding": "identity"})
    return session


@contextmanager
def ask(
    session: Session, mirror: Mirror, limits: Limits, headers: Mapping[str, str]
) -> Iterator[requests.Response]:
    """Ask a mirror for a file, follow its redirects, and yield an answer with status 200, 206 or 416.

    Only a mirror of the user's own, or one in the local network, may redirect into that.

    Raises:
        MirrorFailed: There is no such answer, or it is a web page.
    """
    url, inside = mirror.url, True
    for _ in range(limits.redirects + 1):
        with _request(session, url, limits, headers, fenced=not inside) as answer:
            target = _target(answer, url)
            if target is None:
                _check_status(answer)
                yield answer
                return
        inside = mirror.own or session.spoke_inside(mirror.url)
        check_redirect(url, target, inside=inside)
        url = target
    raise MirrorFailed(f"redirects more than {limits.redirects} times")


def stretch_of(answer: requests.Response) -> tuple[int, int, int | None] | None:
    """Return first byte, byte behind the last, and size of the whole, as ``Content-Range`` says."""
    found = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    if found is None:
        return None
    first, last, total = found.groups()
    return int(first), int(last) + 1, None if total == "*" else int(total)


def length_of(answer: requests.Response) -> int | None:
    """Return the length of an answer's body as its header says."""
    found = _NUMBER.fullmatch(answer.headers.get("Content-Length", ""))
    return int(found.group()) if found else None


def body_of(answer: requests.Response, limits: Limits) -> Iterator[bytes]:
    """Yield the bytes of an answer as they arrive and as they were sent.

    Raises:
        MirrorFailed: They stop, or come too slowly.
    """
    since, seen = time.monotonic(), 0
    while chunk := _read(answer):
        yield chunk
        seen += len(chunk)
        if (elapsed := time.monotonic() - since) >= limits.window:
            if seen < limits.least_rate * elapsed:
                raise MirrorFailed(f"too slow ({seen / elapsed:,.0f} bytes a second)")
            since, seen = time.monotonic(), 0


def patiently(limits: Limits, action: Callable[[], T]) -> T:
    """Do something with a mirror; after a failure that may pass, pause and do it again, a few times.

    Raises:
        MirrorFailed: It failed each time, or in a way that does not pass.
    """
    for attempt in range(limits.retries):
        try:
            return action()
        except MirrorFailed as failed:
            if not failed.passing:
                raise
        time.sleep(limits.pause * 2**attempt)
    return action()


def _request(
    session: Session, url: str, limits: Limits, headers: Mapping[str, str], *, fenced: bool
) -> requests.Response:
    try:
        with session.fenced(url, closed=fenced):
            return session.get(
                url,
                headers=dict(headers),
                stream=True,
                allow_redirects=False,
                timeout=(limits.connect, limits.silence),
            )
    except requests.RequestException as error:
        raise _failure(error) from error


def _target(answer: requests.Response, url: str) -> str | None:
    try:
        return urljoin(url, _utf8(answer.headers["Location"])) if answer.is_redirect else None
    except ValueError as error:
        raise MirrorFailed("redirects to what is no URL") from error


def _utf8(header: str) -> str:
    """Read a header as what servers mean by it; the HTTP library takes it for Latin-1."""
    return header.encode("latin-1").decode()


def _check_status(answer: requests.Response) -> None:
    status = answer.status_code
    if status not in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE):
        phrase = http.client.responses.get(status, "")
        raise MirrorFailed(f"{status} {phrase}".strip(), passing=status >= 500 or status in _PASSING)
    if answer.ok and answer.headers.get("Content-Type", "").lower().startswith("text/html"):
        raise MirrorFailed("answers with a web page instead of the file")


def _read(answer: requests.Response) -> bytes:
    try:
        # Returns what one read of the socket brings, so that a slow drip is noticed.
        return answer.raw.read1(_CHUNK, decode_content=False) or b""
    except urllib3.exceptions.HTTPError as error:
        raise _failure(error) from error


def _failure(error: Exception) -> MirrorFailed:
    causes = list(_causes(error))
    for kind, reason, passing in _CAUSES:
        for cause in causes:
            if isinstance(cause, kind):
                detail = getattr(cause, "verify_message", "")
                return MirrorFailed(reason + (f" ({detail})" if detail else ""), passing=passing)
    words = next((c.strerror for c in causes if isinstance(c, OSError) and c.strerror), type(error).__name__)
    return MirrorFailed(words, passing=isinstance(error, requests.ConnectionError))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and all that it stems from; requests and urllib3 wrap each other's in four ways."""
    seen: list[object] = []
    waiting: list[object] = [error]
    while waiting:
        cause = waiting.pop()
        if isinstance(cause, BaseException) and cause not in seen:
            seen.append(cause)
            yield cause
            waiting += [cause.__cause__, cause.__context__, getattr(cause, "reason", None), *cause.args]
