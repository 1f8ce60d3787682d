"""What goes into every format comes out again."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from mnistkit.dataset import DTYPES, Array, Dataset
from mnistkit.engine.plan import check_content
from mnistkit.errors import CapabilityError
from mnistkit.options import options_of
from mnistkit.registry import load_format
from mnistkit.testing.base import Contract
from mnistkit.testing.datasets import assert_same_content, datasets, drawn_dataset, parts_of

CLASS_NAMES = ("T-shirt/top", "naïve", "two words", "ключ", "a,b", 'quo"te', "semi;colon", "x.y", "B", "b")


class ContentContract(Contract):
    """Whatever the card claims to carry comes back."""

    @pytest.mark.parametrize("rows", [0, 1, 3, 130])
    def test_any_number_of_images_comes_back(self, tmp_path: Path, rows: int) -> None:
        """A split of any length comes back, an empty one too."""
        self._assert_comes_back(drawn_dataset(3, rows), tmp_path)

    @pytest.mark.parametrize(
        "shape",
        [(1, 1), (28, 28), (20, 28), (50, 50), (1, 9), (5, 6, 1), (5, 6, 2), (32, 32, 3), (5, 6, 4)],
        ids=str,
    )
    def test_any_shape_comes_back(self, tmp_path: Path, shape: tuple[int, ...]) -> None:
        """Every shape that the card claims comes back."""
        self._assert_comes_back(drawn_dataset(shape=shape), tmp_path)

    @pytest.mark.parametrize("dtype", DTYPES)
    def test_any_pixel_type_comes_back(self, tmp_path: Path, dtype: str) -> None:
        """Every pixel type that the card claims comes back, bit for bit."""
        self._assert_comes_back(drawn_dataset(dtype=dtype), tmp_path)

    @pytest.mark.parametrize("labels", [(0, 9), (0, 300), (0, 2**31 - 1), (-1, 9), None], ids=str)
    def test_any_labels_come_back(self, tmp_path: Path, labels: tuple[int, int] | None) -> None:
        """Labels come back by value: from 0, large, negative or missing ones, as the card claims."""
        images = drawn_dataset(4, 0)["train"].load().images
        values = None if labels is None else np.array([*labels, 1, 2], "int64")

        dataset = Dataset.from_arrays({"train": (images, values)}, name="drawn")
        with _refusal_allowed():
            self._assert_comes_back(dataset, tmp_path)

    @settings(
        max_examples=30,
        deadline=None,
        suppress_health_check=[HealthCheck.differing_executors],  # every subclass runs this one
    )
    @given(data=st.data())
    def test_whatever_the_card_claims_comes_back(self, data: st.DataObject) -> None:
        """Small datasets of any claimed shape, type and labels come back, on any number of workers."""
        self._need("reader", "writer")
        dataset = data.draw(datasets(self._card()))
        workers = data.draw(st.integers(1, 3))

        with tempfile.TemporaryDirectory() as folder:
            try:
                self._write(dataset, Path(folder), workers=workers)
            except CapabilityError:  # what no field of a card can tell
                reject()
            assert_same_content(self._reread(dataset, Path(folder)), dataset)

    def test_class_names_come_back(self, tmp_path: Path) -> None:
        """Names of classes come back where the card claims it, whatever characters they have."""
        if not self._card().class_names:
            pytest.skip(f"{self.format} claims no class names")
        dataset = drawn_dataset(class_names=CLASS_NAMES)

        found = self._round_trip(dataset, tmp_path)

        assert_same_content(found, dataset)
        assert found.info.class_names == CLASS_NAMES, "other class names"

    def test_extra_columns_come_back(self, tmp_path: Path) -> None:
        """Further columns come back as the card claims: all, or the values of integer columns."""
        claimed = self._card().extra_columns
        if claimed == "none":
            pytest.skip(f"{self.format} claims no extra columns")
        integers = {"writer": np.arange(30, dtype="int32") % 7, "page": np.arange(30, dtype="int32") - 9}
        others = {"weight": np.linspace(0, 1, 30), "box": np.arange(120, dtype="int16").reshape(30, 4)}
        columns = integers if claimed == "integers" else integers | others
        images = drawn_dataset()["train"].load()
        dataset = Dataset.from_arrays({"train": (images.images, images.labels)}, extra={"train": columns})

        found = self._round_trip(dataset, tmp_path)

        assert_same_content(found, dataset)
        _assert_same_columns(found["train"].load().extra, columns, named=claimed == "all")

    def test_every_choice_of_every_option_comes_back(self, tmp_path: Path) -> None:
        """Whatever an option is set to, the content comes back, or the writer refuses it."""
        self._need("reader", "writer")
        dataset = drawn_dataset()
        for number, changed in enumerate(_choices(load_format(self.format).write_options)):
            folder = tmp_path / str(number)
            folder.mkdir()
            try:
                self._write(dataset, folder, **changed)
            except CapabilityError:
                continue
            assert_same_content(self._reread(dataset, folder, **changed), dataset)

    def test_shards_come_back_as_one_split(self, tmp_path: Path) -> None:
        """Parts of a split, written apart, are read as the split."""
        self._need("reader", "writer")
        dataset = drawn_dataset(50, 20)
        if self._card().unit == "dataset":
            pytest.skip(f"{self.format} writes the dataset as one part")
        writer = self._writer()

        written = [writer.write(tmp_path, *part) for part in parts_of(self._card(), dataset, shards=3)]
        writer.finish(tmp_path, dataset.info, written)

        assert_same_content(self._reread(dataset, tmp_path), dataset)

    def _assert_comes_back(self, dataset: Dataset, folder: Path) -> None:
        """Check content that the card may or may not claim."""
        try:
            check_content(self._card(), dataset.info)
        except CapabilityError as unclaimed:
            pytest.skip(str(unclaimed))
        assert_same_content(self._round_trip(dataset, folder), dataset)


@contextmanager
def _refusal_allowed() -> Iterator[None]:
    """Skip where the writer refuses what no field of a card can tell."""
    try:
        yield
    except CapabilityError as refused:
        pytest.skip(str(refused))


def _choices(options: type) -> Iterator[dict[str, Any]]:
    """Yield each value of each option that has only so many."""
    for option in options_of(options):
        for choice in option.choices or ((True, False) if option.type is bool else ()):
            yield {option.name: choice}


def _assert_same_columns(found: Mapping[str, Array], expected: Mapping[str, Array], *, named: bool) -> None:
    """Compare by name, or in order where names are not kept."""
    pairs = list(zip(found.values(), expected.items(), strict=False))
    if named:
        assert found.keys() == expected.keys(), f"columns {', '.join(found)}"
        pairs = [(found[name], (name, column)) for name, column in expected.items()]
    assert len(found) == len(expected), f"{len(found)} columns, not {len(expected)}"
    for column, (name, values) in pairs:
        assert np.array_equal(column, values), f"other values in column {name!r}"
        assert not named or column.dtype == values.dtype, f"column {name!r} came back as {column.dtype}"
