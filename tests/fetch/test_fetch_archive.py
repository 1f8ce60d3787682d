"""One member of a zip archive: from a stretch of it, from all of it, or from the one in the cache."""

from __future__ import annotations

import io
import random
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import pytest
from fetch import servers
from fetch.files import FAST, checksums, published
from fetch.servers import good, refusing, wait_until

from mnistkit.errors import DataError
from mnistkit.fetch import Limits, fetch_file

DATASET, MEMBER, ZIP = "emnist/letters", "emnist-letters-test-images-idx3-ubyte.gz", "gzip.zip"
PATH = f"/{ZIP}"


def zipped(content: bytes, compression: int = zipfile.ZIP_DEFLATED, *, zip64: bool = False) -> bytes:
    """Pack a member between others that are much longer."""
    filler = random.Random(1).randbytes(700_000)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        archive.writestr("gzip/before", filler)
        with archive.open(f"gzip/{MEMBER}", "w", force_zip64=zip64) as member:
            member.write(content)
        archive.writestr("gzip/behind", filler)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def archive(content) -> bytes:
    return zipped(content)


@pytest.fixture
def member(content):
    """Describe the member as the catalogue does."""

    def describe(packed: bytes, *urls: str, alone: tuple[str, ...] = (), **more):
        whole = published(packed, *urls, name=ZIP)
        return published(
            content, *alone, name=MEMBER, **{"archive": whole, "member": f"gzip/{MEMBER}", **more}
        )

    return describe


@pytest.fixture
def fetch_member(cache):
    return lambda file, **more: fetch_file(DATASET, file, **{"limits": FAST, **more})


PACKED = {
    "deflated": (zipfile.ZIP_DEFLATED, False),
    "stored": (zipfile.ZIP_STORED, False),
    "bzip2": (zipfile.ZIP_BZIP2, False),
    "lzma": (zipfile.ZIP_LZMA, False),
    "zip64": (zipfile.ZIP_DEFLATED, True),
}


@pytest.mark.parametrize(("compression", "zip64"), PACKED.values(), ids=PACKED)
def test_only_the_stretch_with_the_member_is_sent(
    compression, zip64, serve, member, fetch_member, cache, content
):
    packed = zipped(content, compression, zip64=zip64)
    server = serve(good, {PATH: packed})

    path = fetch_member(member(packed, server.url))

    assert path == cache.folder / DATASET / MEMBER
    assert cache.files() == {f"{DATASET}/{MEMBER}": content}
    assert cache.left() == set()
    assert server.sent < len(content) + 2 * 65536 + 2000 < len(packed) / 4
    assert all(asked for _, asked in server.asked)


def test_stretch_resumes_after_a_reset(serve, member, fetch_member, cache, content, archive):
    """The index takes three requests; the fourth is for the stretch."""
    arrived = threading.Event()
    sent = []

    def behave(request, packed):
        sent.append(request.headers["Range"])
        start, last = map(int, sent[-1].removeprefix("bytes=").split("-"))
        if last - start > 65536 and not arrived.is_set():
            half = packed[start : start + 100_000]
            request.head(206, {
                "Content-Range": f"bytes {start}-{last}/{len(packed)}",
                "Content-Length": str(last + 1 - start),
            })  # fmt: skip
            request.send(half)
            assert arrived.wait(10)
            request.break_off(reset=True)
        else:
            good(request, packed)

    server = serve(behave, {PATH: archive})
    fetch_member(
        member(archive, server.url), progress=lambda _, done, __: arrived.set() if done == 100_000 else None
    )

    first, second = (tuple(map(int, asked.removeprefix("bytes=").split("-"))) for asked in sent[-2:])
    assert second == (first[0] + 100_000, first[1])
    assert cache.files() == {f"{DATASET}/{MEMBER}": content}


def test_without_ranges_the_whole_archive_is_kept_and_serves_its_family(
    serve, member, fetch_member, cache, content, archive, caplog
):
    server = serve(servers.without_ranges, {PATH: archive})
    file = member(archive, server.url)

    fetch_member(file)
    asked = len(server.asked)
    fetch_file("emnist/digits", file, offline=True)

    assert cache.files() == {
        f"emnist/{ZIP}": archive,
        f"{DATASET}/{MEMBER}": content,
        f"emnist/digits/{MEMBER}": content,
    }
    assert f"{server.url}{PATH} does not serve parts of files: fetching all of it" in caplog.text
    assert len(server.asked) == asked


def test_two_members_share_one_download_of_the_archive(serve, member, cache, content, archive, caplog):
    def behave(request, packed):
        if request.headers["Range"] is None:
            wait_until(lambda: "gzip.zip: waiting for another process" in caplog.text)
        servers.without_ranges(request, packed)

    server = serve(behave, {PATH: archive})
    file = member(archive, server.url)
    with ThreadPoolExecutor(2) as pool:
        paths = list(pool.map(partial(fetch_file, file=file, limits=Limits()), (DATASET, "emnist/digits")))

    assert [path.read_bytes() for path in paths] == [content, content]
    assert sum(asked is None for _, asked in server.asked) == 1


@pytest.mark.parametrize("folder", ["emnist", DATASET])
def test_archive_put_into_the_cache_by_hand_is_used(folder, member, fetch_member, cache, content, archive):
    (cache.folder / folder).mkdir(parents=True)
    (cache.folder / folder / ZIP).write_bytes(archive)

    path = fetch_member(member(archive), offline=True)

    assert path.read_bytes() == content


def test_archive_in_the_cache_that_is_another_is_not_used(member, fetch_member, cache, archive):
    (cache.folder / "emnist").mkdir(parents=True)
    (cache.folder / "emnist" / ZIP).write_bytes(archive[:-1])

    with pytest.raises(DataError, match="not in the cache"):
        fetch_member(member(archive), offline=True)


def test_archive_in_the_cache_without_the_member_is_one_clear_error(member, fetch_member, cache, archive):
    (cache.folder / "emnist").mkdir(parents=True)
    (cache.folder / "emnist" / ZIP).write_bytes(archive)

    with pytest.raises(
        DataError, match=r"gzip.zip: 'other' cannot be taken out: found its archive has no member"
    ):
        fetch_member(member(archive, member="other"))


def test_own_mirror_is_asked_for_the_member_then_for_the_archive(
    serve, member, fetch_member, content, archive, cache, monkeypatch
):
    public, own = serve(good, {PATH: archive}), serve(good, {f"/base/emnist/{ZIP}": archive})
    monkeypatch.setenv("MNISTKIT_MIRRORS", f"{own.url}/base/")

    fetch_member(member(archive, public.url))

    asked = list(dict.fromkeys(path for path, _ in own.asked))
    assert asked == [f"/base/{DATASET}/{MEMBER}", f"/base/{DATASET}/{ZIP}", f"/base/emnist/{ZIP}"]
    assert public.asked == []
    assert cache.files() == {f"{DATASET}/{MEMBER}": content}


def test_member_alone_on_an_own_mirror_is_enough(
    serve, member, fetch_member, content, archive, cache, monkeypatch
):
    own = serve(good, {f"/{DATASET}/{MEMBER}": content})
    monkeypatch.setenv("MNISTKIT_MIRRORS", own.url)

    fetch_member(member(archive, "http://nonexistent.invalid"))

    assert len(own.asked) == 1
    assert cache.files() == {f"{DATASET}/{MEMBER}": content}


def damaged(archive: bytes) -> bytes:
    """Return the archive with one byte of the member wrong."""
    start = archive.index(MEMBER.encode()) + 100_000
    return archive[:start] + bytes([archive[start] ^ 1]) + archive[start + 1 :]


FAULTS = {
    "403": (refusing(403), lambda a: a, "403 Forbidden"),
    "another size": (good, lambda a: a + b"\0", "bytes instead of"),
    "one flipped bit": (good, damaged, r"its archive is damaged \(Bad CRC-32"),
    "no zip archive": (good, lambda a: bytes(len(a)), "its archive is damaged .File is not a zip file"),
    "index cut off": (good, lambda a: a[:-200] + bytes(200), "its archive is damaged"),
    "truncated": (servers.truncated, lambda a: a, "delivers another file|ends too early"),
    "hang": (servers.silent, lambda a: a, "no answer in time"),
    "range a byte later": (servers.shifted, lambda a: a, "other bytes than it was asked for"),
    "range of its own choice": (servers.lying_range, lambda a: a, "other bytes than it was asked for"),
}


@pytest.mark.parametrize(("behave", "change", "reason"), FAULTS.values(), ids=FAULTS)
def test_fault_of_an_archive_is_one_clear_error(
    behave, change, reason, serve, member, fetch_member, cache, archive
):
    server = serve(behave, {PATH: change(archive)})

    with pytest.raises(DataError, match=reason):
        fetch_member(member(archive, server.url))

    assert cache.files() == {}


@pytest.mark.parametrize(("behave", "change"), [f[:2] for f in FAULTS.values()], ids=FAULTS)
def test_after_a_fault_of_an_archive_the_next_delivers(
    behave, change, serve, member, fetch_member, cache, content, archive
):
    bad, next_one = serve(behave, {PATH: change(archive)}), serve(good, {PATH: archive})

    fetch_member(member(archive, bad.url, next_one.url))

    assert cache.files() == {f"{DATASET}/{MEMBER}": content}
    assert cache.left() == set()


def test_member_unlike_its_checksum_is_refused(serve, member, fetch_member, cache, archive):
    server = serve(good, {PATH: archive})

    with pytest.raises(DataError, match="delivers another file: md5 "):
        fetch_member(member(archive, server.url, checksums={"md5": "0" * 32}))

    assert cache.files() == {}


def test_archive_of_unknown_size_is_read(serve, content, fetch_member, cache, archive):
    server = serve(good, {PATH: archive})
    whole = published(archive, server.url, name=ZIP, size=None, checksums={})

    fetch_member(published(content, name=MEMBER, archive=whole, member=f"gzip/{MEMBER}", size=None))

    assert cache.files() == {f"{DATASET}/{MEMBER}": content}


def test_archive_without_checksum_is_not_taken_whole(serve, content, fetch_member, cache, archive):
    server = serve(servers.without_ranges, {PATH: archive})
    whole = published(archive, server.url, name=ZIP, checksums={})

    with pytest.raises(
        DataError, match="does not serve parts of files, and no checksum of the whole is known"
    ):
        fetch_member(published(content, name=MEMBER, archive=whole, member=f"gzip/{MEMBER}"))

    assert cache.files() == {}


def test_member_of_unknown_size_that_is_too_large_is_not_downloaded(
    serve, fetch_member, cache, content, archive
):
    server = serve(good, {PATH: archive})
    whole = published(archive, server.url, name=ZIP)
    file = published(content, name=MEMBER, archive=whole, member=f"gzip/{MEMBER}", size=None)

    with pytest.raises(DataError, match=f"the member has {len(content):,} bytes"):
        fetch_member(file, limits=replace(FAST, most_bytes=len(content) - 1))

    assert server.sent < len(content)


def test_implausible_index_is_not_downloaded(serve, fetch_member, cache, content):
    """An archive that claims an index of 100 MB costs no 100 MB."""
    size = 100_000_000
    end = b"PK\5\6" + bytes(4) + b"\1\0\1\0" + (size - 22).to_bytes(4, "little") + bytes(4) + bytes(2)

    def behave(request, _):
        start, last = map(int, request.headers["Range"].removeprefix("bytes=").split("-"))
        body = (bytes(last + 1 - start - 22) + end) if last == size - 1 else bytes(last + 1 - start)
        request.answer(206, body, {"Content-Range": f"bytes {start}-{last}/{size}"})

    server = serve(behave, {PATH: b""})
    whole = published(b"", server.url, name=ZIP, size=size)

    with pytest.raises(DataError, match="the index of its archive is implausibly long"):
        fetch_member(published(content, name=MEMBER, archive=whole, member="x"))

    assert server.sent < 1_000_000


def test_two_members_share_nothing_but_the_archive(serve, fetch_member, cache, content, archive):
    server = serve(good, {PATH: archive})
    whole = published(archive, server.url, name=ZIP)
    filler = random.Random(1).randbytes(700_000)
    other = published(filler, name="before", archive=whole, member="gzip/before", checksums=checksums(filler))

    fetch_member(other)

    assert cache.files() == {f"{DATASET}/before": filler}
