"""``mnistkit datasets``, ``fetch``, ``cache`` and ``identify``: what others have published."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mnistkit.cli.report import print_facts, print_json, print_line, print_table

if TYPE_CHECKING:
    from mnistkit.catalog import Entry

_JSON = typer.Option("--json", help="Print JSON.")
_LICENCE = 48  # characters of a licence in the list; the whole is shown with a dataset's name
_UNITS = ("B", "KB", "MB", "GB", "TB")


def datasets(
    name: Annotated[str | None, typer.Argument(help="Show all about this dataset.")] = None,
    *,
    json: Annotated[bool, _JSON] = False,
) -> None:
    """List the published datasets, or show one."""
    from mnistkit import catalog

    if name is not None:
        entry = catalog.find(name)
        if json:
            print_json(_described(entry))
        else:
            _show(entry)
        return
    entries = catalog.entries()
    if json:
        print_json([_described(entry) for entry in entries])
        return
    header = ("dataset", "images", "shape", "classes", "download", "cached", "licence")
    print_table([header, *(_row(entry) for entry in entries)])


def fetch(
    name: Annotated[str, typer.Argument(help="A published dataset; see 'mnistkit datasets'.")],
    *,
    offline: Annotated[bool, typer.Option("--offline", help="Only check what is in the cache.")] = False,
    json: Annotated[bool, _JSON] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show errors alone.")] = False,
) -> None:
    """Bring the files of a published dataset into the cache, checked."""
    from mnistkit import api
    from mnistkit.cli.progress import progress_bar

    with progress_bar(shown=not quiet) as progress:
        files = api.fetch_dataset(name, offline=offline, progress=progress)
    if json:
        print_json([str(file) for file in files])
    elif not quiet:
        for file in files:
            print_line(file)


def cache(
    *,
    remove: Annotated[
        str | None, typer.Option("--remove", help="Remove the files of this dataset; 'all' for all.")
    ] = None,
    json: Annotated[bool, _JSON] = False,
) -> None:
    """Show where fetched files are kept and how large they are, or remove them."""
    from mnistkit.errors import UsageError
    from mnistkit.fetch import cache_folder, listing
    from mnistkit.fetch import remove as remove_from_cache

    if remove is not None:
        gone = listing(None if remove == "all" else remove)
        if not gone and remove != "all":
            raise UsageError("--remove", f"nothing of {remove!r} is in the cache")
        remove_from_cache(None if remove == "all" else remove)
        print(f"removed {len(gone)} files, {_size(sum(f.size for f in gone))}", file=sys.stderr)
    files = listing()
    if json:
        folder = str(cache_folder())
        print_json({"folder": folder, "files": [{"name": _name(f), "bytes": f.size} for f in files]})
        return
    print_line(f"{cache_folder()}: {_size(sum(f.size for f in files))} in {len(files)} files")
    print_table([(f"  {_name(f)}", _size(f.size)) for f in files])


def identify(
    path: Annotated[Path, typer.Argument(help="A file or a folder of files.")],
    *,
    json: Annotated[bool, _JSON] = False,
) -> None:
    """Tell which published dataset files are, by their checksums, whatever they are called."""
    from mnistkit.catalog.identify import identify as tell

    found = tell(path)
    if json:
        files = {file.name: [f"{k.dataset}/{k.file}" for k in known] for file, known in found.files.items()}
        print_json({"dataset": found.dataset, "files": files})
        return
    print_line(found.dataset or "unknown")
    print_table(
        [
            (f"  {file.name}", ", ".join(f"{k.dataset}: {k.file}" for k in known) or "unknown")
            for file, known in found.files.items()
        ]
    )


def _row(entry: Entry) -> tuple[str, ...]:
    return (
        entry.name,
        " + ".join(f"{s.length:,}" for s in entry.splits.values() if not s.overlapping),
        "x".join(map(str, entry.shape)),
        str(entry.classes or f"{len(entry.multi_label)} at once"),
        _download(entry),
        _cached(entry),
        entry.licence if len(entry.licence) <= _LICENCE else entry.licence[: _LICENCE - 1] + "…",
    )


def _show(entry: Entry) -> None:
    print_line(f"{entry.name}: {entry.title}. {entry.summary}")
    print_line()
    print_facts(
        {
            "images": ", ".join(
                f"{s.name} {s.length:,}" + (" (only if named)" if s.overlapping else "")
                for s in entry.splits.values()
            ),
            "shape": "x".join(map(str, entry.shape)),
            "classes": ", ".join(entry.class_names) or entry.classes or ", ".join(entry.multi_label),
            "licence": entry.licence,
            "download": _download(entry),
            "cached": _cached(entry),
            "homepage": entry.homepage,
            "cite": " ".join(entry.citation.split()),
            "stored": "; ".join(_quirks(entry)),
            "revision": entry.revision,
        }
    )


def _quirks(entry: Entry) -> list[str]:
    return [
        sentence
        for sentence, holds in (
            ("images transposed (mnistkit turns them upright)", entry.orientation == "transposed"),
            (f"labels from {entry.label_offset} (mnistkit counts from 0)", entry.label_offset),
            (f"further label columns {', '.join(entry.label_columns)}", entry.label_columns),
        )
        if holds
    ]


def _download(entry: Entry) -> str:
    sizes = [file.size for file in entry.files.values()]
    known = [size for size in sizes if size is not None]
    if not known:
        return "?"
    return _size(sum(known)) + ("" if len(known) == len(sizes) else " or more")


def _cached(entry: Entry) -> str:
    from mnistkit.fetch import listing

    here = {f.file for f in listing() if f.dataset == entry.name}
    return "yes" if here >= set(entry.files) else "in part" if here & set(entry.files) else "no"


def _described(entry: Entry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "title": entry.title,
        "splits": {s.name: s.length for s in entry.splits.values()},
        "overlapping": [s.name for s in entry.splits.values() if s.overlapping],
        "shape": entry.shape,
        "classes": entry.classes,
        "class_names": entry.class_names,
        "licence": entry.licence,
        "citation": entry.citation,
        "homepage": entry.homepage,
        "bytes": {file.name: file.size for file in entry.files.values()},
        "cached": _cached(entry),
    }


def _name(file: Any) -> str:
    return f"{file.dataset}/{file.file}"


def _size(count: float) -> str:
    for unit in _UNITS:
        if count < 1000 or unit == _UNITS[-1]:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    raise AssertionError
