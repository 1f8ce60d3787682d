"""Published datasets end to end: fetched from a server on loopback, read with their quirks, exported."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import json
import lzma
import shutil
import struct
import zipfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from fetch.files import checksums
from fetch.servers import Server, good

import mnistkit
from mnistkit import catalog
from mnistkit.catalog import lookup
from mnistkit.errors import CapabilityError, DataError
from mnistkit.idx import TYPE_CODES

MNIST_FILES = [
    f"{split}-{what}-ubyte.gz" for split in ("train", "t10k") for what in ("images-idx3", "labels-idx1")
]
GZIPPED = {
    "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
}


@pytest.fixture(autouse=True)
def _empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MNISTKIT_CACHE", str(tmp_path / "cache"))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def serve(monkeypatch):
    """Serve files (path -> content) as the user's own mirror; returns the server."""
    running = []

    def start(files):
        running.append(Server(files, good))
        monkeypatch.setenv("MNISTKIT_MIRRORS", running[-1].url + "/")
        return running[-1]

    yield start
    for server in running:
        server.end()


# ---------------------------------------------------------------- real MNIST


def test_mnist_is_fetched_once_checked_and_exported(mnist, serve, tmp_path, monkeypatch, cli):
    server = serve({f"/mnist/{name}": (mnist / name).read_bytes() for name in MNIST_FILES})
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")

    first = cli("export", "--to", "parquet", "--verify")
    asked = len(server.asked)
    again = cli("export", "--to", "idx")
    offline = cli("export", "mnist", "--to", "csv", "--offline", "--limit", 10)

    assert (first.code, again.code, offline.code) == (0, 0, 0)
    assert "mk1:ca833e301e596d61c1636c27371e4ab704b941390df924e259595dccb0bcdafd" in first.out
    assert asked == 4
    assert len(server.asked) == asked
    receipt = json.loads((tmp_path / "empty" / "mnist-parquet" / "mnistkit.json").read_text())
    assert receipt["dataset"] == "mnist"
    assert {s["name"] for s in receipt["sources"]} == set(MNIST_FILES)
    assert "disputed" in receipt["licence"]


def test_renamed_and_recompressed_files_are_identified(mnist, tmp_path, cli):
    packs = (partial(gzip.compress, compresslevel=1), bz2.compress, partial(lzma.compress, preset=0), bytes)
    for pack, letter, name in zip(packs, "abcd", MNIST_FILES, strict=True):
        raw = gzip.decompress((mnist / name).read_bytes())
        (tmp_path / f"{letter}.bin").write_bytes(pack(raw))
    (tmp_path / "README").write_text("about")

    assert cli("identify", tmp_path).out.splitlines()[0] == "mnist"
    found = mnistkit.identify(tmp_path)
    assert {path.name: known[0].file for path, known in found.files.items()} == dict(
        zip(("a.bin", "b.bin", "c.bin", "d.bin"), MNIST_FILES, strict=True)
    )


def test_one_strange_file_makes_a_folder_unknown(mnist, tmp_path, cli):
    for name in MNIST_FILES:
        shutil.copy(mnist / name, tmp_path)
    labels = bytearray(gzip.decompress((mnist / MNIST_FILES[1]).read_bytes()))
    labels[20] ^= 1
    (tmp_path / MNIST_FILES[1]).write_bytes(gzip.compress(bytes(labels)))

    assert cli("identify", tmp_path).out.splitlines()[0] == "unknown"


def test_canonical_gzip_gives_the_published_bytes(mnist, tmp_path):
    mnistkit.export(mnist, "png", tmp_path / "png")

    mnistkit.export(tmp_path / "png", "idx", tmp_path / "idx", gzip="canonical", verify=True)

    found = {name: hashlib.md5((tmp_path / "idx" / name).read_bytes()).hexdigest() for name in GZIPPED}
    assert found == GZIPPED
    assert not list((tmp_path / "idx").glob("*.packing"))


def test_canonical_gzip_of_other_content_is_refused(tmp_path, small):
    with pytest.raises(CapabilityError, match="no published file has this content; use --gzip fast"):
        mnistkit.export(small, "idx", tmp_path / "out", gzip="canonical")

    assert not (tmp_path / "out").exists()


def test_canonical_gzip_without_the_program_is_refused(tmp_path, small, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(CapabilityError, match="needs the program gzip"):
        mnistkit.export(small, "idx", tmp_path / "out", gzip="canonical")


# ---------------------------------------------------------------- every entry, with small files of its kind

ROWS = 60  # images of a made split: enough for every label of every entry


def idx(array):
    head = bytes([0, 0, TYPE_CODES[array.dtype.name], array.ndim])
    return (
        head
        + struct.pack(f">{array.ndim}I", *array.shape)
        + array.astype(array.dtype.newbyteorder(">")).tobytes()
    )


def pack(name, data):
    return {".gz": gzip.compress, ".xz": lzma.compress}[Path(name).suffix](data)


def npz(arrays):
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


class Made:
    """An entry like a published one, with small files of the same kinds and names."""

    def __init__(self, entry):
        self.published = entry
        self.images, self.labels = {}, {}
        arrays = {}
        views = [s for s in entry.splits.values() if s.rows]
        splits = {}
        for number, split in enumerate(entry.splits.values()):
            if split in views:
                splits[split.name] = replace(split, length=20, rows=(10, 30))
                continue
            self._make(number, split, arrays)
            splits[split.name] = replace(split, length=ROWS)
        for split in views:
            whole = next(s for s in entry.splits.values() if s.images == split.images and not s.rows)
            self.images[split.name] = self.images[whole.name][10:30]
            self.labels[split.name] = self.labels[whole.name][10:30]
        self.content = {name: self._encode(name, keyed) for name, keyed in arrays.items()}
        self.entry = replace(entry, splits=splits, files=self._files())

    def _make(self, number, split, arrays):
        entry = self.published
        generator = np.random.default_rng(number)
        images = generator.integers(0, 256, (ROWS, *entry.shape)).astype(entry.dtype)
        if entry.multi_label:
            labels = generator.integers(0, 2, (ROWS, len(entry.multi_label))).astype(entry.label_dtype)
            stored_labels = labels
        else:
            classes = (np.arange(ROWS) % entry.classes).astype(entry.label_dtype)
            more = generator.integers(0, 1000, (ROWS, len(entry.label_columns))).astype(entry.label_dtype)
            labels = np.column_stack([classes, more]) if entry.label_columns else classes
            stored_labels = labels + np.array(entry.label_offset, labels.dtype)
            if entry.container == "npz" and entry.name.startswith("medmnist/"):
                stored_labels = stored_labels[:, None]
        self.images[split.name], self.labels[split.name] = images, labels
        stored = images.swapaxes(1, 2) if entry.orientation == "transposed" else images
        arrays.setdefault(split.images, {})[split.images_key] = np.ascontiguousarray(stored)
        arrays.setdefault(split.labels, {})[split.labels_key] = stored_labels

    def _encode(self, name, keyed):
        if self.published.container == "npz":
            return npz(keyed)
        (array,) = keyed.values()
        return pack(name, idx(array))

    def _files(self):
        files = {}
        for name, data in self.content.items():
            file = self.published.files[name]
            files[name] = replace(
                file, size=len(data), checksums=checksums(data), raw_size=None, raw_checksums={}
            )
        return files

    def served(self):
        """Return what a mirror serves: the files, or the archive that holds them."""
        archive = next((f.archive for f in self.entry.files.values() if f.archive), None)
        if archive is None:
            return {f"/{self.entry.name}/{name}": data for name, data in self.content.items()}
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as zipped:
            for name, data in self.content.items():
                zipped.writestr(self.entry.files[name].member, data)
        data = file.getvalue()
        family = self.entry.name.split("/")[0]
        checked = replace(archive, size=len(data), checksums=checksums(data))
        self.entry = replace(
            self.entry, files={n: replace(f, archive=checked) for n, f in self.entry.files.items()}
        )
        return {f"/{family}/{archive.name}": data, f"/{self.entry.name}/{archive.name}": data}


@pytest.fixture
def made(request, serve, monkeypatch):
    made = Made(catalog.find(request.param))
    serve(made.served())
    real = lookup.find
    monkeypatch.setattr(catalog, "find", lambda name: made.entry if name == request.param else real(name))
    return made


@pytest.mark.parametrize("made", catalog.names(), indirect=True)
def test_every_entry_comes_out_right(made, tmp_path):
    entry = made.entry
    usual = [s.name for s in entry.splits.values() if not s.overlapping]

    receipt = mnistkit.export(entry.name, "hdf5", tmp_path / "out", verify=True)
    dataset = mnistkit.open(entry.name)

    assert list(receipt.splits) == usual
    assert list(dataset.splits) == list(entry.splits)
    assert dataset.info.class_names == (entry.class_names or None)
    for name, split in dataset.splits.items():
        whole = split.load()
        np.testing.assert_array_equal(whole.images, made.images[name])
        if entry.multi_label:
            assert whole.labels is None
            np.testing.assert_array_equal(
                np.column_stack([whole.extra[column] for column in entry.multi_label]), made.labels[name]
            )
        else:
            columns = made.labels[name].reshape(len(split), -1).T
            np.testing.assert_array_equal(whole.labels, columns[0])
            for title, column in zip(entry.label_columns, columns[1:], strict=True):
                np.testing.assert_array_equal(whole.extra[title], column)


@pytest.mark.parametrize("made", ["emnist/letters"], indirect=True)
def test_emnist_letters_is_upright_and_counted_from_0_and_says_so(made, tmp_path, cli):
    result = cli("export", "emnist/letters", "--to", "hdf5", "--out", tmp_path / "out", "--json")
    raw = mnistkit.open("emnist/letters", raw_orientation=True)

    notes = json.loads(result.out)["notes"]
    assert "images are stored transposed; they are turned upright" in notes
    assert "labels are stored from 1; they are counted from 0" in notes
    assert any("licence unknown" in note for note in notes)
    assert "turned upright" in result.err
    assert mnistkit.open(tmp_path / "out").info.class_names == tuple("abcdefghijklmnopqrstuvwxyz")
    np.testing.assert_array_equal(raw["train"].load().images, made.images["train"].swapaxes(1, 2))


@pytest.mark.parametrize("made", ["qmnist"], indirect=True)
def test_overlapping_views_are_exported_only_when_named(made, tmp_path):
    usual = mnistkit.export("qmnist", "idx", tmp_path / "usual")
    named = mnistkit.export("qmnist", "idx", tmp_path / "named", splits=["test10k"])

    assert list(usual.splits) == ["train", "test"]
    assert list(named.splits) == ["test10k"]


@pytest.mark.parametrize("made", ["fashion-mnist"], indirect=True)
def test_another_set_under_mnists_names_is_noticed(made, tmp_path, monkeypatch):
    folder = tmp_path / "mnist"
    folder.mkdir()
    for name, data in made.content.items():
        (folder / name).write_bytes(data)
    monkeypatch.setattr("mnistkit.catalog.identify.entries_listing", lambda _: (made.entry,))

    receipt = mnistkit.export(folder, "hdf5", tmp_path / "out")

    assert receipt.dataset == "fashion-mnist"
    assert receipt.licence.startswith("MIT")
    assert mnistkit.open(tmp_path / "out").info.class_names[0] == "T-shirt/top"


@pytest.mark.parametrize("made", ["emnist/digits"], indirect=True)
def test_hand_downloaded_files_are_turned_upright_too(made, tmp_path, monkeypatch):
    folder = tmp_path / "downloads"
    folder.mkdir()
    for name, data in made.content.items():
        (folder / name).write_bytes(data)
    monkeypatch.setattr("mnistkit.catalog.identify.entries_listing", lambda _: (made.entry,))

    upright = mnistkit.open(folder)
    stored = mnistkit.open(folder, raw_orientation=True)

    np.testing.assert_array_equal(upright["test"].load().images, made.images["test"])
    np.testing.assert_array_equal(stored["test"].load().images, made.images["test"].swapaxes(1, 2))


@pytest.mark.parametrize("made", ["kmnist"], indirect=True)
def test_load_data_by_name(made):
    (x_train, y_train), (x_test, _) = mnistkit.load_data("kmnist")

    np.testing.assert_array_equal(x_train, made.images["train"])
    np.testing.assert_array_equal(y_train, made.labels["train"])
    assert len(x_test) == ROWS


@pytest.mark.parametrize("made", ["dig-mnist"], indirect=True)
def test_load_data_without_both_splits_names_them(made):
    with pytest.raises(DataError, match=r"expected splits train and test, found test; use mnistkit\.open"):
        mnistkit.load_data("dig-mnist")


@pytest.mark.parametrize("made", ["kmnist"], indirect=True)
def test_fetch_cache_and_datasets_commands(made, cli):
    assert "kmnist" in cli("datasets").out
    fetched = cli("fetch", "kmnist")
    assert fetched.code == 0
    assert len(fetched.out.splitlines()) == 4
    assert "kmnist/train-images-idx3-ubyte.gz" in cli("cache").out
    assert json.loads(cli("datasets", "kmnist", "--json").out)["cached"] == "yes"
    assert cli("fetch", "kmnist", "--offline").code == 0

    cli("cache", "--remove", "kmnist")

    assert "0 B in 0 files" in cli("cache").out
    assert cli("fetch", "kmnist", "--offline").code == 1


def test_every_mirror_failing_says_what_to_put_where(serve, cli, tmp_path, monkeypatch):
    server = serve({})
    entry = catalog.find("kmnist")
    files = {n: replace(f, urls=(f"{server.url}/elsewhere/{n}",)) for n, f in entry.files.items()}
    monkeypatch.setattr(catalog, "find", lambda _: replace(entry, files=files))

    result = cli("fetch", "kmnist")

    assert result.code == 1
    assert result.err.count("\n") == 1
    assert result.err.replace(server.url, "").count("404") == 2
    assert str(tmp_path / "cache" / "kmnist" / "train-images-idx3-ubyte.gz") in result.err


@pytest.mark.parametrize("made", ["mnist"], indirect=True)
def test_wrong_type_in_a_published_file_is_refused(made, monkeypatch):
    shrunk = replace(made.entry, shape=(14, 28))
    monkeypatch.setattr(catalog, "find", lambda _: shrunk)

    with pytest.raises(DataError, match=r"images: expected .*\(14, 28\).*found .*\(28, 28\)"):
        list(mnistkit.open("mnist")["train"].batches())
