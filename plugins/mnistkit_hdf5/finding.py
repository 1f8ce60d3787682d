"""Finds the splits in an HDF5 file, whatever its datasets are called.

Known are ``image`` and ``label``, Keras's ``x_train`` and ``y_train``, ``train_images`` and
``train_labels``, Fuel's ``features`` and ``targets`` with the attribute ``split``, groups named after
splits, and any file with one dataset of images beside one of labels.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import h5py
import numpy as np

from mnistkit.errors import DataError
from mnistkit.naming import SPLIT_WORDS, canonical, slug
from mnistkit_hdf5.attributes import read_attribute, text_of
from mnistkit_hdf5.columns import Column, Members, members_of
from mnistkit_hdf5.tables import Table, table_of

#: What the datasets are called, the likeliest first.
_IMAGES = ("image", "images", "x", "data", "features")
_LABELS = ("label", "labels", "y", "targets", "target")


@dataclass(frozen=True)
class Hints:
    """What the user and the receipt say of a file; empty where they say nothing.

    Attributes:
        shape_of: Returns the shape of one image of a split, where it is known.
        image: Name of the dataset of images.
        label: Name of the dataset of labels.
        known: Names of the splits, which are taken as they stand.
    """

    shape_of: Callable[[str], tuple[int, ...] | None]
    image: str = ""
    label: str = ""
    known: Collection[str] = ()

    def split_name(self, word: str) -> str:
        """Return the split that a word in a name means."""
        return word if word in self.known else slug(canonical(word.removesuffix("_set")))


@dataclass(frozen=True)
class Found:
    """The splits in a file or group, and what is beside them and is not read."""

    tables: list[Table]
    skipped: list[str]


def find_tables(file: h5py.File, split: str, hints: Hints) -> Found:
    """Find the splits in a file: several, or one that is called ``split``.

    Groups that hold images are further splits.

    Raises:
        DataError: No images, or datasets that contradict each other or lie outside the file.
    """
    root = members_of(file)
    inner = {name: members_of(group) for name, group in root.groups.items() if group != file["/"]}
    holding = {name: members for name, members in inner.items() if _holds_images(members, hints)}
    if _holds_images(root, hints) or not holding:
        found = _find_in(file, root, split, hints)
    else:
        found = Found([], _unread(file, root, ()))
    for name, members in holding.items():
        further = _find_in(root.groups[name], members, hints.split_name(name), hints)
        found.tables.extend(further.tables)
        found.skipped.extend(further.skipped)
    found.skipped.extend(f"{name} (a group)" for name in root.groups if name not in holding)
    _check_names(file, found.tables)
    return replace(found, tables=[table.with_label_range(file) for table in found.tables])


def facts_of(file: h5py.File) -> dict[str, Any]:
    """Read the attributes that say what the dataset is: class names, licence, citation, homepage.

    Raises:
        DataError: Class names that are no list of texts, or a text that is not UTF-8.
    """
    texts = {name: text_of(read_attribute(file, name)) for name in ("licence", "citation", "homepage")}
    known: dict[str, Any] = {name: text for name, text in texts.items() if text is not None}
    for name, text in known.items():
        if any("\ud800" <= letter <= "\udfff" for letter in text):  # how h5py hands out what is no UTF-8
            raise DataError(file.filename, f"attribute {name!r}", expected="UTF-8", found=ascii(text[:80]))
    if "class_names" in file.attrs:
        known["class_names"] = _class_names(file)
    return known


def _class_names(file: h5py.File) -> tuple[str, ...]:
    value = read_attribute(file, "class_names")
    values = value.tolist() if isinstance(value, np.ndarray) else value
    names = [text_of(name) for name in values] if isinstance(values, list) else [None]
    if None in names:
        raise DataError(file.filename, "attribute 'class_names'", expected="a list of texts", found=value)
    return tuple(name for name in names if name is not None)


def _holds_images(members: Members, hints: Hints) -> bool:
    columns = members.columns
    if hints.image:
        return hints.image in columns
    labelled = any(name in columns for name in _LABELS)
    return any(
        len(c.shape) in {3, 4} or (len(c.shape) == 2 and not c.is_vector and (labelled or c.name in _IMAGES))
        for c in columns.values()
    )


def _check_names(file: h5py.File, tables: list[Table]) -> None:
    places: dict[str, list[str]] = {}
    for table in tables:
        places.setdefault(table.info.name, []).append(f"{table.group.rstrip('/')}/{table.image.name}")
    for name, found in places.items():
        if len(found) > 1:
            raise DataError(file.filename, f"two splits of one name, {name!r}", found=", ".join(found))


def _find_in(group: h5py.Group, members: Members, split: str, hints: Hints) -> Found:
    """Find the splits in a group, without the groups in it."""
    pairs = [] if hints.image else _pairs(group, members, hints)
    if pairs:
        tables = [
            table_of(group, image, label, split=name, shape=hints.shape_of(name))
            for name, image, label in pairs
        ]
    else:
        whole = _find_table(group, members, split, hints)
        tables = _fuel_splits(group, whole, hints) if isinstance(group, h5py.File) else [whole]
    read = {c.name for table in tables for c in (table.image, table.label, *table.extra) if c}
    return Found(tables, _unread(group, members, read))


def _unread(group: h5py.Group, members: Members, read: Collection[str]) -> list[str]:
    """List what is not read, with what it is; groups in the file itself are another's business."""
    above = "" if isinstance(group, h5py.File) else f"{group.name.strip('/')}/"
    names = [str(c) for c in members.columns.values() if c.name not in read]
    names += [f"{name} (a link)" for name in members.links]
    names += [f"{name} (no array of numbers)" for name in members.others]
    names += [f"{name} (a group)" for name in members.groups if above]
    return [above + name for name in names]


def _pairs(group: h5py.Group, members: Members, hints: Hints) -> list[tuple[str, Column, Column | None]]:
    """Return split, images and labels of each ``x_<split>`` with its ``y_<split>``, by whatever names.

    Beside ``image`` there are none: whatever else stands there is a further column.
    """
    columns = members.columns
    images = {p[1]: columns[n] for n, p in _roles(columns) if p[0] == "image" and len(columns[n].shape) > 1}
    if not images or _IMAGES[0] in columns:
        return []
    labels = {p[1]: columns[n] for n, p in _roles(columns) if p[0] == "label"}
    for word, label in labels.items():
        if word not in images:
            raise DataError(
                group.file.filename, "labels without images", expected=f"images of {word!r}", found=label.name
            )
    for name, _ in _roles([*members.links, *members.others]):
        raise _unusable(group, members, name)
    return [(hints.split_name(word), image, labels.get(word)) for word, image in images.items()]


def _roles(names: Collection[str]) -> Iterator[tuple[str, tuple[Literal["image", "label"], str]]]:
    """Yield each name that tells a split, with what it is and the word for the split."""
    for name in names:
        head, _, tail = name.partition("_")
        front, _, end = name.rpartition("_")
        if head.lower() in {"x", "y"} and tail:
            yield name, ("image" if head.lower() == "x" else "label", tail)
        elif front.removesuffix("_set").lower() in SPLIT_WORDS and end.lower() in (*_IMAGES, *_LABELS):
            yield name, ("image" if end.lower() in _IMAGES else "label", front)


def _unusable(group: h5py.Group, members: Members, name: str) -> DataError:
    """Return the error for a dataset that is needed and cannot be read."""
    if name in members.links:
        return DataError(
            group.file.filename,
            f"{name!r} is a link",
            expected="data in the file itself",
            todo="copy it with h5repack --merge",
        )
    found = getattr(group[name], "shape", None)
    return DataError(
        group.file.filename,
        f"{name!r} is no array of numbers",
        expected="one number for each image" if name in _LABELS else None,
        found="a scalar" if found == () else "texts or the like",
    )


def _fuel_splits(file: h5py.File, whole: Table, hints: Hints) -> list[Table]:
    """Divide the rows as Fuel's attribute ``split`` says, where there is one."""
    spans = read_attribute(file, "split")
    fields = getattr(getattr(spans, "dtype", None), "names", None) or ()
    if not {"split", "source", "start", "stop"} <= set(fields):
        return [whole]
    named = [span for span in np.atleast_1d(spans) if text_of(span["source"]) == whole.image.name]
    return [_fuel_split(whole, span, hints) for span in named] or [whole]


def _fuel_split(whole: Table, span: np.void, hints: Hints) -> Table:
    name, start, stop = text_of(span["split"]) or "", int(span["start"]), int(span["stop"])
    if "indices" in (span.dtype.names or ()) and span["indices"]:
        raise DataError(whole.path, f"split {name!r}", expected="a range of rows", found="a list of indices")
    if not 0 <= start <= stop <= whole.info.length:
        rows = f"{start} to {stop}"
        raise DataError(
            whole.path, f"split {name!r}", expected=f"rows in 0 to {whole.info.length}", found=rows
        )
    info = replace(whole.info, name=hints.split_name(name), length=stop - start)
    return replace(whole, first=start, info=info)


def _find_table(group: h5py.Group, members: Members, split: str, hints: Hints) -> Table:
    """Find images, labels and further columns; the latter are whatever else has as many rows."""
    columns = members.columns
    image = _find_image(group, members, hints)
    label = _find_label(group, members, image, hints)
    extra = [c for c in columns.values() if c not in (image, label) and c.rows == image.rows]
    return table_of(group, image, label, split=split, extra=extra, shape=hints.shape_of(split))


def _find_image(group: h5py.Group, members: Members, hints: Hints) -> Column:
    columns = members.columns
    if hints.image:
        return _named(group, columns, hints.image)
    known = [columns[name] for name in _IMAGES if name in columns and len(columns[name].shape) > 1]
    full = [column for column in columns.values() if len(column.shape) in {3, 4}]
    flat = [column for column in columns.values() if len(column.shape) == 2 and column.shape[1] > 1]
    found = known[:1] or full or flat
    if len(found) == 1:
        return found[0]
    for name in members.links:
        if not found:
            raise _unusable(group, members, name)
    what = "several datasets that may be the images" if found else "no images"
    groups = "" if columns or not members.groups else f"groups {', '.join(members.groups)}"
    todo = "name one with --read image=NAME" if found else None
    raise DataError(group.file.filename, what, found=groups or _listed(columns), todo=todo)


def _find_label(group: h5py.Group, members: Members, image: Column, hints: Hints) -> Column | None:
    """Find the labels by name; failing that, take the only vector of integers.

    Beside ``image`` they are called ``label``: whatever else stands there is a further column.
    """
    columns = members.columns
    if hints.label:
        return _named(group, columns, hints.label)
    names = _LABELS[:1] if image.name == _IMAGES[0] else _LABELS
    for name in names:
        if name in columns and name != image.name:
            return columns[name]
    for name in names:
        if name in (*members.links, *members.others):
            raise _unusable(group, members, name)
    if image.name == _IMAGES[0]:
        return None
    found = [c for c in columns.values() if c != image and c.kind in "iu" and _is_beside(c, image)]
    if len(found) > 1:
        raise DataError(
            group.file.filename,
            "several datasets that may be the labels",
            found=_listed({column.name: column for column in found}),
            todo="name one with --read label=NAME",
        )
    return found[0] if found else None


def _is_beside(column: Column, image: Column) -> bool:
    return column.is_vector and column.rows == image.rows


def _named(group: h5py.Group, columns: Mapping[str, Column], name: str) -> Column:
    if name not in columns:
        raise DataError(group.file.filename, f"no array of numbers {name!r}", found=_listed(columns))
    return columns[name]


def _listed(columns: Mapping[str, Column]) -> str:
    return ", ".join(map(str, columns.values())) or "no arrays of numbers"
