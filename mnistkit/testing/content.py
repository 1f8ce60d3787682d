"""What goes into every format comes out again."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import combinations, count, product
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

import mnistkit
from mnistkit.api import verify
from mnistkit.contract import content
from mnistkit.contract.datasets import assert_same_content, parts_of
from mnistkit.dataset import DTYPES, Array, Dataset
from mnistkit.engine.plan import check_content
from mnistkit.errors import CapabilityError, UsageError
from mnistkit.options import options_of
from mnistkit.plugin import Format, Loss
from mnistkit.registry import load_format
from mnistkit.testing.base import Contract
from mnistkit.testing.strategies import datasets

CLASS_NAMES = ("T-shirt/top", "naïve", "two words", "ключ", "a,b", 'quo"te', "semi;colon", "x.y", "B", "b")


#: Splits with names that other tools take for something else.
SPLIT_NAMES = (
    ("val", "t10k", "a--b", "train-extra"),
    ("train", "training"),
    ("validation", "val", "valid"),
    ("t10k",),
    ("images", "labels", "0"),
)

#: Types of labels, narrow to wide.
LABEL_TYPES = ("uint8", "int16", "int32", "int64")


class ContentContract(Contract):
    """Whatever the card claims to carry comes back; whatever else is content is refused."""

    @pytest.mark.parametrize("rows", [0, 1, 3, 130])
    def test_any_number_of_images_comes_back(self, tmp_path: Path, rows: int) -> None:
        """A split of any length comes back, an empty one too."""
        self._assert_comes_back(self.subject.drawn(3, rows), tmp_path)

    def test_many_batches_come_back(self, tmp_path: Path) -> None:
        """Many small batches, cut unlike blocks, chunks and groups of rows, come back in order."""
        self._need("reader", "writer")
        subject = self.subject
        dataset = subject.drawn(40 * subject.rows + 5, 9)

        subject.write_in_batches(dataset, tmp_path, subject.rows - 1, workers=3)

        found = subject.reread(dataset, tmp_path)
        assert_same_content(found, dataset)
        for name, split in dataset.splits.items():
            content.expect_split(found[name], split.load(), f"of {name}")

    @pytest.mark.parametrize(
        "shape",
        [(1, 1), (28, 28), (20, 28), (50, 50), (1, 9), (5, 6, 1), (5, 6, 2), (32, 32, 3), (5, 6, 4)],
        ids=str,
    )
    def test_any_shape_comes_back(self, tmp_path: Path, shape: tuple[int, ...]) -> None:
        """Every shape that the card claims comes back; others are refused."""
        self._assert_comes_back(self.subject.drawn(shape=shape), tmp_path)

    @pytest.mark.parametrize("dtype", DTYPES)
    def test_any_pixel_type_comes_back(self, tmp_path: Path, dtype: str) -> None:
        """Every pixel type that the card claims comes back, bit for bit; others are refused."""
        self._assert_comes_back(self.subject.drawn(dtype=dtype), tmp_path)

    @pytest.mark.parametrize("labels", [(0, 9), (0, 300), (0, 2**31 - 1), (-1, 9), None], ids=str)
    def test_any_labels_come_back(self, tmp_path: Path, labels: tuple[int, int] | None) -> None:
        """Labels come back by value: from 0, large, negative or missing ones; or they are refused."""
        images = self.subject.drawn(4, 0)["train"].load().images
        values = None if labels is None else np.array([*labels, 1, 2], "int64")

        dataset = Dataset.from_arrays({"train": (images, values)}, name="drawn")
        self._assert_comes_back_or_is_refused(dataset, tmp_path)

    @settings(
        max_examples=30,
        deadline=None,
        suppress_health_check=[HealthCheck.differing_executors],  # every subclass runs this one
    )
    @given(data=st.data())
    def test_whatever_the_card_claims_comes_back(self, data: st.DataObject) -> None:
        """Small datasets of any claimed shape, type and labels come back, on any number of workers."""
        self._need("reader", "writer")
        dataset = data.draw(datasets(self.subject.card))
        workers = data.draw(st.integers(1, 3))

        with tempfile.TemporaryDirectory() as folder:
            try:
                written = self.subject.write(dataset, Path(folder), workers=workers)
            except CapabilityError:  # what no field of a card can tell
                reject()
            found = self.subject.reread(dataset, Path(folder))
            lost = [*self.subject.writer().check(dataset.info), *(loss for w in written for loss in w.lost)]
            assert_same_content(found, dataset)
            _assert_same_extras(found, dataset, self.subject.card, lost)

    @pytest.mark.parametrize("dtype", LABEL_TYPES)
    def test_labels_are_as_wide_as_claimed(self, tmp_path: Path, dtype: str) -> None:
        """Labels come back as wide as they were, or their width is said to be lost; never wider than said."""
        images, claimed = self.subject.drawn(4, 0)["train"].load().images, self.subject.card.label_dtype
        dataset = Dataset.from_arrays({"train": (images, np.arange(4, dtype=dtype))}, name="drawn")

        receipt = self._export(dataset, tmp_path / "export")

        found = mnistkit.open(tmp_path / "export")["train"].info.label_dtype
        said = any("labels" in sentence for sentence in receipt.lost)
        assert found is not None, "no labels"
        assert said or np.can_cast(dtype, found), f"labels of {dtype} came back as {found}, with no loss said"
        assert not said or found != dtype, f"the width of {dtype} is said to be lost, and came back"
        assert claimed is None or np.can_cast(claimed, found), f"{found} is narrower than {claimed}"

    def test_class_names_come_back(self, tmp_path: Path) -> None:
        """Names of classes come back where, and only where, the card claims it, whatever their characters."""
        dataset = self.subject.drawn(class_names=CLASS_NAMES)

        found = self._round_trip(dataset, tmp_path)

        assert_same_content(found, dataset)
        if self.subject.card.class_names:
            assert found.info.class_names == CLASS_NAMES, "other class names"
        else:
            assert not found.info.class_names, "class names come back, which the card does not claim"

    def test_extra_columns_come_back(self, tmp_path: Path) -> None:
        """Further columns come back as the card claims: all, the values of integer columns, or none."""
        integers = {"writer": np.arange(30, dtype="int32") % 7, "page": np.arange(30, dtype="int32") - 9}
        others = {"weight": np.linspace(0, 1, 30), "box": np.arange(120, dtype="int16").reshape(30, 4)}
        images = self.subject.drawn()["train"].load()
        dataset = Dataset.from_arrays(
            {"train": (images.images, images.labels)}, extra={"train": integers | others}
        )

        found = self._round_trip(dataset, tmp_path)

        assert_same_content(found, dataset)
        _assert_same_extras(found, dataset, self.subject.card)

    def test_extra_columns_are_proved_or_said_to_be_lost(self, tmp_path: Path) -> None:
        """The receipt of an export proves each column that the card claims, and tells of each other one."""
        small = self._small()["train"].load()
        columns = {"writer": np.arange(5, dtype="int32"), "weight": np.linspace(0, 1, 5)}
        dataset = Dataset.from_arrays(
            {"train": (small.images, small.labels)}, name="drawn", extra={"train": columns}
        )

        receipt = self._export(dataset, tmp_path / "export")

        proved = set(receipt.splits["train"].extra)
        unsaid = {name for name in columns if not any(name in sentence for sentence in receipt.lost)}
        assert verify(tmp_path / "export"), "the export does not verify"
        assert unsaid <= proved, f"neither proved nor said to be lost: {', '.join(unsaid - proved)}"
        if self.subject.card.extra_columns == "all":
            assert proved == set(columns), f"claimed, but not proved: {', '.join(set(columns) - proved)}"

    def test_any_two_options_come_back(self, tmp_path: Path) -> None:
        """Whatever any two options are set to, an export reads back, or it is refused."""
        self._need("reader", "writer")
        dataset, folders = self._small(), (tmp_path / str(number) for number in count())
        values = _values(load_format(self.format).write_options, without=self.options)
        exported = 0
        for chosen, pairs in _combinations(values):
            if self._exports(dataset, next(folders), chosen):
                exported += 1
            else:  # one pair of values is to blame: the others are tried on their own
                exported += sum(self._exports(dataset, next(folders), pair) for pair in pairs)

        assert exported, "every export was refused"

    def test_splits_of_different_shapes_come_back(self, tmp_path: Path) -> None:
        """Each split has its own shape, also where one looks like the other's, or they are refused."""
        subject, sizes = self.subject, ((6, 6), (4, 9), (3, 5))
        a, b, c = (subject.drawn(6, 0, shape=subject.shape(*size))["train"].load() for size in sizes)
        splits = {"train": (a.images, a.labels), "test": (b.images, b.labels), "val": (c.images, c.labels)}

        self._exports(Dataset.from_arrays(splits, name="drawn"), tmp_path / "export")

    @pytest.mark.parametrize("names", SPLIT_NAMES, ids="+".join)
    def test_splits_of_any_name_come_back(self, tmp_path: Path, names: tuple[str, ...]) -> None:
        """Splits keep their names, also where other tools take them for something else."""
        images = self.subject.drawn(12, 0, shape=self.subject.shape(4, 5))["train"].load()
        splits = {
            name: (images.images[: 4 + i], None if images.labels is None else images.labels[: 4 + i])
            for i, name in enumerate(names)
        }

        self._exports(Dataset.from_arrays(splits, name="drawn"), tmp_path / "export")

    def test_shards_come_back_as_one_split(self, tmp_path: Path) -> None:
        """Parts of a split, written apart, are read as the split."""
        self._need("reader", "writer")
        dataset, card = self.subject.drawn(50, 20), self.subject.card
        if card.unit == "dataset":
            pytest.skip(f"{self.format} writes the dataset as one part")
        writer = self.subject.writer()

        written = [writer.write(tmp_path, *part) for part in parts_of(card, dataset, shards=3)]
        writer.finish(tmp_path, dataset.info, written)

        assert_same_content(self.subject.reread(dataset, tmp_path), dataset)

    def _small(self) -> Dataset:
        """Return a dataset small enough to be exported over and over."""
        return self.subject.drawn(5, 3, shape=self.subject.shape(4, 5))

    def _assert_comes_back(self, dataset: Dataset, folder: Path) -> None:
        """Check that content comes back if the card claims it, and is refused if not."""
        try:
            check_content(self.subject.card, dataset.info)
        except CapabilityError:
            self._need("writer")
            with pytest.raises(CapabilityError):
                self._export(dataset, folder / "export")
            assert not list(folder.glob("*export*")), "refused, but something was left"
        else:
            assert_same_content(self._round_trip(dataset, folder), dataset)

    def _assert_comes_back_or_is_refused(self, dataset: Dataset, folder: Path) -> None:
        """Check content that the writer may refuse although no field of the card can tell."""
        try:
            self._assert_comes_back(dataset, folder)
        except CapabilityError:
            assert not list(folder.iterdir()), "refused, but something was left"

    def _exports(self, dataset: Dataset, folder: Path, chosen: Mapping[str, Any] | None = None) -> bool:
        """Export a dataset and prove the export; False where it is refused, leaving nothing."""
        try:
            self._export(dataset, folder, **(chosen or {}))
        except (CapabilityError, UsageError):
            assert not folder.exists(), "refused, but something was left"
            return False
        verification = verify(folder, dataset)
        assert verification, f"{dict(chosen or {})}: {'; '.join(verification.problems)}"
        return True


def _values(options: type, *, without: Collection[str]) -> dict[str, list[Any]]:
    """Return some values of each option: all where there are only so many, else the bounds."""
    values = {}
    for option in options_of(options):
        some = [option.default, *option.choices, option.min, option.max]
        some += [True, False] if option.type is bool or bool in get_args(option.type) else []
        if option.name not in without:
            values[option.name] = list(dict.fromkeys(v for v in some if v is not None or v is option.default))
    return values


def _combinations(
    values: Mapping[str, Sequence[Any]],
) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Yield few combinations that hold any two values of any two options, each with what is new in it."""
    items = [[(name, value) for value in some] for name, some in values.items()]
    waiting = dict.fromkeys(
        pair for options in combinations(items, min(2, len(items))) for pair in product(*options)
    )
    while waiting:
        chosen = dict(next(iter(waiting)))
        for name, some in values.items():
            if name not in chosen:
                fresh = {value: _fresh(waiting, {**chosen, name: value}) for value in some}
                chosen[name] = max(some, key=lambda value, fresh=fresh: len(fresh[value]))  # type: ignore[misc]  # mypy cannot type the default
        new = _fresh(waiting, chosen)
        yield chosen, [dict(pair) for pair in new]
        waiting = {pair: None for pair in waiting if pair not in new}


def _fresh(waiting: Iterable[Any], chosen: Mapping[str, Any]) -> list[Any]:
    return [pair for pair in waiting if dict(pair).items() <= chosen.items()]


def _assert_same_extras(found: Dataset, expected: Dataset, card: Format, lost: Sequence[Loss] = ()) -> None:
    """Compare class names and further columns as far as a card claims to keep them, and no loss is said."""
    if card.class_names and not any(loss.class_names for loss in lost):
        assert found.info.class_names == expected.info.class_names, "other class names"
    gone = {column for loss in lost for column in loss.columns}
    for name, split in expected.splits.items():
        columns = {title: values for title, values in split.load().extra.items() if title not in gone}
        kept = found[name].load().extra
        if card.extra_columns == "all":
            assert kept.keys() == columns.keys(), f"columns {', '.join(kept)}"
            _assert_same_columns([kept[title] for title in columns], columns, typed=True)
        elif card.extra_columns == "integers":
            integers = {t: c for t, c in columns.items() if c.ndim == 1 and c.dtype.kind in "iu"}
            _assert_same_columns(list(kept.values()), integers, typed=False)
        else:
            assert not kept, f"columns {', '.join(kept)} come back, which the card does not claim"


def _assert_same_columns(found: Sequence[Array], expected: Mapping[str, Array], *, typed: bool) -> None:
    assert len(found) == len(expected), f"{len(found)} columns, not {len(expected)}"
    for column, (name, values) in zip(found, expected.items(), strict=True):
        assert np.array_equal(column, values), f"other values in column {name!r}"
        assert not typed or column.dtype == values.dtype, f"column {name!r} came back as {column.dtype}"
