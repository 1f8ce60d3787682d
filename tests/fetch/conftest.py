"""Fixtures of the tests that fetch: an empty cache, servers that end, a published file."""

from __future__ import annotations

import gzip
import random

import pytest
from fetch.files import FAST, NAME, Cache
from fetch.servers import Server, good

from mnistkit.fetch import fetch_file


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "MNISTKIT_MIRRORS"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Cache:
    monkeypatch.setenv("MNISTKIT_CACHE", str(tmp_path / "cache"))
    return Cache(tmp_path / "cache")


@pytest.fixture(scope="session")
def content() -> bytes:
    """A gzip file of 200 kB that does not shrink."""
    return gzip.compress(random.Random(0).randbytes(200_000), mtime=0)


@pytest.fixture
def serve(content):
    """Start a server of one file, or of some; it ends with the test."""
    running = []

    def start(behave=good, files=None, *, tls=None) -> Server:
        running.append(Server(files or {f"/{NAME}": content}, behave, tls))
        return running[-1]

    yield start
    for server in running:
        server.end()


@pytest.fixture
def fetch(cache):
    """Fetch a file of the dataset ``digits``, impatiently."""
    return lambda file, **more: fetch_file("digits", file, **{"limits": FAST, **more})
