"""Where connections lead, as their sockets say: a name that is looked up twice may answer differently."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

from mnistkit.fetch.mirrors import MirrorFailed, is_inside


class Session(requests.Session):
    """A session that knows which hosts are in the local network, and sees no redirects.

    Requests would read the bodies of redirects to their end, however long they are.
    """

    def __init__(self) -> None:
        super().__init__()
        self._inside: dict[str, bool] = {}
        for scheme in ("http://", "https://"):
            self.mount(scheme, _Adapter())

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002 - as overridden
        """Say that there is none: redirects are followed by who asked."""
        return None

    def spoke_inside(self, url: str) -> bool:
        """Whether the host of a URL has answered from this machine or a private network."""
        return self._inside.get((urlsplit(url).hostname or "").rstrip("."), False)

    @contextmanager
    def fenced(self, url: str, *, closed: bool) -> Iterator[None]:
        """Note where connections lead; give up, before anything is asked, those inside a closed fence.

        Raises:
            MirrorFailed: A connection leads into the local network, or one that is open does.
        """
        if closed and self.spoke_inside(url):
            raise _leads_inside(url)
        token = _FENCE.set((self._inside, closed))
        try:
            yield
        finally:
            _FENCE.reset(token)


#: Host -> whether it is inside, for the requests that are being made; and whether such a host is refused.
_FENCE: ContextVar[tuple[dict[str, bool], bool]] = ContextVar("mnistkit.fetch.fence")


def _check(connection: HTTPConnection) -> None:
    """Look where a new connection leads, unless to a proxy, which the user has chosen."""
    if connection.proxy is not None:
        return
    hosts, closed = _FENCE.get()
    address = str(connection.sock.getpeername()[0])
    hosts[connection.host] = is_inside(address)
    if closed and hosts[connection.host]:
        connection.close()
        raise _leads_inside(f"{connection.host} is {address}")


def _leads_inside(where: str) -> MirrorFailed:
    return MirrorFailed(f"redirects into the local network ({where}), which is not followed")


class _Connection(HTTPConnection):
    def connect(self) -> None:
        super().connect()
        _check(self)


class _SecureConnection(HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        _check(self)


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _Adapter(HTTPAdapter):
    """Makes connections that look where they lead."""

    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        super().init_poolmanager(*args, **more)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
