"""The cache: what is in it is whole and checked, wherever it came from."""

from __future__ import annotations

import errno
import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fetch.files import FAST, NAME, published
from fetch.servers import good, silent_half_way

from mnistkit import settings
from mnistkit.catalog.entry import RemoteFile
from mnistkit.errors import DataError, DestinationError, UsageError
from mnistkit.fetch import cache as cache_module
from mnistkit.fetch import cache_folder, cached, fetch_file, listing, remove
from mnistkit.fetch.cache import locked, new_file, place_of
from mnistkit.fetch.mirrors import shown


@pytest.fixture
def put(cache):
    """Put a file into the cache by hand."""

    def write(content: bytes, dataset: str = "digits", name: str = NAME) -> Path:
        path = cache.folder / dataset / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    return write


def test_second_fetch_makes_no_request(serve, fetch, content):
    server = serve(good)
    file = published(content, server.url)

    first = fetch(file)
    second = fetch(file)

    assert first == second == cached("digits", file)
    assert len(server.asked) == 1


def test_offline_takes_what_is_cached_and_refuses_the_rest(serve, fetch, cache, content):
    server = serve(good)
    file = published(content, server.url)

    with pytest.raises(DataError) as refused:
        fetch(file, offline=True)
    fetch(file)

    assert fetch(file, offline=True).read_bytes() == content
    assert str(refused.value) == (
        f"digits/{NAME}: not in the cache; run 'mnistkit fetch digits' once while online, "
        f"or put the published file at {cache.folder / 'digits' / NAME}"
    )
    assert len(server.asked) == 1


def test_own_mirrors_come_first(serve, fetch, cache, content, monkeypatch):
    public, own = serve(good), serve(good, {f"/data%20sets/digits/{NAME}": content})
    monkeypatch.setenv("MNISTKIT_MIRRORS", f" http://nonexistent.invalid , {own.url}/data%20sets/,")

    fetch(published(content, public.url))

    assert own.asked == [(f"/data%20sets/digits/{NAME}", None)]
    assert public.asked == []


def test_cache_copied_to_a_server_is_a_mirror(serve, fetch, cache, content, monkeypatch):
    fetch(published(content, serve(good).url))
    copy = serve(good, {f"/{name}": held for name, held in cache.files().items()})
    remove()
    monkeypatch.setenv("MNISTKIT_MIRRORS", copy.url)

    fetch(published(content))

    assert cache.files() == {f"digits/{NAME}": content}


def test_file_put_there_by_hand_is_checked_and_used(put, fetch, content):
    path = put(content)

    assert fetch(published(content), offline=True) == path


@pytest.mark.parametrize(
    ("change", "said"),
    [(lambda c: c[:-1], "bytes instead of"), (lambda c: c[:-1] + b"?", "sha256 ")],
    ids=["shorter", "another byte"],
)
def test_another_file_put_there_by_hand_is_refused_and_replaced(
    change, said, put, serve, fetch, cache, content
):
    put(change(content))
    file = published(content, serve(good).url)

    assert cached("digits", file) is None
    with pytest.raises(DataError, match=rf"the file in the cache is not the published one \(.*{said}"):
        fetch(file, offline=True)
    with pytest.raises(DataError, match=rf"none is known; the file in the cache is not .* either: .*{said}"):
        fetch(published(content))
    fetch(file)

    assert cache.files() == {f"digits/{NAME}": content}


def test_file_that_changes_in_the_cache_is_noticed(serve, fetch, cache, content):
    file = published(content, serve(good).url)
    path = fetch(file)
    before = path.stat()

    path.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert cached("digits", file) is None
    assert fetch(file).read_bytes() == content


def test_large_file_is_read_again_only_once_it_changed(serve, fetch, content, monkeypatch):
    monkeypatch.setattr(cache_module, "_CHECKED_EACH_TIME", len(content) - 1)
    file = published(content, serve(good).url)
    path = fetch(file)
    reads = []
    monkeypatch.setattr(cache_module, "fault_of", lambda *_, **__: reads.append(1))

    cached("digits", file)
    unchanged = len(reads)
    os.utime(path, ns=(0, 0))
    cached("digits", file)

    assert (unchanged, len(reads)) == (0, 1)


def test_revision_with_another_checksum_is_another_file(serve, fetch, content, monkeypatch):
    monkeypatch.setattr(cache_module, "_CHECKED_EACH_TIME", 0)
    fetch(published(content, serve(good).url))

    assert cached("digits", published(content, checksums={"sha256": "0" * 64})) is None


def test_each_kind_of_checksum_is_enough_and_all_given_must_hold(put, content):
    put(content)
    right = published(content).checksums
    wrong = {kind: "0" * len(value) for kind, value in right.items()}

    for kind in right:
        assert cached("digits", RemoteFile(name=NAME, checksums={kind: right[kind].upper()}))
        assert not cached("digits", RemoteFile(name=NAME, checksums={kind: wrong[kind]}))
        (place_of("digits", NAME).beside(".ok")).unlink()
        assert not cached("digits", RemoteFile(name=NAME, checksums={**right, kind: wrong[kind]}))


def test_content_inside_the_compression_is_checked_where_only_its_checksum_is_known(put, content):
    raw = gzip.decompress(content)
    known = {"raw_checksums": published(raw).checksums, "size": None, "checksums": {}}
    put(gzip.compress(raw, 1))

    assert cached("digits", published(content, raw_size=len(raw), **known))
    assert cached("digits", published(content, **known))
    assert not cached("digits", published(content, raw_size=len(raw) - 1, **known))
    put(content[:-1])
    assert not cached("digits", published(content, **known))


def test_file_without_any_checksum_is_never_taken(put, fetch, serve, content):
    put(content)
    server = serve(good)

    with pytest.raises(DataError, match="no checksum of it is known"):
        fetch(published(content, server.url, checksums={}))

    assert server.asked == []


def test_unknown_kind_of_checksum_is_said(put, content):
    put(content)

    with pytest.raises(DataError, match="unknown kind: expected sha256, git, md5, found crc32"):
        cached("digits", published(content, checksums={"crc32": "0"}))


@pytest.mark.parametrize(
    ("dataset", "name"),
    [
        ("..", "x"),
        ("a/../..", "x"),
        ("a", "../x"),
        ("a", "b/x"),
        ("a", ".mnistkit"),
        ("/a", "x"),
        ("a", "b\\x"),
    ],
)
def test_name_that_leads_out_of_the_cache_is_refused(dataset, name, cache, content):
    with pytest.raises(DataError, match="not a name that the cache can keep"):
        fetch_file(dataset, published(content, "http://127.0.0.1:1", name=name))


def test_listing_tells_what_is_there_and_what_is_on_its_way(serve, fetch, cache, content):
    fetch(published(content, serve(good).url))
    with pytest.raises(DataError):
        fetch_file("letters/a", published(content, serve(silent_half_way).url), limits=FAST)

    assert listing() == [
        ("digits", NAME, len(content)),
        ("letters/a", f"{NAME}.part", len(content) // 2),
    ]
    assert listing("letters") == listing("letters/a") == listing()[1:]
    assert listing("digit") == []


def test_removal_takes_what_is_listed_and_nothing_else(serve, fetch, cache, content, put):
    file = published(content, serve(good).url)
    fetch(file)
    fetch_file("letters/a", file)
    put(b"mine", "digits", "notes.txt")
    put(b"mine too", ".", "letter.txt")
    everything = listing()

    assert remove("letters") == everything[1:]
    assert cache.files().keys() == {f"digits/{NAME}", "digits/notes.txt", "letter.txt"}
    assert remove() == everything[:1]
    assert cache.files() == {"digits/notes.txt": b"mine", "letter.txt": b"mine too"}
    assert not (cache.folder / "letters").exists()
    assert listing() == remove() == []


def test_what_is_being_fetched_is_not_removed(serve, fetch, cache, content):
    fetch(published(content, serve(good).url))

    with (
        locked(place_of("digits", NAME)),
        pytest.raises(DestinationError, match="another process is fetching it"),
    ):
        remove()

    assert cache.files() == {f"digits/{NAME}": content}


def test_cache_that_is_shared_read_only_is_used(put, fetch, cache, content):
    put(content)
    (cache.folder / ".mnistkit").write_bytes(b"")  # root may write anywhere but here

    assert fetch(published(content), offline=True).read_bytes() == content


def test_disk_that_fills_up_while_unpacking_is_one_line_and_leaves_nothing(fetch, serve, content, cache):
    fetch(published(content, serve(good).url))
    place = place_of("digits", NAME)

    with pytest.raises(DestinationError, match="No space left on device; free some space"), new_file(place):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    assert cache.left() == set()


def test_cache_folder_is_the_platforms_unless_it_is_chosen(monkeypatch, tmp_path):
    monkeypatch.delenv("MNISTKIT_CACHE", raising=False)
    usual = cache_folder()
    monkeypatch.setenv("MNISTKIT_CACHE", "~/elsewhere")

    assert usual.is_absolute()
    assert "mnistkit" in usual.parts
    assert cache_folder() == Path.home() / "elsewhere"


@pytest.mark.parametrize(
    "base", ["ftp://host/x", "/srv/mirror", "https://", "file:///srv", "https://host/x?y=1"]
)
def test_mirror_that_is_no_base_url_is_refused(base, monkeypatch):
    monkeypatch.setenv("MNISTKIT_MIRRORS", f"https://fine.example/,{base}")

    with pytest.raises(UsageError, match="MNISTKIT_MIRRORS: not a base URL: expected https://host/folder"):
        settings.mirrors()


def test_passwords_and_tokens_are_not_shown():
    assert shown("https://me:secret@host:8/a?token=1#x") == "https://host:8/a"


def test_looking_into_the_cache_loads_neither_http_nor_numpy():
    code = "import sys, mnistkit.fetch as f; f.listing(); print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert {"requests", "urllib3", "filelock", "numpy", "ssl"} & set(run.stdout.split()) == set()
