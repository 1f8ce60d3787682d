"""What a dataset names is not opened, what it holds is not run, and links out of it are told of."""

from __future__ import annotations

import io
import os
import pickle
import re
import shutil
import tarfile
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hostile.names import NAMES, obeyed, tree
from hostile.sources import calls, imports
from PIL import Image

import mnistkit
from mnistkit.codecs.npz import open_npz
from mnistkit.errors import DataError
from mnistkit.testing import assert_same_content, drawn_dataset

posix = pytest.mark.skipif(os.name == "nt", reason="links take a privilege to make")


# Nothing is run


class Evil:
    """Makes a file wherever it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.fixture
def payload(tmp_path):
    """A pickle that makes the file ``ran``; which must not be there in the end."""
    ran = tmp_path / "ran"
    yield pickle.dumps(Evil(ran))
    assert not ran.exists()


def test_the_payload_of_these_tests_is_one(tmp_path):
    pickle.loads(pickle.dumps(Evil(tmp_path / "ran")))

    assert (tmp_path / "ran").exists()


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def test_a_numpy_archive_of_pickles_is_refused_unread(tmp_path, payload):
    path = tmp_path / "evil.npz"
    objects = np.array([Evil(tmp_path / "ran")] * 3, dtype=object)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("train_images.npy", npy(objects))
        archive.writestr("named_so.npy", payload)
        archive.writestr("train_labels.npy", npy(np.arange(3)).replace(b"'<i8'", b"'|O' "))

    for key in ("train_images", "train_labels"):
        with pytest.raises(DataError, match="expected rows of plain numbers in C order, found object"):
            open_npz(path, key)
    with pytest.raises(DataError, match="damaged NumPy archive"):
        open_npz(path, "named_so")
    with pytest.raises(DataError, match="expected rows of plain numbers in C order, found object"):
        mnistkit.open(path)


@pytest.mark.parametrize(
    "header", [b"{'descr': __import__('os').system('touch ran'), 'shape': (3,)}", b"(" * 9000]
)
def test_a_numpy_header_that_is_code_is_refused(tmp_path, monkeypatch, header):
    monkeypatch.chdir(tmp_path)
    text = header + b"\n"
    with zipfile.ZipFile("evil.npz", "w") as archive:
        archive.writestr("x.npy", b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text)

    with pytest.raises(DataError, match=r"damaged NumPy archive|plain numbers"):
        open_npz(Path("evil.npz"), "x")

    assert not Path("ran").exists()


FILES = (
    "train.pkl", "train.npy", "train.npz", "train-images-idx3-ubyte", "train.csv", "train.h5",
    "train.parquet", "train.idv", "train.tsv", "train/0/0.png", "mnistkit.json",
)  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_pickle_is_no_dataset_whatever_it_is_called(tmp_path, payload, name):
    path = tmp_path / "data" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(payload)

    with pytest.raises(DataError):
        mnistkit.open(tmp_path / "data")


@pytest.mark.parametrize("column", ["image", "label", "more"])
def test_a_pickle_in_a_schema_of_arrow_is_not_loaded(tmp_path, payload, column):
    """Arrow before 14.0.1 loaded this one on sight (CVE-2023-47248)."""
    metadata = {b"ARROW:extension:name": b"arrow.py_extension_type", b"ARROW:extension:metadata": payload}
    columns = {"image": pa.array([bytes(784)] * 4, pa.binary(784)), "label": pa.array([0, 1, 2, 3])}
    columns["more"] = pa.array([1, 2, 3, 4])
    fields = [pa.field(n, c.type, metadata=metadata if n == column else None) for n, c in columns.items()]
    pq.write_table(pa.table([*columns.values()], pa.schema(fields)), tmp_path / "train.parquet")

    found = mnistkit.open(tmp_path / "train.parquet", read={"shape": "28x28"})

    assert found["train"].load().labels.tolist() == [0, 1, 2, 3]


FORBIDDEN = {
    "builtins": r"eval|exec|compile|__import__",
    "pickles": r"(c?pickle|dill|joblib|shelve|marshal|torch|pd|pandas)\.(loads?|open|Unpickler|read_pickle)",
    "numpy's own readers": r"(np|numpy)\.(load|fromregex|genfromtxt|loadtxt)",
    "shells": r"os\.(system|popen|exec\w*|spawn\w*)|subprocess\.(getoutput|getstatusoutput)",
    "yaml": r"yaml\.\w*load\w*",
    "xml": r"(ElementTree|ET|minidom|sax)\.\w*(parse|fromstring)\w*",
    "archives": r".*\.extract(all)?|shutil\.unpack_archive",
    "guessable names": r"tempfile\.mktemp|os\.tempnam|os\.tmpnam|tempfile\.gettempdir",
}

#: The contract unpickles what it has pickled itself, a line before; the template's tests open what they have
#: written.
KIT = ("mnistkit/testing/", "mnistkit/contract/", "mnistkit/scaffold/template/test_")

OURS = ("mnistkit", "plugins", "docs/examples")


@pytest.mark.parametrize("what", FORBIDDEN.values(), ids=FORBIDDEN)
def test_the_project_never_calls(what):
    pattern = re.compile(what)

    found = [place for place, called, _ in calls(*OURS) if pattern.fullmatch(called)]

    assert [place for place in found if not place.startswith(KIT)] == []


def test_nothing_but_the_kit_for_authors_imports_pickle():
    pattern = re.compile(r"(import|from) (pickle|dill|joblib|shelve|marshal)\b.*")

    found = [place for place, text in imports(*OURS) if pattern.match(text)]

    assert [place for place in found if not place.startswith(KIT)] == []


def test_files_without_a_name_are_made_in_the_scratch_folder_alone():
    pattern = re.compile(r"(tempfile\.)?(\w*TemporaryFile|TemporaryDirectory|mks?d?temp)")
    elsewhere = [
        place
        for place, called, call in calls(*OURS)
        if pattern.fullmatch(called) and "dir" not in [keyword.arg for keyword in call.keywords]
    ]

    assert [place for place in elsewhere if not place.startswith(KIT)] == []


def test_no_call_allows_pickles_or_a_shell():
    allowed = [
        (place, keyword.arg)
        for place, _, call in calls(*OURS)
        for keyword in call.keywords
        if keyword.arg in ("allow_pickle", "shell") and getattr(keyword.value, "value", None) is not False
    ]

    assert allowed == []


# Nothing is opened because it is named


@pytest.mark.parametrize("held", [None, b""], ids=["null", "empty"])
def test_the_path_of_an_image_in_parquet_is_not_opened(tmp_path, held):
    Image.new("L", (4, 4), 7).save(tmp_path / "secret.png")
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    rows = pa.array([{"bytes": held, "path": str(tmp_path / "secret.png")}] * 3, kind)
    pq.write_table(pa.table({"image": rows, "label": [0, 1, 2]}), tmp_path / "train.parquet")

    with pytest.raises(DataError, match=r"row 0: .*(null|empty file)"):
        mnistkit.open(tmp_path / "train.parquet")["train"].load()


def test_paths_for_images_are_refused(tmp_path):
    Image.new("L", (4, 4), 7).save(tmp_path / "secret.png")
    names = ["secret.png", str(tmp_path / "secret.png"), "file:///etc/passwd"]
    pq.write_table(pa.table({"image": names, "label": [0, 1, 2]}), tmp_path / "train.parquet")

    with pytest.raises(DataError, match="type of column 'image': expected image files, bytes or lists"):
        mnistkit.open(tmp_path / "train.parquet")


def test_the_file_path_of_a_parquet_column_is_not_opened(tmp_path):
    """The format lets a footer say that columns lie in another file."""
    tables = {}
    for name, value in (("own", 1), ("secret", 9)):
        images = pa.array([bytes([value]) * 784] * 4, pa.binary(784))
        tables[name] = tmp_path / f"{name}.parquet"
        pq.write_table(pa.table({"image": images, "label": [0, 1, 2, 3]}), tables[name], compression="none")
    metadata = pq.read_metadata(tables["own"])
    metadata.set_file_path(str(tables["secret"]))
    metadata.write_metadata_file(tmp_path / "footer")
    own, footer = tables["own"].read_bytes(), (tmp_path / "footer").read_bytes()
    data = own[: -8 - int.from_bytes(own[-8:-4], "little")]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.parquet").write_bytes(data + footer[4:])
    assert pq.read_metadata(tmp_path / "data" / "train.parquet").row_group(0).column(0).file_path

    found = mnistkit.open(tmp_path / "data", read={"shape": "28x28"})

    assert set(found["train"].load().images.ravel().tolist()) == {1}


@pytest.mark.parametrize("name", ["image", "label", "more"])
def test_values_that_hdf5_keeps_in_other_files_are_refused_or_left_out(tmp_path, name):
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(4 * 9))
    path = tmp_path / "train.h5"
    shapes = {"image": (4, 3, 3), "label": (4,), "more": (4,)}
    with h5py.File(path, "w") as file:
        for column, shape in shapes.items():
            outside = [(str(secret), 0, 4 * 9)] if column == name else None
            data = None if outside else np.zeros(shape, "u1")
            file.create_dataset(column, shape, "u1", data=data, external=outside)

    with pytest.raises(DataError, match=f"dataset '/{name}': its values lie in other files"):
        mnistkit.open(path)


def test_groups_of_hdf5_that_are_links_are_not_followed(tmp_path, caplog):
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["deep/image"], file["deep/label"] = np.ones((4, 3, 3), "u1"), np.arange(4)
    with h5py.File(tmp_path / "train.h5", "w") as file:
        file["image"], file["label"] = np.zeros((4, 3, 3), "u1"), np.arange(4)
        file["test"] = h5py.ExternalLink("secret.h5", "/deep")

    found = mnistkit.open(tmp_path / "train.h5")

    assert list(found.splits) == ["train"]
    assert "not read: test (a link)" in caplog.text


def test_a_list_of_tags_is_not_followed(tmp_path):
    dataset = drawn_dataset(10, 4, shape=(4, 4))
    mnistkit.export(dataset, "png", tmp_path / "out", tags=True)
    (tmp_path / "out" / "mnistkit.json").unlink()
    (tmp_path / "out" / "train-tags.tsv").write_text("../secret.png\t0\n/etc/passwd\t1\n")

    assert_same_content(mnistkit.open(tmp_path / "out"), dataset)


@pytest.mark.parametrize(
    "listed", ["../secret.csv", "/etc/passwd", "train/../../secret.csv", "C:\\x", "\\\\h\\x"]
)
@pytest.mark.parametrize("command", ["info", "verify"])
def test_a_receipt_names_no_file_outside_of_its_folder(tmp_path, cli, listed, command):
    mnistkit.export(drawn_dataset(), "csv", tmp_path / "out")
    checksums = tmp_path / "out" / "mnistkit.sha256"
    checksums.write_text(checksums.read_text().replace("train.csv", listed))

    shown = cli(command, tmp_path / "out" / ("test.csv" if command == "info" else ""))

    if command == "info":
        assert shown.code == 1
        assert "mnistkit.sha256, line" in shown.err
    else:
        assert (shown.code, shown.out) == (3, "mnistkit.sha256: its bytes have changed\ndifferent\n")


# Archives


@pytest.fixture
def images(tmp_path_factory) -> bytes:
    folder = tmp_path_factory.mktemp("idx") / "out"
    mnistkit.export(drawn_dataset(4, 0, labelled=False), "idx", folder)
    return (folder / "train-images-idx3-ubyte").read_bytes()


@pytest.mark.parametrize("kind", ["parent", "absolute", "drive", "share", "device", "300 letters"])
def test_the_name_of_a_zips_member_makes_no_path(tmp_path, images, kind):
    packed = tmp_path / "data" / "train-images-idx3-ubyte.zip"
    packed.parent.mkdir()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(NAMES[kind], images)

    found = mnistkit.open(packed)
    mnistkit.export(found, "csv", tmp_path / "out")

    assert len(found["train"]) == 4
    assert {name.split("/")[0] for name in tree(tmp_path)} == {"data", "out"}


def test_an_archive_of_several_files_is_refused_not_unpacked(tmp_path, images):
    with zipfile.ZipFile(tmp_path / "train-images-idx3-ubyte.zip", "w") as archive:
        archive.writestr("train-images-idx3-ubyte", images)
        archive.writestr("../../\x1b[2Jevil", images)
    with tarfile.open(tmp_path / "train.tar", "w") as archive:
        member = tarfile.TarInfo("../../evil")
        member.size = len(images)
        archive.addfile(member, io.BytesIO(images))

    with pytest.raises(DataError, match="zip archive: expected one member, found 2") as refused:
        mnistkit.open(tmp_path / "train-images-idx3-ubyte.zip")
    with pytest.raises(DataError, match="no known format"):
        mnistkit.open(tmp_path / "train.tar")

    assert obeyed(str(refused.value)) == set()
    assert sorted(tree(tmp_path)) == ["train-images-idx3-ubyte.zip", "train.tar"]


# Links


LAID_OUT = {
    "csv": ("csv", "train.csv"),
    "hdf5": ("hdf5", "train.h5"),
    "idv": ("idv", "train.idv"),
    "idx": ("idx", "train-images-idx3-ubyte"),
    "mlnet": ("mlnet", "train.tsv"),
    "npz": ("npz", "drawn.npz"),
    "parquet": ("parquet", "data/train-00000-of-00001.parquet"),
    "png, a split": ("png", "train"),
    "png, a class": ("png", "train/1"),
    "png, an image": ("png", "train/1/00001.png"),
}


@posix
@pytest.mark.parametrize("with_receipt", [True, False], ids=["an export", "other files"])
@pytest.mark.parametrize(("name", "linked"), LAID_OUT.values(), ids=LAID_OUT)
def test_a_link_out_of_the_folder_is_told_of(tmp_path, caplog, name, linked, with_receipt):
    dataset = drawn_dataset(20, 10)
    mnistkit.export(dataset, name, tmp_path / "out")
    if not with_receipt:
        (tmp_path / "out" / "mnistkit.json").unlink()
    place, outside = tmp_path / "out" / linked, tmp_path / "out\x1b[side"
    shutil.move(place, outside)
    place.symlink_to(outside)

    found = mnistkit.open(tmp_path / "out", format=name)

    assert_same_content(found, dataset)
    (said,) = [r.getMessage() for r in caplog.records if "is a link" in r.getMessage()]
    assert said == f"{place}: is a link out of the folder, to {tmp_path}/out\\x1b[side"


@posix
@pytest.mark.parametrize(("name", "linked"), LAID_OUT.values(), ids=LAID_OUT)
def test_a_link_within_the_folder_goes_without_saying(tmp_path, caplog, name, linked):
    dataset = drawn_dataset(20, 10)
    mnistkit.export(dataset, name, tmp_path / "real" / "out")
    place, inside = tmp_path / "real" / "out" / linked, tmp_path / "real" / "out" / ".git" / "annex"
    inside.parent.mkdir()
    shutil.move(place, inside)
    place.symlink_to(inside)
    (tmp_path / "out").symlink_to(tmp_path / "real" / "out")  # named by the user: no link in the folder

    found = mnistkit.open(tmp_path / "out", format=name)

    assert_same_content(found, dataset)
    assert "is a link" not in caplog.text


@posix
def test_many_links_are_one_sentence(tmp_path, caplog):
    mnistkit.export(drawn_dataset(20, 10), "png", tmp_path / "out")
    for image in sorted((tmp_path / "out" / "train").rglob("*.png")):
        shutil.move(image, tmp_path / image.name)
        image.symlink_to(tmp_path / image.name)

    mnistkit.open(tmp_path / "out")

    assert "00000.png, and 19 more" in caplog.text
    assert len(caplog.records) == 1


@posix
@pytest.mark.parametrize("linked", ["train/3/again", "train/again", "again"])
def test_links_in_a_circle_end(tmp_path, linked):
    mnistkit.export(drawn_dataset(20, 10), "png", tmp_path / "out")
    (tmp_path / "out" / "mnistkit.json").unlink()
    (tmp_path / "out" / linked).symlink_to(tmp_path / "out")

    with pytest.raises(DataError, match=r"folders? "):
        mnistkit.open(tmp_path / "out")
