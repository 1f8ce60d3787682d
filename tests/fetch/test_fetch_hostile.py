"""Mirrors that mean us ill: no way into the local network, no way out of TLS, no more than was promised.

The internet is a pretended one, all of it on loopback: 127.0.1.1 and its like are public addresses,
127.0.0.1 is this machine, and a resolver tells the addresses of names, another at each lookup if it likes.
"""

from __future__ import annotations

import gzip
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import zipfile
from io import BytesIO

import pytest
from fetch.files import FAST, NAME, published
from fetch.servers import Handler, Server, good, redirecting

from mnistkit.catalog.entry import RemoteFile
from mnistkit.errors import DataError
from mnistkit.fetch import fetch_file
from mnistkit.fetch.mirrors import MirrorFailed, check_redirect, is_inside

PUBLIC, ELSEWHERE, HERE = "127.0.1.1", "127.0.1.2", "127.0.0.1"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems have one address of loopback")


class Internet:
    """Names with the addresses that each lookup finds, and servers at addresses."""

    def __init__(self) -> None:
        self.names: dict[str, list[str]] = {}
        self.servers: list[Server] = []

    def serve(self, address: str, behave=good, files=None, tls=None) -> Server:
        self.servers.append(Server(files or {}, behave, tls, address))
        return self.servers[-1]

    def look_up(self, name: str) -> str:
        answers = self.names.get(name, [name])
        return answers.pop(0) if len(answers) > 1 else answers[0]


@pytest.fixture
def internet(monkeypatch):
    pretended, getaddrinfo = Internet(), socket.getaddrinfo

    def resolve(host, *more, **named):
        return getaddrinfo(pretended.look_up(host), *more, **named)

    def inside(address):
        return not address.startswith("127.0.1.") and is_inside(address)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr("mnistkit.fetch.mirrors.is_inside", inside)
    monkeypatch.setattr("mnistkit.fetch.peers.is_inside", inside)
    yield pretended
    for server in pretended.servers:
        server.end()


@pytest.fixture
def files(content):
    return {f"/{NAME}": content}


def refusal(file: RemoteFile) -> str:
    with pytest.raises(DataError) as refused:
        fetch_file("digits", file, limits=FAST)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_no_redirect_leads_to_a_name_inside(internet, cache, content, files):
    secret = internet.serve(HERE, files=files)
    internet.names["intranet.example"] = [HERE]
    mirror = internet.serve(
        PUBLIC, redirecting(f"http://intranet.example:{secret.server_port}/{NAME}"), files
    )

    said = refusal(published(content, mirror.url))

    assert "redirects into the local network (http://intranet.example" in said
    assert secret.asked == []
    assert cache.files() == {}


def test_no_name_leads_inside_by_changing_its_address(internet, cache, content, files):
    secret = internet.serve(HERE, files=files)
    internet.names["evil.example"] = [ELSEWHERE, HERE]
    mirror = internet.serve(PUBLIC, redirecting(f"http://evil.example:{secret.server_port}/{NAME}"), files)

    said = refusal(published(content, mirror.url))

    assert f"redirects into the local network (evil.example is {HERE}), which is not followed" in said
    assert secret.asked == []
    assert cache.files() == {}


def test_no_mirror_leads_to_itself_inside(internet, cache, content, files):
    secret = internet.serve(HERE, files=files)
    internet.names["evil.example"] = [PUBLIC, PUBLIC, HERE]

    def behave(request: Handler, content: bytes) -> None:
        request.answer(302, b"", {"Location": f"http://evil.example:{secret.server_port}/{NAME}"})

    mirror = internet.serve(PUBLIC, behave, files)
    said = refusal(published(content, f"http://evil.example:{mirror.server_port}"))

    assert "redirects into the local network" in said
    assert secret.asked == []


def test_no_second_redirect_leads_inside(internet, cache, content, files):
    secret = internet.serve(HERE, files=files)
    second = internet.serve(ELSEWHERE, redirecting(f"{secret.url}/{NAME}"), files)
    mirror = internet.serve(PUBLIC, redirecting(f"{second.url}/{NAME}"), files)

    said = refusal(published(content, mirror.url))

    assert f"redirects into the local network ({secret.url}/{NAME}), which is not followed" in said
    assert second.asked
    assert secret.asked == []


def test_redirects_in_the_internet_are_followed(internet, cache, content, files):
    internet.names["other.example"] = [ELSEWHERE]
    second = internet.serve(ELSEWHERE, files=files)
    mirror = internet.serve(PUBLIC, redirecting(f"http://other.example:{second.server_port}/{NAME}"), files)

    fetch_file("digits", published(content, mirror.url), limits=FAST)

    assert cache.files() == {f"digits/{NAME}": content}


def test_a_mirror_inside_may_redirect_inside(internet, cache, content, files):
    second = internet.serve(HERE, files=files)
    mirror = internet.serve(HERE, redirecting(f"{second.url}/{NAME}"), files)

    fetch_file("digits", published(content, mirror.url), limits=FAST)

    assert cache.files() == {f"digits/{NAME}": content}


def test_a_mirror_of_the_users_own_may_redirect_inside(internet, cache, content, files, monkeypatch):
    second = internet.serve(HERE, files=files)
    mirror = internet.serve(PUBLIC, redirecting(f"{second.url}/{NAME}"), {f"/digits/{NAME}": content})
    monkeypatch.setenv("MNISTKIT_MIRRORS", mirror.url)

    fetch_file("digits", published(content), limits=FAST)

    assert cache.files() == {f"digits/{NAME}": content}


def test_a_password_goes_to_nobody_else_and_is_not_shown(internet, cache, content, files, monkeypatch):
    heard = []

    def behave(request: Handler, content: bytes) -> None:
        heard.append(request.headers["Authorization"])
        request.answer(404, b"")

    second = internet.serve(ELSEWHERE, behave, files)
    mirror = internet.serve(PUBLIC, redirecting(f"{second.url}/{NAME}"), {f"/digits/{NAME}": content})
    monkeypatch.setenv("MNISTKIT_MIRRORS", mirror.url.replace("//", "//user:secret@"))

    said = refusal(published(content))

    assert heard == [None]
    assert "secret" not in said


INSIDE = [
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "100.64.0.1", "169.254.169.254", "172.16.0.1",
    "192.168.1.1", "198.18.0.1", "224.0.0.1", "255.255.255.255", "::", "::1", "fe80::1%eth0", "fc00::1",
    "fd00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "2001:db8::1",
]  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_what_is_no_address_of_the_internet_is_inside(address):
    assert is_inside(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "::ffff:8.8.8.8", "2606:4700:4700::1111"])
def test_addresses_of_the_internet_are_not_inside(address):
    assert not is_inside(address)


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "ftp://h/x", "data:,x", "gopher://h/_x", "unix:/run/x", "//x", "x", ""]
)
def test_redirects_lead_to_http_alone(target):
    with pytest.raises(MirrorFailed, match=r"redirects to .*, which is not followed"):
        check_redirect("https://8.8.8.8/x", target, inside=True)


@pytest.fixture(scope="session")
def trusted(tmp_path_factory):
    """A context of TLS for this machine, and the certificate that it shows."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate with")
    folder = tmp_path_factory.mktemp("trusted")
    command = "openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out certificate -days 2 -subj /CN=x"
    names = ["-addext", f"subjectAltName=IP:{PUBLIC}"]
    subprocess.run([*command.split(), *names], cwd=folder, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate", folder / "key")
    return context, folder / "certificate"


@pytest.mark.parametrize("own", [True, False])
def test_no_redirect_leads_out_of_tls(internet, cache, content, files, monkeypatch, trusted, own):
    context, certificate = trusted
    plain = internet.serve(ELSEWHERE, files=files)
    served = {**files, f"/digits/{NAME}": content}
    mirror = internet.serve(PUBLIC, redirecting(f"{plain.url}/{NAME}"), served, context)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    if own:
        monkeypatch.setenv("MNISTKIT_MIRRORS", mirror.url)

    said = refusal(published(content) if own else published(content, mirror.url))

    assert f"redirects from https to {plain.url}/{NAME}, which is not followed" in said
    assert mirror.asked
    assert plain.asked == []


def test_an_endless_body_is_cut_off_at_the_promised_size(internet, cache, content, files):
    def endless(request: Handler, content: bytes) -> None:
        request.head(200, {"Connection": "close"})
        while not request.server.ending.is_set():
            request.send(content)

    mirror = internet.serve(PUBLIC, endless, files)

    assert f"sends more than {len(content):,} bytes" in refusal(published(content, mirror.url))

    assert mirror.sent < 64 * len(content)  # what sockets hold, not what it would have sent
    assert cache.left() == set()


def test_an_encoding_that_unpacks_to_more_is_cut_off(internet, cache, content, files):
    bomb = gzip.compress(bytes(100 << 20))
    assert len(bomb) < len(content)

    def encoded(request: Handler, content: bytes) -> None:
        request.answer(200, bomb, {"Content-Encoding": "gzip"})

    mirror = internet.serve(PUBLIC, encoded, files)

    assert f"sends more than {len(content):,} bytes" in refusal(published(content, mirror.url))

    assert cache.left() <= {f"{NAME}.part", f"{NAME}.note"}
    assert sum(p.stat().st_size for p in cache.folder.rglob("*") if p.is_file()) < 2 * len(content)


def test_a_member_that_unpacks_to_more_than_it_says_is_cut_off(internet, cache, content):
    """The size that an archive states is that of the published file; what it packs is 100 MB."""
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"folder/{NAME}", bytes(100 << 20))
    lying = packed.getvalue().replace(struct.pack("<I", 100 << 20), struct.pack("<I", len(content)))
    mirror = internet.serve(PUBLIC, good, {"/digits.zip": lying})
    whole = RemoteFile(name="digits.zip", urls=(f"{mirror.url}/digits.zip",), size=len(lying), checksums={})
    file = published(content, archive=whole, member=f"folder/{NAME}")

    said = refusal(file)

    assert "its archive is damaged (Bad CRC-32" in said
    assert cache.files() == {}
    assert sum(p.stat().st_size for p in cache.folder.rglob("*") if p.is_file()) < len(content)
