"""Which URLs may deliver a file, in which order, and where they may lead."""

from __future__ import annotations

import hashlib
import socket
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit, urlunsplit

from mnistkit import settings
from mnistkit.fetch.cache import family_of

if TYPE_CHECKING:
    from mnistkit.catalog.entry import RemoteFile


@dataclass(frozen=True, slots=True)
class Mirror:
    """A URL that may deliver a file, and whether it is of the user's own choice."""

    url: str
    own: bool = False

    def __str__(self) -> str:
        return shown(self.url)

    @property
    def fingerprint(self) -> str:
        """What tells it from others and no more: its URL may hold a password."""
        return hashlib.sha256(self.url.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Mirrors:
    """The URLs of a file alone, and of the archive that holds it, each the best first."""

    alone: tuple[Mirror, ...]
    archives: tuple[Mirror, ...] = ()


class MirrorFailed(Exception):  # noqa: N818 - says what happened; never leaves mnistkit.fetch
    """What a mirror did instead of delivering.

    Attributes:
        reason: A few words for the user.
        passing: Whether it is worth trying the same mirror again.
    """

    def __init__(self, reason: str, *, passing: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.passing = reason, passing


class NoRanges(MirrorFailed):
    """A mirror that delivers files whole or not at all."""


def mirrors_of(dataset: str, file: RemoteFile) -> tuple[Mirrors, Mirrors]:
    """Return the user's own mirrors of a file, and those that it is published on."""
    own = tuple(_own(base, dataset, file.name) for base in settings.mirrors())
    public = tuple(map(Mirror, file.urls))
    if file.archive is None:
        return Mirrors(own), Mirrors(public)
    archives = tuple(
        _own(base, folder, file.archive.name)
        for base in settings.mirrors()
        for folder in dict.fromkeys((dataset, family_of(dataset)))
    )
    return Mirrors(own, archives), Mirrors(public, tuple(map(Mirror, file.archive.urls)))


def shown(url: str) -> str:
    """Return a URL as messages show it: without password, query and control characters."""
    parts = urlsplit(url)
    plain = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
    return "".join(c if c.isprintable() else "?" for c in plain)


def check_redirect(url: str, target: str, *, inside: bool) -> None:
    """Make sure that a redirect leads neither away from HTTP or TLS nor into the user's network.

    Names are looked up here for a clear word; what counts is where the connection leads, which
    :mod:`mnistkit.fetch.peers` looks at.

    Args:
        url: What was asked for.
        target: Where the answer leads.
        inside: Whether it may lead into the local network.

    Raises:
        MirrorFailed: It leads where it must not.
    """
    scheme = urlsplit(target).scheme
    if scheme not in ("http", "https"):
        raise MirrorFailed(f"redirects to {shown(target)}, which is not followed")
    if scheme == "http" and urlsplit(url).scheme == "https":
        raise MirrorFailed(f"redirects from https to {shown(target)}, which is not followed")
    if not inside and _leads_inside(target):
        raise MirrorFailed(f"redirects into the local network ({shown(target)}), which is not followed")


def is_inside(address: str) -> bool:
    """Whether an address is this machine's or of a private network: not one of the internet's."""
    found = ip_address(address.partition("%")[0])
    plain = getattr(found, "ipv4_mapped", None) or found
    return not plain.is_global or plain.is_multicast


def _own(base: str, folder: str, name: str) -> Mirror:
    return Mirror(f"{base}/{quote(f'{folder}/{name}')}", own=True)


def _leads_inside(url: str) -> bool:
    """Whether a URL's host has an address of this machine or a private network; False if it has none."""
    try:
        found = socket.getaddrinfo(urlsplit(url).hostname, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return False
    return any(is_inside(str(address[0])) for *_, address in found)
