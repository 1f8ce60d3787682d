"""Whatever a mirror does: the published file from the next one or one clear error, never a bad file."""

from __future__ import annotations

import re
import shutil
import ssl
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest
from fetch import servers
from fetch.files import FAST, NAME, checksums, published
from fetch.servers import Server, at_first, good, half_then, redirecting, refusing, wait_until

from mnistkit.errors import DataError, DestinationError
from mnistkit.fetch import fetch_file
from mnistkit.fetch.mirrors import MirrorFailed, check_redirect

#: What a mirror does, and what is said of it.
FAULTS = {
    "403 with a page": (refusing(403), "403 Forbidden"),
    "404": (refusing(404), "404 Not Found"),
    "410": (refusing(410), "410 Gone"),
    "503 for ever": (refusing(503), "503 Service Unavailable"),
    "200 with a page": (servers.page, "answers with a web page instead of the file"),
    "200 with a page as long as the file": (servers.unlabelled_page, "delivers another file: sha256 "),
    "truncated body": (servers.truncated, "ends too early"),
    "truncated body of unknown length": (servers.truncated_unsaid, "ends after 100,"),
    "endless body": (servers.endless, "sends more than 200,"),
    "one flipped bit": (servers.flipped, "delivers another file: sha256 "),
    "wrong length header": (servers.wrong_length, "bytes instead of 200,"),
    "reset half-way for ever": (servers.resetting, "resets the connection"),
    "hang": (servers.silent, "no answer in time"),
    "hang half-way": (servers.silent_half_way, "no answer in time"),
    "slow drip": (servers.dripping, r"too slow \(\d+ bytes a second\)"),
    "gone without an answer": (servers.vanishing, "closes the connection without an answer"),
    "redirect loop": (servers.redirecting_to_itself, "redirects more than 5 times"),
    "redirect to a file": (
        redirecting("file:///etc/passwd"),
        r"redirects to file:///etc/passwd, which is not",
    ),
    "redirect to nothing": (redirecting("http://[oops"), "redirects to what is no URL"),
    "redirect with an endless body": (servers.redirecting_endlessly, "redirects more than 5 times"),
    "redirect without a target": (refusing(302), "302 Found"),
    "unknown encoding": (servers.encoding_unknown, "delivers another file|cannot be undone"),
    "range of its own choice": (servers.lying_range, "ends after 100,|other bytes than it was asked for"),
    "another protocol": (servers.not_http, "does not speak HTTP"),
}


@pytest.mark.parametrize(("fault", "reason"), FAULTS.values(), ids=FAULTS)
def test_fault_of_the_only_mirror_is_one_clear_error(fault, reason, serve, fetch, cache, content):
    server = serve(fault)

    with pytest.raises(DataError) as refused:
        fetch(published(content, server.url))

    assert "\n" not in str(refused.value)
    assert re.search(rf"{re.escape(server.url)}/{NAME} {reason}|{reason}", str(refused.value))
    assert f"put the published file at {cache.folder / 'digits' / NAME}" in str(refused.value)
    assert cache.files() == {}


@pytest.mark.parametrize("fault", [fault for fault, _ in FAULTS.values()], ids=FAULTS)
def test_after_a_fault_the_next_mirror_delivers(fault, serve, fetch, cache, content):
    bad, next_one = serve(fault), serve(good)

    path = fetch(published(content, bad.url, next_one.url))

    assert path == cache.folder / "digits" / NAME
    assert cache.files() == {f"digits/{NAME}": content}
    assert cache.left() == set()
    assert bad.asked
    assert next_one.asked


ONCE = {
    "503": (refusing(503), 2),
    "reset half-way": (servers.resetting, 2),
    "truncated": (servers.truncated, 2),
    "gone": (servers.vanishing, 2),
}


@pytest.mark.parametrize(("fault", "times"), ONCE.values(), ids=ONCE)
def test_fault_that_passes_is_waited_for(fault, times, serve, fetch, cache, content):
    server = serve(at_first(fault, times))

    fetch(published(content, server.url))

    assert cache.files() == {f"digits/{NAME}": content}
    assert len(server.asked) == times + 1


@pytest.mark.parametrize("status", [403, 404])
def test_refusal_is_taken_for_an_answer(status, serve, fetch, content):
    server = serve(refusing(status))

    with pytest.raises(DataError):
        fetch(published(content, server.url))

    assert len(server.asked) == 1


def test_every_mirror_is_named_with_its_reason(serve, fetch, content):
    first, second = serve(refusing(403)), serve(servers.page)

    with pytest.raises(DataError) as refused:
        fetch(published(content, first.url, second.url))

    assert f"{first.url}/{NAME} 403 Forbidden; {second.url}/{NAME} answers with" in str(refused.value)
    assert refused.value.exit_code == 1


def test_reset_half_way_resumes_and_no_byte_is_sent_twice(serve, fetch, cache, content):
    arrived = threading.Event()
    server = serve(at_first(half_then(arrived, reset=True)))
    half = len(content) // 2

    def progress(what, done, total):
        if done == half:
            arrived.set()

    fetch(published(content, server.url), progress=progress)

    assert server.asked == [(f"/{NAME}", None), (f"/{NAME}", f"bytes={half}-")]
    assert server.sent - len(content) == 0
    assert cache.files() == {f"digits/{NAME}": content}


def test_another_mirror_goes_on_where_the_first_one_stopped(serve, fetch, cache, content):
    first, second = serve(servers.silent_half_way), serve(good)

    fetch(published(content, first.url, second.url))

    assert second.asked == [(f"/{NAME}", f"bytes={len(content) // 2}-")]
    assert first.sent + second.sent == len(content)
    assert cache.files() == {f"digits/{NAME}": content}


def test_bad_half_of_one_mirror_is_not_held_against_the_next(serve, fetch, cache, content):
    wrong = bytes(len(content))
    first, second = serve(servers.silent_half_way, {f"/{NAME}": wrong}), serve(good)

    fetch(published(content, first.url, second.url))

    assert [asked for _, asked in second.asked] == [f"bytes={len(content) // 2}-", None]
    assert cache.files() == {f"digits/{NAME}": content}


def test_file_that_changed_between_two_answers_is_fetched_from_its_beginning(serve, fetch, cache, content):
    arrived = threading.Event()
    arrived.set()
    server = serve(at_first(half_then(arrived, reset=False), then=changed_etag))

    fetch(published(content, server.url))

    assert server.asked[-1] == (f"/{NAME}", f"bytes={len(content) // 2}-")
    assert server.sent == len(content) // 2 + len(content)
    assert cache.files() == {f"digits/{NAME}": content}


def changed_etag(request, content):
    assert request.headers["If-Range"] == '"1"'
    request.answer(200, content, {"ETag": '"2"'})


def test_mirror_without_ranges_starts_again(serve, fetch, cache, content):
    server = serve(at_first(servers.truncated, then=servers.without_ranges))

    fetch(published(content, server.url))

    assert server.sent == len(content) // 2 + len(content)
    assert cache.files() == {f"digits/{NAME}": content}


def test_page_of_the_next_mirror_costs_nothing_of_what_arrived(serve, fetch, cache, content):
    mirrors = serve(servers.silent_half_way), serve(servers.page), serve(servers.wrong_length), serve(good)

    fetch(published(content, *(server.url for server in mirrors)))

    assert mirrors[-1].asked == [(f"/{NAME}", f"bytes={len(content) // 2}-")]
    assert cache.files() == {f"digits/{NAME}": content}


def test_whole_part_of_unknown_size_is_recognised(serve, fetch, cache, content):
    cache.part().parent.mkdir(parents=True)
    cache.part().write_bytes(content)
    server = serve(good)

    fetch(published(content, server.url, size=None))

    assert server.sent == 0
    assert cache.files() == {f"digits/{NAME}": content}


@pytest.mark.parametrize("behave", [servers.encoding, servers.mislabelling], ids=lambda b: b.__name__)
@pytest.mark.parametrize("known_size", [True, False])
def test_encoding_of_the_transfer_is_undone_once_at_most(behave, known_size, serve, fetch, cache, content):
    server = serve(behave)

    fetch(published(content, server.url, **({} if known_size else {"size": None})))

    assert cache.files() == {f"digits/{NAME}": content}
    assert cache.left() == set()


def test_file_is_asked_for_as_it_is(serve, fetch, cache, content):
    def behave(request, content):
        assert request.headers["Accept-Encoding"] == "identity"
        good(request, content)

    fetch(published(content, serve(behave).url))

    assert cache.files() == {f"digits/{NAME}": content}


def test_redirect_to_another_host_is_followed(serve, fetch, cache, content):
    target = serve(good)
    server = serve(redirecting(f"http://localhost:{target.server_port}/{NAME}"))

    fetch(published(content, server.url))

    assert target.asked
    assert cache.files() == {f"digits/{NAME}": content}


INSIDE = [
    "http://127.0.0.1/x",
    "http://localhost:8080/x",
    "http://10.1.2.3/x",
    "http://169.254.169.254/latest/meta-data",
    "http://[::1]/x",
    "http://[::ffff:192.168.0.1]/x",
    "https://0x7f.1/x",
]


@pytest.mark.parametrize("target", INSIDE)
def test_redirect_from_the_internet_into_the_local_network_is_refused(target):
    with pytest.raises(MirrorFailed, match="redirects into the local network"):
        check_redirect("http://93.184.216.34/x", target, inside=False)


@pytest.mark.parametrize("target", INSIDE)
def test_mirror_of_the_users_own_may_redirect_into_the_local_network(target):
    check_redirect("http://93.184.216.34/x", target, inside=True)


def test_redirect_within_the_internet_is_fine():
    check_redirect("http://93.184.216.34/x", "https://8.8.8.8/x", inside=False)


@pytest.fixture(scope="session")
def self_signed(tmp_path_factory) -> ssl.SSLContext:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out certificate -days 2 -subj /CN=127.0.0.1"
    )
    subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate", folder / "key")
    return context


def test_self_signed_certificate_is_not_trusted(serve, fetch, cache, content, self_signed):
    server = serve(good, tls=self_signed)

    with pytest.raises(DataError, match=r"TLS certificate is not trusted \(self.signed certificate\)"):
        fetch(published(content, server.url))

    assert server.asked == []
    assert cache.files() == {}


def test_server_without_tls_is_not_spoken_to_in_the_clear(serve, fetch, cache, content):
    server = serve(good)

    with pytest.raises(DataError, match="TLS fails"):
        fetch(published(content, server.url.replace("http:", "https:")))

    assert server.asked == []
    assert cache.files() == {}


def test_unknown_host_and_refused_connection_are_told_apart(fetch, serve, cache, content):
    gone = serve(good)
    gone.end()
    delivers = serve(good)

    with pytest.raises(DataError) as refused:
        fetch(published(content, "http://nonexistent.invalid", gone.url))
    fetch(published(content, "http://nonexistent.invalid", gone.url, delivers.url))

    assert f"http://nonexistent.invalid/{NAME} its host name is not found" in str(refused.value)
    assert f"{gone.url}/{NAME} refuses the connection" in str(refused.value)
    assert cache.files() == {f"digits/{NAME}": content}


def test_proxy_of_the_environment_is_used(serve, fetch, cache, content, monkeypatch):
    url = f"http://nonexistent.invalid/{NAME}"
    proxy = serve(good, {url: content})
    monkeypatch.setenv("HTTP_PROXY", proxy.url)

    fetch(published(content, "http://nonexistent.invalid"))

    assert proxy.asked == [(url, None)]
    assert cache.files() == {f"digits/{NAME}": content}


SCRIPT = """
import logging, sys
from mnistkit.catalog.entry import RemoteFile
from mnistkit.errors import MnistkitError
from mnistkit.fetch import Limits, fetch_file

logging.basicConfig(stream=sys.stderr, level="WARNING", format="%(message)s")
url, size, sha256 = sys.argv[1:]
file = RemoteFile(name=url.rpartition("/")[2], urls=(url,), size=int(size), checksums={"sha256": sha256})
try:
    fetch_file("digits", file, limits=Limits(pause=0.01))
except MnistkitError as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""


@contextmanager
def fetching(server: Server, content: bytes, **more):
    """Fetch the file in a process of its own, which is there no longer afterwards."""
    arguments = f"{server.url}/{NAME}", str(len(content)), checksums(content)["sha256"]
    command = [sys.executable, "-c", SCRIPT, *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, **more) as process:
        try:
            yield process
        finally:
            process.kill()


def test_download_goes_on_after_kill(serve, fetch, cache, content):
    half = len(content) // 2
    server = serve(at_first(half_then(threading.Event(), reset=False)))

    with fetching(server, content) as process:
        wait_until(lambda: cache.part().is_file() and cache.part().stat().st_size == half)
        process.kill()
    assert cache.files() == {}
    fetch(published(content, server.url))

    assert server.asked[1:] == [(f"/{NAME}", f"bytes={half}-")]
    assert server.sent == len(content)
    assert cache.files() == {f"digits/{NAME}": content}
    assert cache.left() == set()


def test_two_processes_share_one_download(serve, cache, content):
    both_are_here = threading.Event()

    def behave(request, content):
        assert both_are_here.wait(20)
        good(request, content)

    server = serve(behave)
    with fetching(server, content) as first:
        wait_until(lambda: bool(server.asked))
        with fetching(server, content) as second:
            said = second.stderr.readline()
            both_are_here.set()
            codes = first.wait(20), second.wait(20)

    assert "waiting for another process that is fetching it" in said
    assert codes == (0, 0)
    assert len(server.asked) == 1
    assert cache.files() == {f"digits/{NAME}": content}


def test_file_that_outgrows_the_limit_of_the_system_is_one_line(serve, cache, content):
    resource = pytest.importorskip("resource")

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

    with fetching(serve(good), content, preexec_fn=limit) as process:
        said = process.stderr.read()
        code = process.wait(20)

    assert code == 1
    assert re.fullmatch(
        r"DestinationError: .*: cannot be written: found File too large; free some space.*\n", said
    )
    assert cache.files() == {}
    assert cache.left() == set()


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 64 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("only root can mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_full_disk_is_one_line_and_its_part_is_removed(serve, content, small_disk, monkeypatch):
    monkeypatch.setenv("MNISTKIT_CACHE", str(small_disk))

    with pytest.raises(
        DestinationError, match="No space left on device; free some space, or set MNISTKIT_CACHE"
    ):
        fetch_file("digits", published(content, serve(good).url), limits=FAST)

    assert [p for p in small_disk.rglob("*") if p.is_file() and p.suffix != ".lock"] == []


def test_cache_that_cannot_be_made_is_one_line(serve, fetch, content, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("MNISTKIT_CACHE", str(tmp_path / "file"))

    with pytest.raises(DestinationError, match="cannot be written"):
        fetch(published(content, serve(good).url))


def test_progress_counts_bytes(serve, fetch, content):
    seen = []

    fetch(published(content, serve(good).url), progress=lambda *step: seen.append(step))

    assert {(what, total) for what, _, total in seen} == {(f"fetch {NAME}", len(content))}
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)
    assert seen[-1][1] == len(content)
