"""What the names in a header mean: labels, row numbers, pixels, and strangers that are refused."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import product
from math import isqrt, prod
from typing import Literal, TypeAlias

from mnistkit.codecs.text.layout import LabelPlace, NoImagesError
from mnistkit.errors import DataError

Kind: TypeAlias = Literal["label", "id", "pixel", "stranger"]
Shape: TypeAlias = tuple[int, ...]

LABEL_WORDS = frozenset({"label", "labels", "class", "target"})
#: They mean a label only beside columns that are surely pixels.
WEAK_LABEL_WORDS = frozenset({"y", "digit"})
#: Row numbers: ``id`` as Kaggle has it, the unnamed first column that pandas and R write.
ID_WORDS = frozenset({"", "id", "imageid", "index", "unnamed: 0"})

_GRID = re.compile(r"(?:pixel_?)?([0-9]{1,9})[x_]([0-9]{1,9})(?:[x_]([0-9]{1,9}))?")
_PIXEL = re.compile(r"pixels?[ _.-]?[0-9]{1,9}")
_NUMBERED = re.compile(r"([^0-9]*)([0-9]{1,9})")


def is_pixel_name(name: str) -> bool:
    """Whether a name can only be a pixel's: ``pixel0`` or ``1x1``."""
    return bool(_PIXEL.fullmatch(name) or _GRID.fullmatch(name))


def is_count(cells: Sequence[str]) -> bool:
    """Whether cells count 0, 1, 2, … or 1, 2, 3, …, as pandas names columns that have no names."""
    return (
        len(cells) > 2
        and cells[0] in ("0", "1")
        and all(cell == str(i) for i, cell in enumerate(cells, int(cells[0])))
    )


def kinds_of_names(
    names: Sequence[str], label: LabelPlace, shape: Shape | None, where: str, *, said: bool
) -> list[Kind]:
    """Tell what each column of a header is.

    Args:
        names: The names, in lower case.
        label: Where the label stands.
        shape: Shape of one image, where it is known.
        where: The file and the line, for messages.
        said: Whether the caller says that the line is a header, so that any name may be a pixel's.

    Raises:
        NoImagesError: No column is a pixel.
        DataError: A name that nobody knows beside the pixels, pixels out of order, or two labels.
    """
    kinds: list[Kind] = [_kind(name) for name in names]
    sure = any(is_pixel_name(name) for name in names)
    if not sure:
        _name_series(kinds, names, said=said)
    if "pixel" in kinds and "label" not in kinds:
        kinds = [
            "label" if name in WEAK_LABEL_WORDS else kind for name, kind in zip(names, kinds, strict=True)
        ]
    _check_strangers(kinds, names, label, where)
    _check_order([name for name, kind in zip(names, kinds, strict=True) if kind == "pixel"], where, sure=sure)
    kinds = _with_label(kinds, label, where)
    return kinds if sure or "label" in kinds else kinds_of_numbers(kinds, label, shape)


def kinds_of_numbers(kinds: Sequence[Kind], label: LabelPlace, shape: Shape | None) -> list[Kind]:
    """Take one column for the label if there is one too many for an image, the first unless told."""
    found = list(kinds)
    pixels = [i for i, kind in enumerate(kinds) if kind == "pixel"]
    if label != "none" and _one_too_many(len(pixels), shape, told=label != "auto"):
        found[pixels[-1 if label == "last" else 0]] = "label"
    return found


def grid_shape(names: Sequence[str], where: str) -> Shape | None:
    """Return the shape that names from ``1x1`` to ``28x28`` tell, None where they are others.

    Raises:
        DataError: They leave something out, or are out of order.
    """
    if not names or not all(_GRID.fullmatch(name) for name in names):
        return None
    first, last = _place(names[0]), _place(names[-1])
    shape = tuple(b - a + 1 for a, b in zip(first, last, strict=False))
    ranges = [range(a, a + n) for a, n in zip(first, shape, strict=False)]
    if set(first) not in ({0}, {1}) or min(shape) < 1 or prod(shape) != len(names):
        raise _disorder(where, f"{names[0]} to {names[-1]} in {len(names)} columns")
    for name, place in zip(names, product(*ranges), strict=True):
        if _place(name) != place:
            raise _disorder(where, name)
    return shape


def is_square(n: int) -> bool:
    """Whether so many pixels make a square image."""
    return n > 0 and isqrt(n) ** 2 == n


def _kind(name: str) -> Kind:
    if name in LABEL_WORDS:
        return "label"
    if name in ID_WORDS:
        return "id"
    return "pixel" if is_pixel_name(name) else "stranger"


def _name_series(kinds: list[Kind], names: Sequence[str], *, said: bool) -> None:
    """Take names that differ in a number alone (``V1``, ``V2``, …) for pixels; any names where told."""
    places = [i for i, kind in enumerate(kinds) if kind == "stranger"]
    numbered = Counter(m[1] for i in places if (m := _NUMBERED.fullmatch(names[i])))
    prefix, count = numbered.most_common(1)[0] if numbered else ("", 0)
    for i in places:
        match = _NUMBERED.fullmatch(names[i])
        if said or (count > 1 and match and match[1] == prefix):
            kinds[i] = "pixel"


def _check_strangers(kinds: list[Kind], names: Sequence[str], label: LabelPlace, where: str) -> None:
    stranger = next((i for i, kind in enumerate(kinds) if kind == "stranger"), None)
    known = "a label, a row number, pixel0, 1x1, or names numbered in one series"
    if "pixel" not in kinds:
        raise NoImagesError(
            where, "no columns of pixels", expected=known,
            found=", ".join(repr(name[:24]) for name in names[:3]) + (", …" if len(names) > 3 else ""),
            todo="if they are pixels, say --read header=yes",
        )  # fmt: skip
    if stranger is not None and label == "auto":
        raise DataError(
            where, f"column {stranger + 1}", expected=known, found=repr(names[stranger][:24]),
            todo="say where the label is with --read label=first|last|none",
        )  # fmt: skip


def _with_label(kinds: Sequence[Kind], label: LabelPlace, where: str) -> list[Kind]:
    """Choose the label among the columns that are neither pixels nor row numbers."""
    choice = [i for i, kind in enumerate(kinds) if kind in ("label", "stranger")]
    if label == "auto" and len(choice) > 1:
        raise DataError(
            where,
            "two columns of labels",
            expected="one",
            found=f"{choice[0] + 1} and {choice[1] + 1}",
            todo="say which with --read label=first or label=last",
        )
    found: list[Kind] = ["pixel" if kind == "pixel" else "id" for kind in kinds]
    if choice and label != "none":
        found[choice[-1 if label == "last" else 0]] = "label"
    return found


def _check_order(names: Sequence[str], where: str, *, sure: bool) -> None:
    """Make sure that numbered names (``pixel0``, ``V2``) run on without a gap."""
    if grid_shape(names, where):
        return
    first = _numbered(names[0])
    prefix = first[0] if first else None
    if not sure and (prefix is None or any((_numbered(name) or (None,))[0] != prefix for name in names)):
        return  # any names, since the caller says that they are pixels'
    # One by one: a list of all places would be larger than the line itself.
    for i, name in enumerate(names):
        if first is None or _numbered(name) != (first[0], first[1] + i):
            raise _disorder(where, name)


def _numbered(name: str) -> tuple[str, int] | None:
    match = _NUMBERED.fullmatch(name)
    return (match[1], int(match[2])) if match else None


def _place(name: str) -> Shape:
    match = _GRID.fullmatch(name)
    return tuple(int(n) for n in match.groups() if n is not None) if match else ()


def _disorder(where: str, found: str) -> DataError:
    return DataError(
        where, "columns of pixels", expected="pixel0, pixel1, … or 1x1, 1x2, … without a gap, in order",
        found=f"{found[:40]} out of place",
    )  # fmt: skip


def _one_too_many(pixels: int, shape: Shape | None, *, told: bool) -> bool:
    """Whether one column fewer makes an image; where nobody knows, at least this number must not."""
    if shape:
        return pixels == prod(shape) + 1
    return not is_square(pixels) and (told or is_square(pixels - 1))
