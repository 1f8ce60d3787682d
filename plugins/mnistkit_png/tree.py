"""Finds the splits and classes of a tree of images, whoever made it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from mnistkit.errors import DataError
from mnistkit.naming import SPLIT_WORDS, canonical, slug, split_order
from mnistkit.plugin import Source
from mnistkit_png.classes import is_numbered, number
from mnistkit_png.leaf import Leaf, scan
from mnistkit_png.listing import Listing, listing


def survey(source: Source) -> tuple[dict[str, Listing], tuple[str, ...] | None]:
    """List the images of each split, in the splits' order, and the names of the classes if they have any.

    Raises:
        DataError: No tree of images, or files in it that do not belong there.
    """
    root = _level(source.path, is_root=True)
    found: dict[str, tuple[Leaf, list[Leaf]]] = {}
    for leaf, classes in _splits(source, root):
        name = _split_name(leaf.path, source)
        if name in found:
            raise DataError(
                source.path,
                f"two folders for split {name!r}",
                expected="one",
                found=f"{found[name][0].path.name}, {leaf.path.name}",
            )
        found[name] = leaf, classes
    source.tell_of_links(_links(root, found))
    found = _without_strays(found)
    labels, class_names = number((c.path.name for _, classes in found.values() for c in classes), source.path)
    told = source.split_names
    names = sorted(found, key=lambda n: (told.index(n) if n in told else len(told), split_order(n)))
    return {name: _listing(*found[name], labels) for name in names}, class_names


def written_split(folder: Path) -> Listing:
    """List the images of a split that mnistkit has written: all folders of its classes have numbers."""
    leaf = scan(folder)
    classes = [_class(folder / name) for name in leaf.folders]
    return _listing(leaf, classes, number(leaf.folders, folder)[0])


def _links(root: Leaf, found: dict[str, tuple[Leaf, list[Leaf]]]) -> Iterator[Path]:
    leaves = {leaf.path: leaf for split, classes in found.values() for leaf in (split, *classes)}
    leaves[root.path] = root
    return (leaf.path / name for leaf in leaves.values() for name in leaf.links)


def _without_strays(found: dict[str, tuple[Leaf, list[Leaf]]]) -> dict[str, tuple[Leaf, list[Leaf]]]:
    """Leave out empty folders without a number where classes are numbered: nothing says what they are."""
    classes = [one for _, classes in found.values() for one in classes]
    filled = {one.path.name for one in classes if len(one)}
    if not any(map(is_numbered, filled)):
        return found
    return {
        name: (leaf, [c for c in classes if c.path.name in filled or is_numbered(c.path.name)])
        for name, (leaf, classes) in found.items()
    }


def _level(path: Path, *, is_root: bool = False) -> Leaf:
    """Scan a folder that may hold images or folders, but not both."""
    leaf = scan(path, is_root=is_root)
    if len(leaf) and leaf.folders:
        raise DataError(
            path / leaf.any_name(),
            "image beside folders",
            expected="all images at one depth",
            found=f"folder {leaf.folders[0]}",
        )
    return leaf


def _splits(source: Source, root: Leaf) -> Iterator[tuple[Leaf, list[Leaf]]]:
    """Yield the folder of each split and, if it has any, those of its classes."""
    if len(root):
        yield root, []
        return
    tops = [_level(root.path / name) for name in root.folders if name.startswith(source.prefix)]
    if not any(top.folders for top in tops) and not all(_is_split(top, source) for top in tops):
        yield root, tops
        return
    for top in tops:
        yield top, [_class(top.path / name) for name in top.folders]


def _class(path: Path) -> Leaf:
    leaf = scan(path)
    if leaf.folders:
        raise DataError(
            path / leaf.folders[0], "folder in the folder of a class", expected="images", found="a folder"
        )
    return leaf


def _is_split(leaf: Leaf, source: Source) -> bool:
    """Whether a folder without folders may be a split: by its name, by labels in file names, or empty."""
    name = leaf.path.name
    known = name in source.split_names or name.lower() in SPLIT_WORDS
    return known or not len(leaf) or leaf.labels_of_tails() is not None


def _split_name(folder: Path, source: Source) -> str:
    if folder == source.path:
        return SPLIT_WORDS.get(folder.name.lower(), "train")
    return folder.name if folder.name in source.split_names else slug(canonical(folder.name))


def _listing(leaf: Leaf, classes: Sequence[Leaf], labels: dict[str, int]) -> Listing:
    if not classes:
        return listing([leaf], None)
    by_label: dict[int, Leaf] = {}
    for one in classes:
        other = by_label.setdefault(labels[one.path.name], one)
        if other is not one:
            raise DataError(
                leaf.path,
                "two folders of one class",
                expected="one",
                found=f"{other.path.name}, {one.path.name}",
            )
    return listing(classes, [labels[one.path.name] for one in classes])
