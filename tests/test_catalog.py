"""The catalogue says what is published, holds together, and is found by name and by checksum."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import importlib.util
import re
import string
import sys
import textwrap
import tomllib
import unicodedata
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from test_startup import HEAVY, modules_after

from mnistkit import catalog
from mnistkit.catalog import KnownFile, lookup
from mnistkit.errors import DataError, PluginError, UsageError

REPOSITORY = Path(__file__).parents[1]

#: Hosts that are not known to answer by https.
HTTP_ONLY = {"yann.lecun.com", "fashion-mnist.s3-website.eu-central-1.amazonaws.com", "codh.rois.ac.jp"}

#: name -> images of each split, shape of an image, classes
FACTS = {
    "cmaterdb/bangla": ({"train": 5000, "test": 1000}, (32, 32, 3), 10),
    "cmaterdb/devanagari": ({"train": 2500, "test": 500}, (32, 32, 3), 10),
    "cmaterdb/telugu": ({"train": 2500, "test": 500}, (32, 32, 3), 10),
    "dig-mnist": ({"test": 10240}, (28, 28), 10),
    "emnist/balanced": ({"train": 112800, "test": 18800}, (28, 28), 47),
    "emnist/byclass": ({"train": 697932, "test": 116323}, (28, 28), 62),
    "emnist/bymerge": ({"train": 697932, "test": 116323}, (28, 28), 47),
    "emnist/digits": ({"train": 240000, "test": 40000}, (28, 28), 10),
    "emnist/letters": ({"train": 124800, "test": 20800}, (28, 28), 26),
    "emnist/mnist": ({"train": 60000, "test": 10000}, (28, 28), 10),
    "fashion-mnist": ({"train": 60000, "test": 10000}, (28, 28), 10),
    "k49": ({"train": 232365, "test": 38547}, (28, 28), 49),
    "kannada-mnist": ({"train": 60000, "test": 10000}, (28, 28), 10),
    "kmnist": ({"train": 60000, "test": 10000}, (28, 28), 10),
    "medmnist/bloodmnist": ({"train": 11959, "validation": 1712, "test": 3421}, (28, 28, 3), 8),
    "medmnist/breastmnist": ({"train": 546, "validation": 78, "test": 156}, (28, 28), 2),
    "medmnist/chestmnist": ({"train": 78468, "validation": 11219, "test": 22433}, (28, 28), 0),
    "medmnist/dermamnist": ({"train": 7007, "validation": 1003, "test": 2005}, (28, 28, 3), 7),
    "medmnist/octmnist": ({"train": 97477, "validation": 10832, "test": 1000}, (28, 28), 4),
    "medmnist/organamnist": ({"train": 34561, "validation": 6491, "test": 17778}, (28, 28), 11),
    "medmnist/organcmnist": ({"train": 12975, "validation": 2392, "test": 8216}, (28, 28), 11),
    "medmnist/organsmnist": ({"train": 13932, "validation": 2452, "test": 8827}, (28, 28), 11),
    "medmnist/pathmnist": ({"train": 89996, "validation": 10004, "test": 7180}, (28, 28, 3), 9),
    "medmnist/pneumoniamnist": ({"train": 4708, "validation": 524, "test": 624}, (28, 28), 2),
    "medmnist/retinamnist": ({"train": 1080, "validation": 120, "test": 400}, (28, 28, 3), 5),
    "medmnist/tissuemnist": ({"train": 165466, "validation": 23640, "test": 47280}, (28, 28), 8),
    "mnist": ({"train": 60000, "test": 10000}, (28, 28), 10),
    "notmnist": ({"train": 60000, "test": 10000}, (28, 28), 10),
    "oracle-mnist": ({"train": 27222, "test": 3000}, (28, 28), 10),
    "qmnist": (
        {"train": 60000, "test": 60000, "test10k": 10000, "test50k": 50000, "nist": 402953},
        (28, 28),
        10,
    ),
}

MNIST_FILES = {
    "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
}

every_entry = pytest.mark.parametrize("name", FACTS)


# What the entries say


def test_names_are_those_of_the_facts():
    assert catalog.names() == tuple(sorted(FACTS))


@every_entry
def test_splits_shape_and_classes_are_as_published(name):
    entry = catalog.find(name)

    lengths, shape, classes = FACTS[name]
    assert {split.name: split.length for split in entry.splits.values()} == lengths
    assert list(entry.splits) == list(lengths)
    assert entry.shape == shape
    assert entry.classes == classes
    assert entry.dtype == "uint8"


@every_entry
def test_entry_is_sound(name):
    assert list(catalog.problems(catalog.find(name))) == []


@every_entry
def test_every_file_can_be_checked_and_fetched(name):
    for file in catalog.find(name).files.values():
        served = file.archive or file
        assert served.urls
        for checked in (file, served):
            lengths = {"md5": 32, "git": 40, "sha256": 64}
            assert checked.checksums
            for kind, checksum in {**checked.checksums, **checked.raw_checksums}.items():
                assert re.fullmatch("[0-9a-f]+", checksum)
                assert len(checksum) == lengths[kind]
        for url in served.urls:
            parts = urlsplit(url)
            assert parts.scheme == "https" or parts.hostname in HTTP_ONLY
            assert parts.path.endswith("/" + served.name)
        assert file.archive is None or file.member == "gzip/" + file.name


@every_entry
def test_raw_sizes_are_those_of_idx_files(name):
    entry = catalog.find(name)
    if entry.container == "npz":
        assert {file.raw_size for file in entry.files.values()} == {None}
        return

    width = 4 * (1 + len(entry.label_columns)) if entry.label_dtype == "int32" else 1
    head = 12 if entry.label_columns else 8
    for split in entry.splits.values():
        if split.rows is None:
            assert entry.files[split.images].raw_size == 16 + split.length * 28 * 28
            assert entry.files[split.labels].raw_size == head + split.length * width


def test_no_two_files_share_a_checksum():
    seen = [
        checksum
        for entry in catalog.entries()
        for file in entry.files.values()
        for checksum in (*file.checksums.values(), *file.raw_checksums.values())
    ]

    assert len(set(seen)) == len(seen) > 150


def test_licences_that_are_not_free_are_told():
    notes = {name: catalog.find(name).licence_note for name in FACTS}

    assert notes["mnist"] == "disputed"
    assert notes["kmnist"] == notes["k49"] == "share-alike"
    assert {name for name, note in notes.items() if note == "unknown"} == {
        "dig-mnist", "kannada-mnist", "notmnist", *(name for name in FACTS if name.startswith("emnist/")),
    }  # fmt: skip
    assert {name for name, note in notes.items() if note == "non-commercial"} == {
        "cmaterdb/bangla", "cmaterdb/devanagari", "cmaterdb/telugu", "medmnist/dermamnist",
    }  # fmt: skip
    for name, note in notes.items():
        if note in ("unknown", "disputed"):
            assert catalog.find(name).licence.startswith(note)


def test_mnist_has_the_published_md5s():
    files = catalog.find("mnist").files

    assert {name: file.checksums["md5"] for name, file in files.items()} == MNIST_FILES


def test_mnist_has_the_published_gzip_headers():
    headers = catalog.find("mnist").gzip_headers

    assert headers["train-images-idx3-ubyte.gz"] == (
        "1f8b08087a8290320003" + b"train-images.idx3-ubyte\0".hex()
    )
    assert [headers[name][8:16] for name in MNIST_FILES] == ["7a829032", "86829032", "ada6cc34", "c4a6cc34"]


def test_mnist_alone_has_published_gzip_headers():
    assert [entry.name for entry in catalog.entries() if entry.gzip_headers] == ["mnist"]


def test_classes_of_emnist_are_in_the_order_of_the_labels():
    merged = string.digits + string.ascii_uppercase + "abdefghnqrt"

    assert catalog.find("emnist/balanced").class_names == tuple(merged)
    assert catalog.find("emnist/bymerge").class_names == tuple(merged)
    assert catalog.find("emnist/byclass").class_names == tuple(
        string.digits + string.ascii_uppercase + string.ascii_lowercase
    )
    assert catalog.find("emnist/letters").class_names == tuple(string.ascii_lowercase)


def test_emnist_lies_on_its_side_and_letters_begin_at_1():
    transposed = {entry.name for entry in catalog.entries() if entry.orientation == "transposed"}

    assert transposed == {name for name in FACTS if name.startswith("emnist/")}
    assert {entry.name: entry.label_offset for entry in catalog.entries() if entry.label_offset} == {
        "emnist/letters": 1
    }


def hepburn(letter):
    """Romanise a letter of hiragana by its name in Unicode."""
    word = unicodedata.name(letter).removeprefix("HIRAGANA ").removeprefix("LETTER ").lower()
    return {"si": "shi", "ti": "chi", "tu": "tsu", "hu": "fu"}.get(word, word)


def test_classes_of_the_kuzushiji_sets_are_hiragana_in_order():
    kana = (
        "あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろわゐゑをんゝ"
    )

    assert catalog.find("k49").class_names == tuple(map(hepburn, kana))
    assert catalog.find("kmnist").class_names == tuple(map(hepburn, "おきすつなはまやれを"))


def test_classes_of_fashion_mnist_are_in_order():
    assert catalog.find("fashion-mnist").class_names == (
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
        "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    )  # fmt: skip


def test_qmnist_has_columns_and_overlapping_views():
    entry = catalog.find("qmnist")

    assert entry.label_dtype == "int32"
    assert entry.label_columns == (
        "hsf_series", "writer", "writer_digit", "nist_class", "nist_digit", "duplicate", "unused",
    )  # fmt: skip
    assert {split.name: split.rows for split in entry.splits.values() if split.overlapping} == {
        "test10k": (0, 10000), "test50k": (10000, 60000), "nist": None,
    }  # fmt: skip
    assert {entry.splits[name].images for name in ("test", "test10k", "test50k")} == {
        "qmnist-test-images-idx3-ubyte.gz"
    }


def test_medmnist_names_its_arrays_and_its_validation_split():
    entry = catalog.find("medmnist/chestmnist")

    assert entry.container == "npz"
    assert len(entry.multi_label) == 14
    assert {(s.name, s.images_key, s.labels_key) for s in entry.splits.values()} == {
        ("train", "train_images", "train_labels"),
        ("validation", "val_images", "val_labels"),
        ("test", "test_images", "test_labels"),
    }


# The entries and the published files


def checksums(content):
    blob = b"blob %d\0" % len(content) + content
    return {
        "md5": hashlib.md5(content).hexdigest(),
        "sha256": hashlib.sha256(content).hexdigest(),
        "git": hashlib.sha1(blob).hexdigest(),
    }


def assert_describes(file, path):
    content = path.read_bytes()
    raw = gzip.decompress(content)
    assert file.size == len(content)
    assert file.raw_size == len(raw)
    assert file.checksums.items() <= checksums(content).items()
    assert file.raw_checksums.items() <= checksums(raw).items()


@pytest.mark.parametrize("name", MNIST_FILES)
def test_mnist_describes_the_published_files(mnist, name):
    entry = catalog.find("mnist")

    assert_describes(entry.files[name], mnist / name)
    assert entry.files[name].checksums.keys() == {"md5", "sha256", "git"}
    header = bytes.fromhex(entry.gzip_headers[name])
    assert (mnist / name).read_bytes().startswith(header)


def test_qmnist_describes_the_published_labels(qmnist):
    name = "qmnist-train-labels-idx2-int.gz"

    assert_describes(catalog.find("qmnist").files[name], qmnist / name)


# Finding entries


def test_importing_and_reading_the_catalogue_loads_nothing_heavy():
    modules = modules_after("from mnistkit import catalog; catalog.entries(); catalog.known_checksums()")

    assert "mnistkit.catalog.lookup" in modules
    assert {m.split(".")[0] for m in modules} & set(HEAVY) == set()


def test_entries_are_all_of_them_by_name():
    assert tuple(entry.name for entry in catalog.entries()) == catalog.names()


@pytest.mark.parametrize(
    ("name", "hint"),
    {
        "mist": "did you mean 'mnist'?",
        "MNIST": "did you mean 'mnist'?",
        "FashionMNIST": "did you mean 'fashion-mnist'?",
        "letters": "did you mean 'emnist/letters'?",
        "cmaterdb": "did you mean 'cmaterdb/bangla' or 'cmaterdb/devanagari' or 'cmaterdb/telugu'?",
        "zzzz": "see 'mnistkit datasets'",
        "../data/mnist": "see 'mnistkit datasets'",
    }.items(),
)
def test_unknown_name_is_a_usage_error_with_a_suggestion(name, hint):
    with pytest.raises(UsageError, match=f"^unknown dataset {re.escape(repr(name))}; {re.escape(hint)}"):
        catalog.find(name)


def test_checksums_tell_files_that_share_a_name_apart():
    known = catalog.known_checksums()

    name = "t10k-labels-idx1-ubyte.gz"
    assert known["ec29112dd5afa0611ce80d1b7f02629c"] == (KnownFile("mnist", name, "served"),)
    assert known["27ae3e4e09519cfbb04c329615203637"] == (KnownFile("mnist", name, "raw"),)
    assert known["abdddb89d6563f90ab89baf2970f67a1ffb9ad10"] == (KnownFile("fashion-mnist", name, "served"),)
    assert known["20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c"] == (
        KnownFile("kmnist", name, "served"),
    )
    assert known["9c3e67e5fd4d3ead90af0b92b45ea430"] == (KnownFile("oracle-mnist", name, "raw"),)
    assert known["b10b3ef34b4e468313a7b24c216c6a53"] == (KnownFile("notmnist", name, "raw"),)
    assert {hit.dataset for hits in known.values() for hit in hits} == set(FACTS)


# Datasets of plugins

TOML = """
    title = "Mine"
    summary = "Made by a test."
    homepage = "https://example.org/mine/"
    licence = "CC0-1.0"
    licence_note = "free"
    citation = "A test"
    shape = [2, 3]
    classes = 2
    mirrors = ["https://example.org/mine/"]

    [splits.train]
    length = 4
    images = "images.gz"
    labels = "labels.gz"

    [files."images.gz"]
    md5 = "00000000000000000000000000000000"

    [files."labels.gz"]
    git = "0000000000000000000000000000000000000000"
"""

HOOK = """
    from pathlib import Path
    from mnistkit.catalog import read_entry
    from mnistkit.plugin import hookimpl

    @hookimpl
    def mnistkit_register_dataset():
        return read_entry(Path(__file__).with_name("entry.toml"), name="{name}")
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a distribution with one dataset: ``install("dist", "name", code, **files)``."""
    monkeypatch.syspath_prepend(tmp_path)
    lookup._ask.cache_clear()
    made = []

    def run(distribution, name, code, files=None, module=None):
        module = module or f"{distribution}_module".replace("-", "_")
        (tmp_path / module).mkdir()
        texts = {"__init__.py": code, "entry.toml": TOML, **(files or {})}
        for file, text in texts.items():
            (tmp_path / module / file).write_text(textwrap.dedent(text), encoding="utf-8")
        info = tmp_path / f"{distribution.replace('-', '_')}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[mnistkit.datasets]\n{name} = {module}\n")
        made.append(module)
        return module

    yield run
    lookup._ask.cache_clear()
    for module in made:
        sys.modules.pop(module, None)


def test_dataset_of_a_plugin_is_found_by_name_and_checksum(install):
    install("other", "mine", HOOK.format(name="mine"))

    assert catalog.find("mine").title == "Mine"
    assert catalog.find("mine").files["labels.gz"].urls == ("https://example.org/mine/labels.gz",)
    assert "mine" in [entry.name for entry in catalog.entries()]
    assert catalog.known_checksums()["0" * 32] == (KnownFile("mine", "images.gz", "served"),)


def test_names_are_found_without_an_import(install):
    module = install("other", "mine", "raise RuntimeError('imported')")

    assert "mine" in catalog.names()
    assert module not in sys.modules


BROKEN = {
    "raises at import": ("raise RuntimeError('oh')", "cannot be loaded: found RuntimeError: oh"),
    "has no hook": ("", r"mnistkit_register_dataset: expected one Entry, found none; update or uninstall"),
    "registers nonsense": (
        "from mnistkit.plugin import hookimpl\n@hookimpl\ndef mnistkit_register_dataset(): return 'mine'",
        "expected one Entry, found",
    ),
    "has a broken TOML": (
        HOOK.format(name="mine").replace("entry.toml", "__init__.py"),
        "cannot be loaded: found DataError: .*no TOML",
    ),
    "has another name": (HOOK.format(name="odd"), "entry of another name: expected mine, found odd"),
    "is unsound": (
        HOOK.format(name="mine")
        .replace("return ", "import dataclasses; return dataclasses.replace(")
        .replace('name="mine")', 'name="mine"), shape=(1,))'),
        r"an image is height x width \[x channels\]",
    ),
}


@pytest.mark.parametrize(("code", "message"), BROKEN.values(), ids=BROKEN)
def test_broken_plugin_hurts_only_who_names_it(install, code, message):
    install("other-dist", "mine", code.rstrip())

    with pytest.raises(PluginError, match=message) as error:
        catalog.find("mine")

    assert str(error.value).startswith("dataset 'mine' of other-dist 1.2: ")
    assert {entry.name for entry in catalog.entries()} == set(FACTS)
    assert catalog.find("mnist").title == "MNIST"


def test_name_of_our_own_is_not_taken_silently(install):
    install("other", "mnist", HOOK.format(name="mnist"))

    with pytest.raises(
        PluginError, match=r"^dataset 'mnist': claimed twice: found mnistkit .* and other 1\.2"
    ):
        catalog.find("mnist")
    assert [entry.title for entry in catalog.entries() if entry.name == "mnist"] == ["MNIST"]
    assert catalog.names().count("mnist") == 1


def test_two_claimants_are_both_named(install):
    install("one", "mine", HOOK.format(name="mine"))
    install("two", "mine", HOOK.format(name="mine"))

    with pytest.raises(PluginError, match=r"claimed twice: found one 1\.2 .* and two 1\.2"):
        catalog.find("mine")


def test_builtin_setting_leaves_third_parties_out(install, monkeypatch):
    install("other", "mine", HOOK.format(name="mine"))
    monkeypatch.setenv("MNISTKIT_PLUGINS", "builtin")

    assert set(catalog.names()) == set(FACTS)


def test_module_may_have_a_format_and_a_dataset(install):
    card = """
    from mnistkit.plugin import Format

    @hookimpl
    def mnistkit_register_format():
        return Format(api=1, name="mine", summary="Made by a test.", suffixes=(".x",))
    """
    install("other", "mine", HOOK.format(name="mine") + card)

    assert catalog.find("mine").title == "Mine"


# TOML files


def parsed(change, by):
    text = textwrap.dedent(TOML)
    assert change in text
    return catalog.parse_entry(tomllib.loads(text.replace(change, by, 1)), name="mine", where="mine.toml")


MALFORMED = {
    "unknown key": ("classes = 2", "classes = 2\ncolour = 1", "mine.toml: unknown keys: found colour; known"),
    "name in the file": ("classes = 2", 'classes = 2\nname = "x"', "mine.toml: unknown keys: found name"),
    "missing key": ('title = "Mine"', "", "mine.toml: keys are missing: expected title"),
    "missing files": (TOML[TOML.index("    [files") :], "", "keys are missing: expected files"),
    "wrong type": ("classes = 2", "classes = true", "mine.toml: classes: expected int, found True"),
    "wrong choice": ('"free"', '"cheap"', "licence_note: expected Literal"),
    "unknown key of a file": ('md5 = "0', 'crc = "1"\nmd5 = "0', "file 'images.gz': unknown keys: found crc"),
    "files are no table": ("[splits.train]", "[[splits.train]]", "splits: expected Mapping"),
    "missing key of a split": ("length = 4", "", "split 'train': keys are missing: expected length"),
    "short checksum": ('md5 = "00', 'md5 = "', "file 'images.gz': checksums are md5, git or sha256"),
    "no checksum": ('md5 = "00000000000000000000000000000000"', "", "file 'images.gz': it has a checksum"),
    "impossible time": (
        'md5 = "0', 'gzip_name = "x"\ngzip_time = -1\nmd5 = "0', "mine.toml: no gzip header: found can't",
    ),
    "archive without a name": (
        "[splits.train]", '[archive]\nfolder = ""\n[splits.train]', "archive: keys are missing: expected name"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("change", "by", "message"), MALFORMED.values(), ids=MALFORMED)
def test_malformed_toml_is_refused(change, by, message):
    with pytest.raises(DataError) as error:
        parsed(textwrap.dedent(change), by)

    assert message in str(error.value)


@pytest.mark.parametrize(
    ("text", "found"),
    [("title = ", "Invalid value"), ("a = " + "[" * 20_000, "")],
    ids=["a key without value", "lists in lists"],
)
def test_text_that_is_no_toml_is_refused(tmp_path, text, found):
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(DataError, match=rf"mine\.toml: no TOML: found {found}"):
        catalog.read_entry(path)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"mine\.toml: cannot be read: found No such file"):
        catalog.read_entry(tmp_path / "mine.toml")


def test_entry_is_called_as_its_file_and_shares_what_lies_beside(tmp_path):
    text = textwrap.dedent(TOML)
    (tmp_path / "mine.toml").write_text(text.replace("classes = 2\n", ""), encoding="utf-8")
    (tmp_path / "_shared.toml").write_text('classes = 7\ntitle = "Ours"\n', encoding="utf-8")

    entry = catalog.read_entry(tmp_path / "mine.toml")

    assert (entry.name, entry.classes, entry.title) == ("mine", 7, "Mine")


def test_address_of_its_own_goes_before_mirrors_and_archive():
    own = 'urls = ["https://example.net/x?download=1"]\nmd5 = "0'

    assert parsed('md5 = "0', own).files["images.gz"].urls == ("https://example.net/x?download=1",)
    archive = textwrap.dedent(f"""
        [archive]
        name = "a.zip"
        folder = "in/"
        urls = ["https://example.org/a.zip"]
        md5 = "{"1" * 32}"
        [splits.train]""")
    file = parsed("[splits.train]", archive).files["images.gz"]
    assert file.urls == ()
    assert file.member == "in/images.gz"
    assert file.archive.urls == ("https://example.org/a.zip",)
    assert file.archive.checksums == {"md5": "1" * 32}


# What makes an entry unsound


changed = dataclasses.replace


def changed_split(entry, **values):
    split = dataclasses.replace(entry.splits["train"], **values)
    return dataclasses.replace(entry, splits={**entry.splits, "train": split})


def changed_file(entry, **values):
    name = "train-labels-idx1-ubyte.gz"
    file = dataclasses.replace(entry.files[name], **values)
    return dataclasses.replace(entry, files={**entry.files, name: file})


UNSOUND = {
    "summary of a wrong type": (changed, {"summary": 3}, "summary: expected str, found 3"),
    "list for a tuple": (changed, {"shape": [28, 28]}, "shape: expected tuple[int, ...]"),
    "file of a wrong type": (changed_file, {"size": "1"}, "size: expected int | None, found '1'"),
    "rows of a wrong length": (changed_split, {"rows": (1, 2, 3)}, "rows: expected tuple[int, int] | None"),
    "capital name": (changed, {"name": "MNIST"}, "a name is small letters"),
    "name with two folders": (changed, {"name": "a/b/c"}, "a name is small letters"),
    "no licence": (changed, {"licence": ""}, "title, licence and citation say something"),
    "no sentence": (changed, {"summary": "Digits"}, "a summary is a sentence"),
    "no address": (changed, {"homepage": "lecun.com"}, "the homepage is an address"),
    "four dimensions": (changed, {"shape": (1, 2, 3, 4)}, "an image is height x width"),
    "no pixels": (changed, {"shape": (0, 28)}, "an image is height x width"),
    "complex pixels": (changed, {"dtype": "complex64"}, "dtype is numpy's name"),
    "fractions as labels": (changed, {"label_dtype": "float32"}, "label_dtype is numpy's name"),
    "no classes": (changed, {"classes": 0}, "classes are 0 where, and only where"),
    "too few names": (changed, {"class_names": ("a",)}, "as many class names as classes"),
    "a name twice": (changed, {"class_names": ("a",) * 10}, "names of classes and columns differ"),
    "two kinds of labels": (
        changed,
        {"classes": 0, "multi_label": ("a",), "label_offset": 1},
        "multi_label excludes",
    ),
    "negative offset": (changed, {"label_offset": -1}, "labels begin at 0 or above"),
    "only views": (changed, {"splits": {}}, "a split stands for itself"),
    "idle file": (changed, {"splits": {}}, "every file belongs to a split"),
    "header of no file": (changed, {"gzip_headers": {"x": "1f8b0808"}}, "gzip headers are of files"),
    "header of no gzip": (
        changed, {"gzip_headers": {"train-labels-idx1-ubyte.gz": "504b"}}, "gzip headers are hex",
    ),
    "split of another name": (changed_split, {"name": "t10k"}, "split 'train': it is called otherwise"),
    "empty split": (changed_split, {"length": 0}, "split 'train': it has images"),
    "unknown images": (changed_split, {"images": "x"}, "split 'train': its files are among the files"),
    "unknown labels": (changed_split, {"labels": "x"}, "split 'train': its files are among the files"),
    "key of no archive": (changed_split, {"images_key": "x"}, "split 'train': keys name the arrays"),
    "too many rows": (changed_split, {"rows": (0, 5)}, "split 'train': rows are as many as the length"),
    "rows backwards": (changed_split, {"rows": (9, 3), "length": -6}, "split 'train': rows are as many"),
    "file in a folder": (changed_file, {"name": "a/b"}, "it is called otherwise"),
    "file nowhere": (changed_file, {"urls": ()}, "it is published alone or in an archive"),
    "other protocol": (changed_file, {"urls": ("file:///etc/passwd",)}, "addresses begin with http"),
    "empty file": (changed_file, {"size": 0}, "sizes are above 0"),
    "no checksum": (changed_file, {"checksums": {}}, "it has a checksum"),
    "capital checksum": (changed_file, {"checksums": {"md5": "A" * 32}}, "checksums are md5, git or sha256"),
    "unknown checksum": (changed_file, {"raw_checksums": {"crc32": "0" * 8}}, "checksums are md5, git or"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "values", "problem"), UNSOUND.values(), ids=UNSOUND)
def test_unsound_entry_is_told(change, values, problem):
    entry = change(catalog.find("mnist"), **values)

    assert problem in "\n".join(catalog.problems(entry))


@pytest.mark.parametrize("name", ["../mnist", "a/b", "..", "", "a\\b", ".lock", "a:b", "é"])
def test_file_that_would_leave_the_cache_is_told(name):
    entry = catalog.find("mnist")
    file = dataclasses.replace(entry.files["train-labels-idx1-ubyte.gz"], name=name)

    found = list(catalog.problems(dataclasses.replace(entry, files={**entry.files, name: file})))

    assert f"file {name!r}: a name is letters, digits, ., _, + and -" in found


def test_npz_files_have_keys():
    entry = catalog.find("medmnist/pathmnist")

    for key in ("images_key", "labels_key"):
        assert list(catalog.problems(changed_split(entry, **{key: ""}))) == [
            "split 'train': keys name the arrays of .npz files, and only those"
        ]


def test_archive_is_held_to_the_same_rules():
    entry = catalog.find("emnist/letters")
    name, file = next(iter(entry.files.items()))
    bare = dataclasses.replace(file, archive=dataclasses.replace(file.archive, checksums={}))

    assert list(catalog.problems(dataclasses.replace(entry, files={**entry.files, name: bare}))) == [
        "archive 'gzip.zip': it has a checksum"
    ]


# The page


@pytest.fixture
def page(monkeypatch):
    """The text that the script makes now."""
    spec = importlib.util.spec_from_file_location("make_datasets", REPOSITORY / "docs/make_datasets.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    with monkeypatch.context() as patch:
        patch.setenv("MNISTKIT_PLUGINS", "builtin")
        return script.page(catalog.entries())


def test_page_is_up_to_date(page):
    assert page == (REPOSITORY / "docs/datasets.md").read_text(encoding="utf-8")


def test_page_tells_every_dataset(page):
    for entry in catalog.entries():
        for fact in (
            f"`{entry.name}`",
            entry.title,
            entry.summary,
            entry.homepage,
            entry.licence,
            entry.citation,
        ):
            assert fact in page


def test_example_of_the_page_is_a_plugin(page, install):
    blocks = re.findall(r"```(toml|python)\n(.*?)```", page, re.DOTALL)
    (_, toml), (_, code), (_, points) = blocks
    assert 'my-digits = "my_digits"' in points

    install("other", "my-digits", code, {"my-digits.toml": toml}, module="my_digits")

    assert catalog.find("my-digits").splits["train"].length == 100
