"""Faults as people make them, put into every bundled format on purpose, are caught by the contract.

Each row of the table takes one function of a plugin, or its card, and replaces it by one that does what
somebody might have done.  The check that an author inherits from ``FormatContract`` must fail, in words that
lead to the fault; without the fault it must pass.
"""

from __future__ import annotations

import gzip
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import distribution
from operator import attrgetter
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import mistakes
import pytest

from mnistkit.errors import MnistkitError
from mnistkit.hooks import FORMATS
from mnistkit.registry import load_format
from mnistkit.testing import FormatContract


@dataclass(frozen=True, kw_only=True)
class Injected:
    """A fault, and the check that catches it.

    Attributes:
        format: Name of the format that has it.
        wrong: What somebody did.
        place: Where: ``module:function`` or ``module:Class.method``.
        breaking: Takes what is there and returns what replaces it.
        check: Name of the check of the contract.
        given: Its arguments besides the folder.
        found: What it says, as a regular expression.
        options: Write options of the class that inherits the contract.
    """

    format: str
    wrong: str
    place: str
    breaking: Callable[[Any], Any]
    check: str
    found: str
    given: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def case(self) -> tuple[str, str, str, str]:
        """What is run, the fault aside."""
        return self.format, self.check, str(self.given), str(self.options)

    def run(self, folder: Path) -> None:
        """Run the check as pytest would for the author of the format."""
        contract = type("Held", (FormatContract,), {"format": self.format, "options": self.options})()
        check = getattr(contract, self.check)
        there = {"tmp_path": folder, **self.given}
        check(**{name: there[name] for name in inspect.signature(check).parameters})


FAULTS = (
    Injected(
        format="csv", wrong="images transposed",
        place="mnistkit_csv.writer:_lines", breaking=mistakes.on_batches(mistakes.transposed),
        check="test_any_shape_comes_back", given={"shape": (28, 28)}, found="train: other pixels",
    ),
    Injected(
        format="csv", wrong="labels of the batch before",
        place="mnistkit_csv.writer:_lines", breaking=mistakes.labels_of_the_one_before,
        check="test_many_batches_come_back", found="train: other labels",
    ),
    Injected(
        format="csv", wrong="gzip with the time in its header",
        place="mnistkit_csv.writer:_PACKERS", breaking=lambda packers: {**packers, "gzip": gzip.compress},
        check="test_bytes_do_not_depend_on_the_time", options={"compression": "gzip"},
        found="files that tell when they were written: test.csv.gz, train.csv.gz",
    ),
    Injected(
        format="csv", wrong="card claims class names",
        place="mnistkit_csv:mnistkit_register_format", breaking=mistakes.card(class_names=True),
        check="test_class_names_come_back", found="other class names",
    ),
    Injected(
        format="mlnet", wrong="labels counted from 1, as keys are",
        place="mnistkit_mlnet.writer:_Encoder.__call__",
        breaking=mistakes.on_batches(mistakes.counted_from_1),
        check="test_any_number_of_images_comes_back", given={"rows": 3}, found="train: other labels",
    ),
    Injected(
        format="mlnet", wrong="files of finish not named",
        place="mnistkit_mlnet.writer:MlNetWriter.finish", breaking=mistakes.saying_nothing,
        check="test_a_writer_names_what_it_wrote", found="files written and files named differ",
    ),
    Injected(
        format="mlnet", wrong="schema says comma, cells are cut by tabs",
        place="mnistkit_mlnet.writer:head_lines", breaking=mistakes.schema_of_commas,
        check="test_any_number_of_images_comes_back", given={"rows": 3},
        found="columns of pixels: expected 784 for 28x28, found 1",
    ),
    Injected(
        format="mlnet", wrong="card does not tell of class names",
        place="mnistkit_mlnet:mnistkit_register_format",
        breaking=mistakes.card(class_names=False, given=None),
        check="test_class_names_come_back", found="class names come back, which the card does not claim",
    ),
    Injected(
        format="idv", wrong="last partial block dropped",
        place="mnistkit_mlnet.idv.writer:_regrouped", breaking=mistakes.without_the_last,
        check="test_many_batches_come_back", found="train.idv.*block",
    ),
    Injected(
        format="idv", wrong="float pixels through bytes",
        place="mnistkit_mlnet.idv.writer:packed", breaking=mistakes.on_batches(mistakes.through_bytes),
        check="test_any_pixel_type_comes_back", given={"dtype": "float32"}, found="train: other pixels",
    ),
    Injected(
        format="idv", wrong="card allows negative labels",
        place="mnistkit_mlnet.idv:mnistkit_register_format", breaking=mistakes.card(negative_labels=True),
        check="test_any_labels_come_back", given={"labels": (-1, 9)},
        found="missing label: expected a key from 1, found key 0",
    ),
    Injected(
        format="idv", wrong="start ignored",
        place="mnistkit_mlnet.idv.reader:IdvReader.batches", breaking=mistakes.from_the_front,
        check="test_row_ranges_are_read", found="other pixels in rows",
    ),
    Injected(
        format="png", wrong="every shard numbered from 0",
        place="mnistkit_png.writer:_numbered", breaking=mistakes.numbered_from_0,
        check="test_shards_come_back_as_one_split", found="train: other pixels",
    ),
    Injected(
        format="png", wrong="every batch numbered from 0",
        place="mnistkit_png.writer:_numbered",
        breaking=lambda _: lambda start, batches: ((start, batch) for batch in batches),
        check="test_many_batches_come_back", found=r"train: \(70, 28, 28\), not \(325, 28, 28\)",
    ),
    Injected(
        format="png", wrong="option tags ignored",
        place="mnistkit_png.writer:write_tags", breaking=lambda _: lambda folder, split: f"{split}/",
        check="test_every_option_changes_something", found="option 'tags' changes no byte",
    ),
    Injected(
        format="png", wrong="class names left out of folders",
        place="mnistkit_png.writer:folder_of", breaking=mistakes.without_names,
        check="test_class_names_come_back", found="other class names",
    ),
    Injected(
        format="png", wrong="card claims float pixels",
        place="mnistkit_png:mnistkit_register_format",
        breaking=mistakes.card(dtypes=("uint8", "uint16", "float32")),
        check="test_any_pixel_type_comes_back", given={"dtype": "float32"},
        found="pixels that no PNG image holds: .* found float32",
    ),
    Injected(
        format="png", wrong="option whose help is no sentence",
        place="mnistkit_png:mnistkit_register_format",
        breaking=mistakes.card(write_options=mistakes.Unexplained),
        check="test_options_are_explained", given={"side": "write_options"},
        found="help of 'layout' is no sentence: 'layout of the folders'",
    ),
    Injected(
        format="parquet", wrong="labels narrowed to a byte",
        place="mnistkit_parquet.writer:_encode", breaking=mistakes.on_batches(mistakes.narrowed),
        check="test_any_labels_come_back", given={"labels": (0, 300)}, found="train: other labels",
    ),
    Injected(
        format="parquet", wrong="option compression ignored",
        place="mnistkit_parquet.writer:_open", breaking=mistakes.never_compressed,
        check="test_every_option_changes_something", found="option 'compression' changes no byte",
    ),
    Injected(
        format="parquet", wrong="last row group dropped",
        place="mnistkit_parquet.writer:_row_groups", breaking=mistakes.without_the_last,
        check="test_any_number_of_images_comes_back", given={"rows": 3},
        found=r"train: \(0, 28, 28\), not \(3, 28, 28\)",
    ),
    Injected(
        format="parquet", wrong="row groups in the order in which workers end",
        place="mnistkit_parquet.writer:_row_groups", breaking=mistakes.neighbours_swapped,
        check="test_many_batches_come_back", found="train: other pixels", options={"row_group": 1024},
    ),
    Injected(
        format="hdf5", wrong="labels kept as views of their batches",
        place="mnistkit_hdf5.writer:_Beside.add", breaking=mistakes.keeping_views,
        check="test_writing_keeps_no_batches", found="100 of 100 batches were held at once",
    ),
    Injected(
        format="hdf5", wrong="last chunk not padded",
        place="mnistkit_hdf5.writer:_padded", breaking=lambda padded: lambda images, chunk: images,
        check="test_many_batches_come_back", found="chunk",
    ),
    Injected(
        format="hdf5", wrong="time of writing in an attribute",
        place="mnistkit_hdf5.writer:_attributes", breaking=mistakes.dated,
        check="test_bytes_do_not_depend_on_workers", found="files that differ",
    ),
    Injected(
        format="hdf5", wrong="times tracked by HDF5, in seconds",
        place="mnistkit_hdf5.writer:_dataset", breaking=mistakes.tracking_times,
        check="test_bytes_do_not_depend_on_the_time",
        found="files that tell when they were written: test.h5, train.h5",
    ),
    Injected(
        format="hdf5", wrong="columns read from the first row on",
        place="mnistkit_hdf5.direct:Direct._batch", breaking=mistakes.columns_from_the_front,
        check="test_row_ranges_are_read", found="other values in column 'writer' in rows",
    ),
    Injected(
        format="hdf5", wrong="columns read from the first row on, by threads",
        place="mnistkit_hdf5.direct:Direct._batch", breaking=mistakes.columns_from_the_front,
        check="test_several_threads_read_at_once", found="other values in column 'writer' from row",
    ),
    Injected(
        format="hdf5", wrong="columns of batches read from the first row on",
        place="mnistkit_hdf5.direct:Direct._batch", breaking=mistakes.columns_from_the_front,
        check="test_batches_are_what_they_promise", found="other values in column 'writer' in batches of 7",
    ),
    Injected(
        format="hdf5", wrong="card says yes to every file",
        place="mnistkit_hdf5:mnistkit_register_format",
        breaking=mistakes.card(sniff=lambda head, names: "yes"),
        check="test_the_files_of_others_are_left_alone",
        found="says yes to what other formats write: csv, idv, idx,",
    ),
    Injected(
        format="idx", wrong="start ignored",
        place="mnistkit.idx.reader:IdxReader.batches", breaking=mistakes.from_the_front,
        check="test_row_ranges_are_read", found="other pixels in rows .*, read in batches",
    ),
    Injected(
        format="idx", wrong="one buffer for all batches",
        place="mnistkit.idx.codec:BufferPool.take", breaking=mistakes.always_the_same,
        check="test_batches_stay_as_they_are", found="other pixels in a batch that was kept",
    ),
    Injected(
        format="idx", wrong="numbers written as the machine has them",
        place="mnistkit.idx.writer:_big_endian", breaking=lambda _: mistakes.of_the_machine,
        check="test_any_pixel_type_comes_back", given={"dtype": "int16"}, found="train: other pixels",
    ),
    Injected(
        format="idx", wrong="bytes swapped in the caller's own batch",
        place="mnistkit.idx.writer:_big_endian", breaking=mistakes.swapped_in_place,
        check="test_batches_are_not_written_to", found="images of float64 were written to",
    ),
    Injected(
        format="idx", wrong="negative labels wrapped",
        place="mnistkit.idx.writer:_label_type", breaking=lambda kind: lambda split, columns: "uint8",
        check="test_any_labels_come_back", given={"labels": (-1, 9)}, found="train: other labels",
    ),
    Injected(
        format="npz", wrong="numbers big-endian, header little",
        place="mnistkit_npz.writer:_little",
        breaking=lambda little: lambda rows, dtype: little(rows, dtype.newbyteorder(">")),
        check="test_any_pixel_type_comes_back", given={"dtype": "int16"}, found="train: other pixels",
    ),
    Injected(
        format="npz", wrong="batches of a split kept alive",
        place="mnistkit_npz.writer:_write_split", breaking=mistakes.all_at_once,
        check="test_writing_keeps_no_batches", found="100 of 100 batches were held at once",
    ),
    Injected(
        format="npz", wrong="file left behind by a failing source",
        place="mnistkit_npz.writer:_write_split", breaking=mistakes.waiting_beside,
        check="test_a_failing_source_leaves_nothing", found="an export that failed left waiting.tmp",
    ),
)  # fmt: skip


@pytest.fixture
def inject(monkeypatch):
    """Put a fault where it belongs until the test ends: ``inject(fault)``."""

    def inject(fault):
        module, _, path = fault.place.partition(":")
        *owners, name = path.split(".")
        owner = resolve_name(":".join([module, ".".join(owners)]) if owners else module)
        monkeypatch.setattr(owner, name, fault.breaking(getattr(owner, name)))
        load_format.cache_clear()

    yield inject
    monkeypatch.undo()
    load_format.cache_clear()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.format}: {fault.wrong}")
def test_the_contract_catches(inject, tmp_path, fault):
    inject(fault)

    with pytest.raises((AssertionError, MnistkitError), match=fault.found):
        fault.run(tmp_path)


SOUND = {fault.case: fault for fault in FAULTS}.values()


@pytest.mark.parametrize("fault", SOUND, ids=lambda fault: "-".join(map(str, fault.case)))
def test_the_check_passes_without_the_fault(tmp_path, fault):
    fault.run(tmp_path)


def test_every_bundled_format_has_two_faults_at_least():
    bundled = {point.name for point in distribution("mnistkit").entry_points if point.group == FORMATS}
    counts = {name: sum(fault.format == name for fault in FAULTS) for name in bundled}

    assert bundled >= set(map(attrgetter("format"), FAULTS))
    assert min(counts.values()) >= 2, counts
