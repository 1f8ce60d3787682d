"""Finds the splits in an HDF5 file, whatever its datasets are called.

Known are ``image`` and ``label``, Keras's ``x_train`` and ``y_train``, Fuel's ``features`` and
``targets`` with the attribute ``split``, groups named after splits, and any file with one dataset
of images beside one of labels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import h5py
import numpy as np

from mnistkit.errors import DataError
from mnistkit.naming import canonical, slug
from mnistkit_hdf5.tables import Table, table_of

#: What the datasets are called, the likeliest first.
_IMAGES = ("image", "images", "x", "data", "features")
_LABELS = ("label", "labels", "y", "targets", "target")


@dataclass(frozen=True)
class Hints:
    """What the user and the receipt say of a file; empty where they say nothing."""

    image: str = ""
    label: str = ""
    shape: tuple[int, ...] | None = None


def find_tables(file: h5py.File, split: str, hints: Hints) -> list[Table]:
    """Find the splits in a file: several, or one that is called ``split``.

    Raises:
        DataError: No images, or datasets that contradict each other or lie outside the file.
    """
    arrays, groups = _members(file)
    pairs = [] if hints.image else _keras_pairs(file, arrays)
    if pairs:
        tables = [table_of(file, x, y, split=name, shape=hints.shape) for name, x, y in pairs]
    elif hints.image or not groups or _may_hold_images(arrays):
        tables = _fuel_splits(file, _find_table(file, arrays, split, hints))
    else:
        tables = _in_groups(file, groups, hints)
    names = [table.info.name for table in tables]
    if len(set(names)) < len(names):
        raise DataError(file.filename, "two splits of one name", found=", ".join(sorted(names)))
    return [table.with_label_range(file) for table in tables]


def facts_of(file: h5py.File) -> dict[str, Any]:
    """Read the attributes that say what the dataset is: class names, licence, citation, homepage.

    Raises:
        DataError: Class names that are no list of texts.
    """
    facts = {name: file.attrs[name] for name in ("licence", "citation", "homepage") if name in file.attrs}
    known: dict[str, Any] = {name: value for name, value in facts.items() if isinstance(value, str)}
    if "class_names" in file.attrs:
        known["class_names"] = _class_names(file)
    return known


def _class_names(file: h5py.File) -> tuple[str, ...]:
    value = file.attrs["class_names"]
    names = value.tolist() if isinstance(value, np.ndarray) else value
    if not isinstance(names, list) or not all(isinstance(name, str | bytes) for name in names):
        raise DataError(file.filename, "attribute 'class_names'", expected="a list of texts", found=value)
    return tuple(name.decode() if isinstance(name, bytes) else name for name in names)


def _members(group: h5py.Group) -> tuple[dict[str, h5py.Dataset], dict[str, h5py.Group]]:
    """Return the arrays of numbers and the groups in a group.

    Links are refused: what they lead to may lie in another file.
    """
    arrays, groups = {}, {}
    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise DataError(
                group.file.filename,
                f"{name!r} is a link",
                expected="data in the file itself",
                todo="copy it with h5repack --merge",
            )
        member = group[name]
        if isinstance(member, h5py.Group):
            groups[name] = member
        elif isinstance(member, h5py.Dataset) and _is_array_of_numbers(member):
            arrays[name] = member
    return arrays, groups


def _is_array_of_numbers(dataset: h5py.Dataset) -> bool:
    try:
        return bool(dataset.shape) and dataset.dtype.kind in "biuf"
    except TypeError:  # a type that numpy does not have
        return False


def _may_hold_images(arrays: Mapping[str, h5py.Dataset]) -> bool:
    return any(len(array.shape) > 1 for array in arrays.values())


def _keras_pairs(file: h5py.File, arrays: Mapping[str, h5py.Dataset]) -> list[tuple[str, str, str | None]]:
    """Return split, images and labels of each ``x_<split>`` with its ``y_<split>``."""
    images = {name[2:]: name for name in arrays if name[:2] in {"x_", "X_"} and name[2:]}
    labels = {name[2:]: name for name in arrays if name[:2] in {"y_", "Y_"} and name[2:]}
    for word, name in labels.items():
        if images and word not in images:
            raise DataError(file.filename, "labels without images", expected=f"x_{word}", found=name)
    return [(_split_name(word), name, labels.get(word)) for word, name in images.items()]


def _split_name(word: str) -> str:
    return slug(canonical(word))


def _in_groups(file: h5py.File, groups: Mapping[str, h5py.Group], hints: Hints) -> list[Table]:
    """Take each group that holds images for a split."""
    found = []
    for name, group in groups.items():
        arrays, _ = _members(group)
        if _may_hold_images(arrays):
            found.append(_find_table(group, arrays, _split_name(name), hints))
    if not found:
        raise DataError(file.filename, "no images", found=f"groups {', '.join(groups)}")
    return found


def _fuel_splits(file: h5py.File, whole: Table) -> list[Table]:
    """Divide the rows as Fuel's attribute ``split`` says, where there is one."""
    spans = file.attrs.get("split")
    fields = getattr(getattr(spans, "dtype", None), "names", None) or ()
    if not {"split", "source", "start", "stop"} <= set(fields):
        return [whole]
    return [_fuel_split(whole, span) for span in spans if span["source"].decode() == whole.image]


def _fuel_split(whole: Table, span: np.void) -> Table:
    name, start, stop = span["split"].decode(), int(span["start"]), int(span["stop"])
    if "indices" in (span.dtype.names or ()) and span["indices"]:
        raise DataError(whole.path, f"split {name!r}", expected="a range of rows", found="a list of indices")
    if not 0 <= start <= stop <= whole.info.length:
        rows = f"{start} to {stop}"
        raise DataError(
            whole.path, f"split {name!r}", expected=f"rows in 0 to {whole.info.length}", found=rows
        )
    return replace(whole, first=start, info=replace(whole.info, name=_split_name(name), length=stop - start))


def _find_table(group: h5py.Group, arrays: Mapping[str, h5py.Dataset], split: str, hints: Hints) -> Table:
    """Find images, labels and further columns; the latter are whatever else has as many rows.

    Where the user names the images, arrays of another length are none of our business.
    """
    image = _find_image(group, arrays, hints)
    label = _find_label(group, arrays, image, hints)
    extra = [n for n in arrays if n not in {image, label}]
    if hints.image:
        extra = [n for n in extra if len(arrays[n]) == len(arrays[image])]
    return table_of(group, image, label, split=split, extra=extra, shape=hints.shape)


def _find_image(group: h5py.Group, arrays: Mapping[str, h5py.Dataset], hints: Hints) -> str:
    if hints.image:
        return _named(group, arrays, hints.image)
    known = [name for name in _IMAGES if name in arrays and len(arrays[name].shape) > 1]
    full = [name for name, array in arrays.items() if len(array.shape) in {3, 4}]
    flat = [name for name, array in arrays.items() if len(array.shape) == 2 and array.shape[1] > 1]
    found = known[:1] or full or flat
    if len(found) != 1:
        raise DataError(
            group.file.filename,
            "several datasets that may be the images" if found else "no dataset of images",
            found=_listed(arrays),
            todo="name one with --read image=NAME" if found else None,
        )
    return found[0]


def _find_label(
    group: h5py.Group, arrays: Mapping[str, h5py.Dataset], image: str, hints: Hints
) -> str | None:
    """Find the labels by name; failing that, take the only vector of integers.

    Beside ``image`` they are called ``label``: whatever else stands there is a further column.
    """
    if hints.label:
        return _named(group, arrays, hints.label)
    if image == _IMAGES[0]:
        return _LABELS[0] if _LABELS[0] in arrays else None
    known = [name for name in _LABELS if name in arrays and name != image]
    vectors = [n for n, a in arrays.items() if n != image and a.dtype.kind in "iu" and a.size == len(a)]
    found = known[:1] or vectors
    if len(found) > 1:
        raise DataError(
            group.file.filename,
            "several datasets that may be the labels",
            found=_listed({name: arrays[name] for name in found}),
            todo="name one with --read label=NAME",
        )
    return found[0] if found else None


def _named(group: h5py.Group, arrays: Mapping[str, h5py.Dataset], name: str) -> str:
    if name not in arrays:
        raise DataError(group.file.filename, f"no array of numbers {name!r}", found=_listed(arrays))
    return name


def _listed(arrays: Mapping[str, h5py.Dataset]) -> str:
    shapes = (f"{n} {'x'.join(map(str, a.shape))} {a.dtype.name}" for n, a in arrays.items())
    return ", ".join(shapes) or "no arrays of numbers"
