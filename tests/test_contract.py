"""Every bundled format keeps the contract, so does the example, and the contract finds what does not."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import os
import subprocess
import sys
import threading
import time
from importlib.metadata import distribution
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from mnistkit.dataset import Batch, Dataset, ExtraColumn
from mnistkit.errors import CapabilityError, MnistkitError
from mnistkit.hooks import FORMATS
from mnistkit.naming import canonical
from mnistkit.plugin import Written, hookimpl, option
from mnistkit.registry import load_format
from mnistkit.testing import FormatContract, drawn_dataset, read_dataset, write_dataset

DOCS = Path(__file__).parent.parent / "docs"
EXAMPLE = DOCS / "examples" / "mnistkit-npy"


class TestCsv(FormatContract):
    format = "csv"


class TestHdf5(FormatContract):
    format = "hdf5"


class TestHdf5Keras(FormatContract):
    format = "hdf5"
    options: ClassVar = {"layout": "keras", "compression": "none"}


class TestIdx(FormatContract):
    format = "idx"


class TestIdxGzip(FormatContract):
    format = "idx"
    options: ClassVar = {"gzip": "fast"}


class TestIdxTorchvision(FormatContract):
    format = "idx"
    options: ClassVar = {"layout": "torchvision"}


class TestNpz(FormatContract):
    format = "npz"


class TestNpzMedmnist(FormatContract):
    format = "npz"
    options: ClassVar = {"preset": "medmnist", "compression": "none"}


class TestNpzKmnist(FormatContract):
    format = "npz"
    options: ClassVar = {"preset": "kmnist"}


class TestIdv(FormatContract):
    format = "idv"


class TestIdvSingle(FormatContract):
    format = "idv"
    options: ClassVar = {"type": "single"}


class TestIdvPlain(FormatContract):
    format = "idv"
    options: ClassVar = {"compression": "none"}


class TestMlnet(FormatContract):
    format = "mlnet"


class TestParquet(FormatContract):
    format = "parquet"
    options: ClassVar = {
        "row_group": 1024
    }  # is held as a whole; the usual one has more rows than are counted


class TestPng(FormatContract):
    format = "png"


def test_every_bundled_format_is_held_to_the_contract():
    bundled = {point.name for point in distribution("mnistkit").entry_points if point.group == FORMATS}

    held = {
        contract.format for contract in FormatContract.__subclasses__() if contract.__module__ == __name__
    }

    assert held == bundled


# The example


@pytest.fixture
def install(tmp_path_factory, monkeypatch):
    """Install a distribution whose format is found as any other: ``install(name, module)``."""

    def install(name, module):
        site = tmp_path_factory.mktemp(f"site-{name}")
        info = site / f"mnistkit_{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: mnistkit-{name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[{FORMATS}]\n{name} = {module}\n")
        monkeypatch.syspath_prepend(site)
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        return site

    yield install
    load_format.cache_clear()


@pytest.fixture
def npy(monkeypatch):
    """The example's module with reader and writer."""
    monkeypatch.syspath_prepend(EXAMPLE)
    return importlib.import_module("mnistkit_npy.codec")


def test_the_example_keeps_the_contract(install, npy, tmp_path):
    install("npy", "mnistkit_npy")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"]

    run = subprocess.run(
        [*command, "--basetemp", tmp_path / "pytest", "--rootdir", EXAMPLE, EXAMPLE / "test_npy.py"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stdout
    assert " passed" in run.stdout


# What the contract finds


@pytest.fixture
def broken(install, npy, monkeypatch):
    """Make a format of the example with something broken: ``broken(Reader=…, Writer=…, field=…)``."""

    def broken(**changed):
        module = ModuleType("mnistkit_broken")
        card = sys.modules["mnistkit_npy"].mnistkit_register_format()
        for side in ("Reader", "Writer"):
            kind = changed.pop(side, getattr(npy, f"Npy{side}"))
            if kind.__module__ == __name__:
                kind.__module__, kind.__qualname__ = module.__name__, side  # where pickle finds it
            setattr(module, side, kind)
            card = dataclasses.replace(card, **{side.lower(): f"{module.__name__}:{side}"})
        card = dataclasses.replace(card, name="broken", **changed)
        module.mnistkit_register_format = hookimpl(lambda: card)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        install("broken", module.__name__)
        return type("Broken", (FormatContract,), {"format": "broken"})()

    return broken


def collecting(npy):
    class Writer(npy.NpyWriter):
        def write(self, folder, part, batches):
            return super().write(folder, part, iter(list(batches)))

    return {"Writer": Writer}


def copying(npy):
    class Writer(npy.NpyWriter):
        def write(self, folder, part, batches):
            copies = [Batch(b.images.copy(), b.labels.copy(), b.start) for b in batches]
            return super().write(folder, part, iter(copies))

    return {"Writer": Writer}


def holding_labels(npy):
    class Writer(npy.NpyWriter):
        def write(self, folder, part, batches):
            held = []

            def noted():
                for batch in batches:
                    held.append(batch.labels)
                    yield batch
                    del batch

            return super().write(folder, part, noted())

    return {"Writer": Writer}


def swapping_in_place(npy):
    class Writer(npy.NpyWriter):
        def write(self, folder, part, batches):
            def swapped():
                for batch in batches:
                    if part.split.dtype != "uint8":
                        batch.images.byteswap(inplace=True)
                    yield batch

            return super().write(folder, part, swapped())

    return {"Writer": Writer}


def ignoring_an_option(npy):
    class Writer(npy.NpyWriter):
        def __init__(self, options):
            super().__init__(dataclasses.replace(options, labels="same"))

    return {"Writer": Writer}


def inverting_in_place(npy):
    class Writer(npy.NpyWriter):
        def write(self, folder, part, batches):
            def inverted():
                for batch in batches:
                    np.invert(batch.images, out=batch.images)
                    yield batch

            return super().write(folder, part, inverted())

    return {"Writer": Writer}


def swallowing(npy):
    class Writer(npy.NpyWriter):
        def write(self, folder, part, batches):
            def calm():
                try:
                    yield from batches
                except Exception:  # noqa: BLE001 - the fault
                    return

            return super().write(folder, part, calm())

    return {"Writer": Writer}


def never_closing(npy):
    class Writer(npy.NpyWriter):
        def write(self, folder, part, batches):
            file = (folder / "index").open("xb")
            written = super().write(folder, part, batches)
            file.close()
            return written

    return {"Writer": Writer}


def counting_workers(npy):
    class Writer(npy.NpyWriter):
        def write(self, folder, part, batches):
            (folder / f"{part.stem}.txt").write_text(str(part.workers))
            return super().write(folder, part, batches)

    return {"Writer": Writer}


def dating(npy):
    class Writer(npy.NpyWriter):
        def finish(self, folder, info, written):
            (folder / "made.txt").write_text(time.strftime("%Y-%m-%d"))
            return Written(("made.txt",))

    return {"Writer": Writer}


def named_after_the_day(npy):
    class Writer(npy.NpyWriter):
        def finish(self, folder, info, written):
            name = time.strftime("%Y-%m-%d.txt")
            (folder / name).touch()
            return Written((name,))

    return {"Writer": Writer}


def racing(npy):
    class Writer(npy.NpyWriter):
        def write(self, folder, part, batches):
            ended = list(batches) if part.workers == 1 else list(batches)[::-1]
            return super().write(folder, part, iter(ended))

    return {"Writer": Writer}


def locking(npy):
    class Writer(npy.NpyWriter):
        def __init__(self, options):
            super().__init__(options)
            self.lock = threading.Lock()

    return {"Writer": Writer}


def rounding(npy):
    class Writer(npy.NpyWriter):
        def write(self, folder, part, batches):
            halved = (Batch(b.images // 2 * 2, b.labels, b.start) for b in batches)
            return super().write(folder, part, halved)

    return {"Writer": Writer}


def labelling_late(npy):
    class Writer(npy.NpyWriter):
        def write(self, folder, part, batches):
            def late():
                before = None
                for batch in batches:
                    labels, before = batch.labels if before is None else before, batch.labels
                    yield dataclasses.replace(batch, labels=np.resize(labels, len(batch)))

            return super().write(folder, part, late())

    return {"Writer": Writer}


def starting_anew(npy):
    class Reader(npy.NpyReader):
        def batches(self, split, start, stop, size):
            return super().batches(split, 0, stop - start, size)

    return {"Reader": Reader}


def labelling_from_the_front(npy):
    class Reader(npy.NpyReader):
        def batches(self, split, start, stop, size):
            front = super().batches(split, 0, stop - start, size)
            for batch, first in zip(super().batches(split, start, stop, size), front, strict=True):
                yield dataclasses.replace(batch, labels=first.labels)

    return {"Reader": Reader}


def loading_well_alone(npy):
    class Reader(starting_anew(npy)["Reader"]):
        def load(self, split, start, stop):
            return next(npy.NpyReader.batches(self, split, start, stop, 1000), None)

    return {"Reader": Reader}


def reusing_memory(npy):
    class Reader(npy.NpyReader):
        def batches(self, split, start, stop, size):
            memory = None
            for batch in super().batches(split, start, stop, size):
                memory = batch.images.copy() if memory is None else memory
                memory[: len(batch)] = batch.images
                yield dataclasses.replace(batch, images=memory[: len(batch)])

    return {"Reader": Reader}


def giving_too_much(npy):
    class Reader(npy.NpyReader):
        def batches(self, split, start, stop, size):
            return super().batches(split, start, stop, 2 * size)

    return {"Reader": Reader}


def stopping_short(npy):
    class Reader(npy.NpyReader):
        def batches(self, split, start, stop, size):
            return super().batches(split, start, stop - stop % size, size)

    return {"Reader": Reader}


def renaming(npy):
    class Reader(npy.NpyReader):
        def info(self):
            info = super().info()
            splits = tuple(dataclasses.replace(s, name=canonical(s.name)) for s in info.splits)
            self._splits |= {canonical(name): paths for name, paths in self._splits.items()}
            return dataclasses.replace(info, splits=splits)

    return {"Reader": Reader}


def of_one_shape(npy):
    class Reader(npy.NpyReader):
        def info(self):
            info = super().info()
            splits = tuple(dataclasses.replace(s, shape=info.splits[0].shape) for s in info.splits)
            return dataclasses.replace(info, splits=splits)

        def batches(self, split, start, stop, size):
            for batch in super().batches(split, start, stop, size):
                first = self._describe(next(iter(self._splits))).shape
                yield dataclasses.replace(batch, images=np.resize(batch.images, (len(batch), *first)))

    return {"Reader": Reader}


@dataclasses.dataclass(frozen=True)
class TwoOptions:
    depth: int = option(8, help="How many bits of a pixel are kept.", min=7, max=8)
    quick: bool = option(False, help="Whether to hurry.")


def failing_with_two_options(npy):
    class Writer(npy.NpyWriter):
        def __init__(self, options):
            super().__init__(SimpleNamespace(labels="same"))
            self.hurried = options.quick and options.depth == 7

        def write(self, folder, part, batches):
            halved = (dataclasses.replace(b, images=b.images // 2 * 2) for b in batches)
            return super().write(folder, part, halved if self.hurried else batches)

    return {"Writer": Writer, "write_options": TwoOptions}


def guessing_bounds(npy):
    class Reader(npy.NpyReader):
        def info(self):
            info = super().info()
            splits = tuple(dataclasses.replace(s, label_range=(0, 9)) for s in info.splits)
            return dataclasses.replace(info, splits=splits)

    return {"Reader": Reader}


BATCHES = [
    (lambda b: {"start": 0}, "a batch says it starts at 0, not 7"),
    (lambda b: {"images": np.asfortranarray(b.images)}, "images are not C-ordered"),
    (lambda b: {"images": b.images.astype("int16")}, "images are int16, info says uint8"),
    (lambda b: {"images": b.images[:, :-1].copy()}, r"images are \(27, 28\), info says \(28, 28\)"),
    (lambda b: {"labels": None}, "labels in one of info and batches only"),
    (lambda b: {"labels": b.labels.astype(">i4")}, "labels are >i4, not of the machine's byte order"),
    (lambda b: {"labels": b.labels[:, None]}, r"labels are \(7, 1\), of 7 images"),
]


def forgetting_labels(npy):
    class Reader(npy.NpyReader):
        def info(self):
            info = super().info()
            bare = {"label_dtype": None, "label_range": None}
            return dataclasses.replace(
                info, splits=tuple(dataclasses.replace(s, **bare) for s in info.splits)
            )

        def batches(self, split, start, stop, size):
            for batch in super().batches(split, start, stop, size):
                yield dataclasses.replace(batch, labels=None)

    return {"Reader": Reader}


def by_alphabet(npy):
    class Reader(npy.NpyReader):
        def info(self):
            info = super().info()
            return dataclasses.replace(info, splits=info.splits[::-1])

    return {"Reader": Reader}


def losing_a_split(npy):
    class Reader(npy.NpyReader):
        def info(self):
            info = super().info()
            return dataclasses.replace(info, splits=info.splits[:1])

    return {"Reader": Reader}


def reading_all(npy):
    class Reader(npy.NpyReader):
        def batches(self, split, start, stop, size):
            return iter(
                [Batch(b.images.copy(), b.labels, b.start) for b in super().batches(split, start, stop, size)]
            )

    return {"Reader": Reader}


def reading_one_shard(npy):
    class Reader(npy.NpyReader):
        def info(self):
            info = super().info()
            self._splits = {name: paths[:1] for name, paths in self._splits.items()}
            return dataclasses.replace(info, splits=tuple(map(self._describe, self._splits)))

    return {"Reader": Reader}


def holding_open(npy):
    class Reader(npy.NpyReader):
        def batches(self, split, start, stop, size):
            self.file = self._splits[split][0].open("rb")
            yield from super().batches(split, start, stop, size)
            self.file.close()

    return {"Reader": Reader}


def naming_no_files(npy):
    class Reader(npy.NpyReader):
        def files(self, split):
            return []

    return {"Reader": Reader}


def claiming_names(npy):
    return {"class_names": True}


def claiming_columns(npy):
    return {"extra_columns": "all"}


def knowing_names(npy):
    class Reader(npy.NpyReader):
        def info(self):
            return dataclasses.replace(super().info(), class_names=tuple("abcdefghij"))

    return {"Reader": Reader}


def numbering_rows(npy):
    class Reader(npy.NpyReader):
        def info(self):
            info, row = super().info(), (ExtraColumn("row", "int64", ()),)
            return dataclasses.replace(
                info, splits=tuple(dataclasses.replace(s, extra=row) for s in info.splits)
            )

        def batches(self, split, start, stop, size):
            for batch in super().batches(split, start, stop, size):
                rows = {"row": np.arange(batch.start, batch.start + len(batch))}
                yield dataclasses.replace(batch, extra=rows)

    return {"Reader": Reader}


def narrowing_labels(npy):
    class Reader(npy.NpyReader):
        def info(self):
            info = super().info()
            splits = tuple(dataclasses.replace(s, label_dtype="uint8") for s in info.splits)
            return dataclasses.replace(info, splits=splits)

        def batches(self, split, start, stop, size):
            for batch in super().batches(split, start, stop, size):
                yield dataclasses.replace(batch, labels=batch.labels.astype("uint8"))

    return {"Reader": Reader}


def claiming_width(npy):
    return {"label_dtype": "int64"}


def littering(npy):
    class Writer(npy.NpyWriter):
        def write(self, folder, part, batches):
            (folder.parent.parent / "notes.txt").write_text(part.stem)
            return super().write(folder, part, batches)

    return {"Writer": Writer}


def locking_the_reader(npy):
    class Reader(npy.NpyReader):
        def __init__(self, source, options):
            super().__init__(source, options)
            self.lock = threading.Lock()

    return {"Reader": Reader}


def misnaming(npy):
    return {"read_options": Misnamed}


def mumbling(npy):
    return {"summary": "Broken"}


def leading_nowhere(npy):
    return {"reader": None, "writer": None}


def greedy(npy):
    return {"sniff": lambda head, names: "yes"}


def unsure(npy):
    return {"sniff": lambda head, names: "maybe"}


FAULTS = [
    (mumbling, "test_the_card_says_what_it_is", "summary is no sentence: 'Broken'"),
    (misnaming, "test_options_are_explained", "'flavour' is called 'preset' elsewhere"),
    (leading_nowhere, "test_the_classes_are_there", "neither reader nor writer"),
    (stopping_short, "test_any_number_of_images_comes_back", "train.* 0"),
    (rounding, "test_any_pixel_type_comes_back", "train: other pixels"),
    (narrowing_labels, "test_any_labels_come_back", "train: other labels"),
    (locking_the_reader, "test_a_reader_can_be_pickled", "cannot pickle"),
    (collecting, "test_writing_keeps_no_batches", "100 of 100 batches were held at once"),
    (holding_labels, "test_writing_keeps_no_batches", "100 of 100 batches were held at once"),
    (copying, "test_writing_keeps_no_copies", "the peak grew"),
    (inverting_in_place, "test_batches_are_not_written_to", "images of uint8 were written to"),
    (ignoring_an_option, "test_every_option_changes_something", "option 'labels' changes no byte"),
    (swapping_in_place, "test_batches_are_not_written_to", "images of uint64 were written to"),
    (swallowing, "test_a_failing_source_is_passed_on", "DID NOT RAISE"),
    (never_closing, "test_a_failing_source_is_passed_on", "left open: .*index"),
    (counting_workers, "test_bytes_do_not_depend_on_workers", "files that differ"),
    (counting_workers, "test_a_writer_names_what_it_wrote", "files written and files named"),
    (racing, "test_bytes_do_not_depend_on_workers", "files that differ .*: .*train-images.npy"),
    (
        named_after_the_day,
        "test_bytes_do_not_depend_on_the_time",
        "tell when they were written: .*-.*-.*.txt",
    ),
    (dating, "test_bytes_do_not_depend_on_the_time", "files that tell when they were written: made.txt"),
    (locking, "test_a_writer_can_be_pickled", "cannot pickle"),
    (rounding, "test_any_shape_comes_back", "train: other pixels"),
    (labelling_late, "test_many_batches_come_back", "train: other labels"),
    (starting_anew, "test_row_ranges_are_read", "other pixels in rows"),
    (starting_anew, "test_several_threads_read_at_once", "other pixels from row"),
    (labelling_from_the_front, "test_row_ranges_are_read", "other labels in rows"),
    (labelling_from_the_front, "test_several_threads_read_at_once", "other labels from row"),
    (loading_well_alone, "test_row_ranges_are_read", "other pixels in rows .*, read in batches"),
    (loading_well_alone, "test_several_threads_read_at_once", "other pixels from row .*, read in batches"),
    (reusing_memory, "test_batches_stay_as_they_are", "other pixels in a batch that was kept"),
    (giving_too_much, "test_batches_are_what_they_promise", "14 rows, asked for 7"),
    (guessing_bounds, "test_label_bounds_are_exact", r"train: label_range is \(0, 9\), .* have \(0, 6\)"),
    (forgetting_labels, "test_label_bounds_are_exact", "train: written with labels, read without"),
    (
        by_alphabet,
        "test_any_shape_comes_back",
        "splits test, train, not train, test in the order of .*_order",
    ),
    (losing_a_split, "test_any_shape_comes_back", "splits train, not train, test$"),
    (reading_all, "test_reading_keeps_no_batches", "the peak grew"),
    (reading_one_shard, "test_shards_come_back_as_one_split", "train: "),
    (holding_open, "test_an_abandoned_reader_closes_its_files", "left open: .*train-images.npy"),
    (naming_no_files, "test_files_of_a_split_are_there", "no files for train"),
    (stopping_short, "test_batches_are_what_they_promise", "126 rows of 130 in batches of 7"),
    (renaming, "test_splits_of_any_name_come_back", "val: this split is"),
    (of_one_shape, "test_splits_of_different_shapes_come_back", "does not read back as it was written"),
    (failing_with_two_options, "test_any_two_options_come_back", "does not read back as it was written"),
    (claiming_columns, "test_extra_columns_are_proved_or_said_to_be_lost", "extra column"),
    (claiming_names, "test_class_names_come_back", "other class names"),
    (claiming_columns, "test_extra_columns_come_back", "columns"),
    (knowing_names, "test_class_names_come_back", "class names come back, which the card does not claim"),
    (numbering_rows, "test_extra_columns_come_back", "columns row come back, which the card does not claim"),
    (narrowing_labels, "test_labels_are_as_wide_as_claimed", "int32 came back as uint8, with no loss said"),
    (claiming_width, "test_labels_are_as_wide_as_claimed", "int32 is narrower than int64"),
    (littering, "test_a_failing_source_leaves_nothing", "an export that failed left notes.txt"),
    (
        greedy,
        "test_the_files_of_others_are_left_alone",
        "says yes to what other formats write: csv, hdf5, idv",
    ),
    (unsure, "test_its_own_files_are_recognised", "recognised by nobody"),
]


@pytest.mark.parametrize(("change", "message"), BATCHES, ids=[message for _, message in BATCHES])
def test_the_contract_finds_bad_batches(broken, npy, tmp_path, change, message):
    class Reader(npy.NpyReader):
        def batches(self, split, start, stop, size):
            for batch in super().batches(split, start, stop, size):
                yield dataclasses.replace(batch, **change(batch))

    contract = broken(Reader=Reader)

    with pytest.raises(AssertionError, match=message):
        contract.test_batches_are_what_they_promise(tmp_path)


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # two faults are to leave a file open
@pytest.mark.parametrize(
    ("fault", "test", "message"), FAULTS, ids=[f"{fault.__name__}-{test}" for fault, test, _ in FAULTS]
)
def test_the_contract_finds(broken, npy, tmp_path, fault, test, message):
    contract = broken(**fault(npy))
    arguments = {"shape": (28, 28), "names": ("val", "t10k"), "workers": 1, "dtype": "int32", "rows": 130}
    arguments |= {"labels": (0, 300), "side": "read_options"}
    arguments["tmp_path"] = tmp_path
    check = getattr(contract, test)
    taken = {name: arguments[name] for name in inspect.signature(check).parameters}

    with pytest.raises((AssertionError, TypeError, MnistkitError, pytest.fail.Exception), match=message):
        check(**taken)


def test_each_check_finds_a_fault():
    checks = {name for name in dir(FormatContract) if name.startswith("test_")}
    apart = {"test_the_card_is_light", "test_whatever_the_card_claims_comes_back"}  # see below

    assert checks == apart | {test for _, test, _ in FAULTS}


def test_the_contract_finds_faults_in_drawn_datasets(broken, npy):
    contract = broken(**losing_a_split(npy))
    check = FormatContract.test_whatever_the_card_claims_comes_back.hypothesis.inner_test
    # The smallest example is not looked for: that takes seconds.
    quickly = settings(max_examples=30, deadline=None, derandomize=True, phases=[Phase.generate])

    with pytest.raises(AssertionError, match=r"splits .*, not "):
        quickly(given(data=st.data())(check))(contract)


def test_the_contract_is_kept_without_a_fault(broken, tmp_path):
    broken().test_any_shape_comes_back(tmp_path, (28, 28))


def test_an_option_that_changes_no_byte_on_purpose_is_exempt(broken, npy, tmp_path):
    contract = broken(**ignoring_an_option(npy))
    type(contract).without_effect = ("labels",)

    contract.test_every_option_changes_something(tmp_path)


def test_an_option_of_one_value_that_is_not_refused_is_not_judged(broken, npy, tmp_path):
    class Writer(npy.NpyWriter):
        def __init__(self, options):
            if options.labels == "int64":
                raise CapabilityError("npy", "labels of int64")
            super().__init__(options)

    broken(Writer=Writer).test_every_option_changes_something(tmp_path)


def test_what_the_card_does_not_claim_is_held_to_be_refused(broken, tmp_path, monkeypatch):
    contract = broken(dtypes=("uint8",))

    contract.test_any_pixel_type_comes_back(tmp_path, "float32")

    monkeypatch.setattr("mnistkit.engine.plan.check_content", lambda card, info: None)
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        contract.test_any_pixel_type_comes_back(tmp_path, "float32")


def test_writing_a_dataset_refuses_what_the_card_does_not_claim(broken, tmp_path):
    broken(dtypes=("uint8",))

    with pytest.raises(CapabilityError, match="cannot carry the pixel type of split 'train'"):
        write_dataset(load_format("broken"), drawn_dataset(dtype="int16"), tmp_path)

    assert not list(tmp_path.glob("*.npy"))


def test_the_example_names_all_files_of_a_split(npy, install, tmp_path):
    install("npy", "mnistkit_npy")
    card, images = load_format("npy"), np.ones((3, 4, 5))
    write_dataset(card, Dataset.from_arrays({"train": (images, [0, 1, 2]), "test": (images, None)}), tmp_path)

    found = read_dataset(card, tmp_path)

    assert [path.name for path in found["train"].files()] == ["train-images.npy", "train-labels.npy"]
    assert [path.name for path in found["test"].files()] == ["test-images.npy"]


def test_the_contract_finds_a_format_that_takes_others_files_for_its_own(broken, tmp_path):
    broken(sniff=lambda head, names: "yes")

    with pytest.raises(AssertionError, match="recognised by broken, hdf5"):
        TestHdf5().test_its_own_files_are_recognised(tmp_path)


def test_the_contract_finds_a_heavy_card(install, tmp_path):
    site = install("heavy", "mnistkit_heavy")
    (site / "mnistkit_heavy.py").write_text("import numpy\n")

    with pytest.raises(AssertionError, match="mnistkit_heavy imports numpy"):
        type("Heavy", (FormatContract,), {"format": "heavy"})().test_the_card_is_light()


def test_the_contract_finds_a_card_that_prints(install):
    site = install("loud", "mnistkit_loud")
    (site / "mnistkit_loud.py").write_text("print('hello')\n")

    with pytest.raises(AssertionError, match=r"mnistkit_loud prints: 'hello\\n'"):
        type("Loud", (FormatContract,), {"format": "loud"})().test_the_card_is_light()


@dataclasses.dataclass(frozen=True)
class Unexplained:
    speed: int = option(1, help="speed")


@dataclasses.dataclass(frozen=True)
class Misnamed:
    flavour: int = option(1, help="Which dialect.")


@dataclasses.dataclass
class Thawed:
    speed: int = option(1, help="How fast.")


@dataclasses.dataclass(frozen=True)
class Demanding:
    speed: int


@dataclasses.dataclass(frozen=True)
class Contradictory:
    speed: int = option(0, help="How fast.", min=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (Unexplained, "help of 'speed' is no sentence"),
        (Thawed, "Thawed is not frozen"),
        (Demanding, "option 'speed' has no default"),
        (Contradictory, "'speed' has the default 0, which it does not allow"),
    ],
)
def test_the_contract_finds_bad_options(broken, options, message):
    with pytest.raises((AssertionError, MnistkitError), match=message):
        broken(read_options=options).test_options_are_explained("read_options")


@pytest.mark.parametrize(
    ("side", "skipped"),
    [
        ("reader", ["test_row_ranges_are_read", "test_its_own_files_are_recognised"]),
        ("writer", ["test_bytes_do_not_depend_on_workers", "test_row_ranges_are_read"]),
    ],
)
def test_what_a_format_cannot_do_is_skipped(broken, tmp_path, side, skipped):
    contract = broken(**{side: None})

    for test in skipped:
        with pytest.raises(pytest.skip.Exception, match=f"broken has no {side}"):
            getattr(contract, test)(tmp_path)
