"""What is under way in the cache is its owner's alone, and nothing planted there is written through."""

from __future__ import annotations

import os
import stat
import threading

import pytest
from fetch import servers
from fetch.files import FAST, NAME, published
from fetch.servers import at_first, good, half_then, refusing, wait_until

from mnistkit.errors import DataError
from mnistkit.fetch import fetch_file

pytestmark = pytest.mark.skipif(
    os.name == "nt", reason="Windows has other rights, and links take a privilege"
)


@pytest.fixture
def umask():
    """Set the umask; it is as before in the end."""
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


def mode(path):
    return stat.S_IMODE(path.lstat().st_mode)


def test_what_is_under_way_is_its_owners_alone(serve, fetch, cache, content, umask):
    go_on = threading.Event()
    server = serve(at_first(half_then(go_on, reset=False)))
    umask(0)

    fetching = threading.Thread(target=lambda: fetch(published(content, server.url)))
    fetching.start()
    try:
        wait_until(lambda: cache.part().is_file() and cache.part().stat().st_size > 0)
        modes = {path.suffix: mode(path) for path in cache.part().parent.iterdir()}
    finally:
        go_on.set()
        fetching.join()

    assert modes[".part"] == modes[".note"] == 0o600
    assert cache.files() == {f"digits/{NAME}": content}


def test_what_is_unpacked_is_its_owners_alone(serve, fetch, cache, content, umask, monkeypatch):
    from mnistkit.fetch import download  # noqa: PLC0415 - to look at what it checks

    seen, check = {}, download.fault_of
    monkeypatch.setattr(
        download, "fault_of", lambda path, file: seen.update({path.suffix: mode(path)}) or check(path, file)
    )
    umask(0)

    fetch(published(content, serve(servers.encoding).url))

    assert seen == {".part": 0o600, ".new": 0o600}


@pytest.mark.parametrize("mask", [0o000, 0o002, 0o022, 0o027, 0o077], ids=oct)
def test_files_in_the_cache_follow_the_umask(serve, fetch, content, umask, cache, mask):
    umask(mask)

    path = fetch(published(content, serve(good).url))

    assert mode(path) == 0o666 & ~mask
    assert mode(cache.part().with_suffix(".ok")) == 0o666 & ~mask
    assert cache.left() == set()


def test_no_password_is_written(serve, fetch, cache, content, monkeypatch):
    server = serve(at_first(servers.resetting, 9), {f"/digits/{NAME}": content})
    monkeypatch.setenv("MNISTKIT_MIRRORS", server.url.replace("//", "//me:secret@"))

    with pytest.raises(DataError):
        fetch(published(content))

    assert cache.left() == {f"{NAME}.part", f"{NAME}.note"}
    assert not [path for path in cache.folder.rglob("*") if path.is_file() and b"secret" in path.read_bytes()]


BEHAVIOURS = {
    "whole": lambda: good,
    "encoded": lambda: servers.encoding,
    "in two answers": lambda: at_first(servers.resetting),
}


@pytest.mark.parametrize("suffix", [".part", ".note", ".new", ".ok", ".lock", ".part.mode"])
@pytest.mark.parametrize("link", [os.symlink, os.link], ids=["symbolic", "hard"])
@pytest.mark.parametrize("behave", BEHAVIOURS.values(), ids=BEHAVIOURS)
def test_nothing_is_written_through_a_planted_link(tmp_path, serve, cache, content, suffix, link, behave):
    precious = tmp_path / "precious"
    precious.write_bytes(content[:1000])
    cache.part().parent.mkdir(parents=True)
    link(precious, cache.part().with_suffix(suffix))

    try:
        fetch_file("digits", published(content, serve(behave()).url), limits=FAST)
    except OSError:
        assert suffix == ".lock"
    else:
        assert cache.files() == {f"digits/{NAME}": content}

    assert precious.read_bytes() == content[:1000]


def test_a_link_in_the_place_of_a_file_is_replaced(tmp_path, serve, fetch, cache, content):
    precious = tmp_path / "precious"
    precious.write_bytes(b"precious")
    (cache.folder / "digits").mkdir(parents=True)
    (cache.folder / "digits" / NAME).symlink_to(precious)

    path = fetch(published(content, serve(good).url))

    assert not path.is_symlink()
    assert path.read_bytes() == content
    assert precious.read_bytes() == b"precious"


def test_nothing_is_used_before_it_is_checked(serve, fetch, cache, content, monkeypatch):
    """At the moment that a file is held against its checksums, nobody could have opened it."""
    from mnistkit.fetch import download  # noqa: PLC0415 - to look at what it checks

    visible, check = [], download.fault_of
    monkeypatch.setattr(
        download, "fault_of", lambda path, file: visible.append(cache.files()) or check(path, file)
    )

    with pytest.raises(DataError, match="delivers another file"):
        fetch(published(content, serve(servers.flipped).url, serve(refusing(404)).url))

    assert visible == [{}]
    assert cache.files() == {}
