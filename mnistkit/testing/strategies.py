"""Hypothesis strategies for datasets."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mnistkit.dataset import DTYPES, Array, Dataset
from mnistkit.plugin import Format

#: What fits any format that keeps integers.
_SMALL_INTEGERS = ("uint8", "int8", "int16", "int32")

_NAMES = st.text("abcxyz019_", max_size=7).map("c{}".format)

#: Any letters, and what separates cells, paths and words; some formats refuse some names as a whole.
_CLASS_NAMES = (
    st.text(st.sampled_from("abÄжπ字 ,;/\\\"'.%_#"), min_size=1, max_size=6).map(str.strip).filter(bool)
)


@st.composite
def datasets(draw: st.DrawFn, card: Format) -> Dataset:
    """Draw any small dataset that a card claims to carry: its shapes, pixels, labels, names and columns."""
    shape: tuple[int, ...] = draw(st.tuples(st.integers(1, 6), st.integers(1, 6)))
    if draw(st.sampled_from(card.ranks)) == 3:
        shape += (draw(st.sampled_from(card.channels or (1, 2, 3, 4, 5))),)
    dtype = draw(st.sampled_from(card.dtypes or DTYPES))
    labelled = not card.unlabelled or draw(st.booleans())
    names = draw(_class_names(card)) if labelled else None
    columns = draw(_columns(card))
    numbers = st.integers(0, len(names) - 1) if names else draw(_labels(card))
    splits, extra = {}, {}
    for split, fewest in (("train", 1), ("test", 0)):
        rows = draw(st.integers(fewest, 5))
        labels = draw(hnp.arrays("int64", rows, elements=numbers))
        splits[split] = draw(hnp.arrays(dtype, (rows, *shape))), labels if labelled else None
        extra[split] = {name: draw(_values(kind, (rows, *more))) for name, (kind, more) in columns.items()}
    return Dataset.from_arrays(splits, name="drawn", class_names=names, extra=extra)


def _labels(card: Format) -> st.SearchStrategy[st.SearchStrategy[int]]:
    """Draw what labels are drawn from: a byte as often as more, for some formats refuse more as a whole."""
    return st.sampled_from(
        [st.integers(0, 255), st.integers(-(2**31) if card.negative_labels else 0, 2**31 - 1)]
    )


def _class_names(card: Format) -> st.SearchStrategy[list[str] | None]:
    if not card.class_names:
        return st.none()
    return st.none() | st.lists(_CLASS_NAMES, min_size=2, max_size=5, unique=True)


def _columns(card: Format) -> st.SearchStrategy[Mapping[str, tuple[str, tuple[int, ...]]]]:
    """Draw names of columns, each with a type and the shape of a value."""
    kinds = {
        "none": st.nothing(),
        "integers": st.tuples(st.sampled_from(_SMALL_INTEGERS), st.just(())),
        "all": st.tuples(st.sampled_from(DTYPES), st.sampled_from([(), (3,)])),
    }
    return st.dictionaries(_NAMES, kinds[card.extra_columns], max_size=2)


def _values(dtype: str, shape: tuple[int, ...]) -> st.SearchStrategy[Array]:
    numbers = hnp.from_dtype(np.dtype(dtype))
    return hnp.arrays(dtype, shape, elements=numbers.filter(np.isfinite) if dtype[0] == "f" else numbers)
