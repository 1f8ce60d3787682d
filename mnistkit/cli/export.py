"""``mnistkit export``: what it does once the command line is understood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnistkit.cli.report import print_facts, print_json, print_line, print_profile, print_table, quieten
from mnistkit.consumers import wanted
from mnistkit.errors import UsageError

if TYPE_CHECKING:
    from mnistkit.cli.flags import ExportFlags
    from mnistkit.receipt import Receipt


def export(source: str | None, flags: ExportFlags, options: Mapping[str, Any]) -> None:
    """Export and say what was made.

    Args:
        source: As the user calls it; None stands for what is in the current folder, or ``mnist``.
        flags: The core's flags.
        options: All write options of the format.
    """
    from mnistkit import api
    from mnistkit.cli.progress import progress_bar
    from mnistkit.clock import Clock

    clock = Clock()
    if flags.quiet:
        quieten()
    texts = read_options(flags.read)
    consumer = wanted(flags.to, flags.for_)
    with progress_bar(shown=not flags.quiet) as progress:
        with clock.phase("open"):
            dataset = api.open(
                source if source is not None else _default_source(),
                format=flags.from_,
                read=texts,
                offline=flags.offline,
                raw_orientation=flags.raw_orientation,
            )
        place = flags.out if flags.out is not None else api.default_out(dataset.info.name, consumer.format)
        receipt = api.export(
            dataset,
            flags.to,
            place,
            for_=flags.for_,
            splits=flags.split,
            limit=flags.limit,
            workers=flags.workers,
            overwrite=flags.overwrite,
            verify=flags.verify,
            strict=flags.strict,
            progress=progress,
            clock=clock,
            **options,
        )
    if flags.profile:
        print_profile(clock.seconds)
    if flags.json:
        seconds = {"seconds": clock.seconds} if flags.profile else {}
        print_json({"out": str(place), "verified": flags.verify, **_plain(receipt), **seconds})
    elif not flags.quiet:
        _print(receipt, place, verified=flags.verify)
        if consumer.opens:
            print_facts({"  open it with": consumer.line(place, receipt.splits, _files(place))})


def read_options(texts: Sequence[str]) -> dict[str, str]:
    """Take ``NAME=VALUE`` texts apart.

    Raises:
        UsageError: A text without ``=``.
    """
    for text in texts:
        if "=" not in text:
            raise UsageError("--read", "bad value", expected="NAME=VALUE", found=repr(text))
    return dict(text.split("=", 1) for text in texts)


def _default_source() -> str:
    from mnistkit.idx import IDX_NAME

    if any(IDX_NAME.search(path.name) for path in Path.cwd().iterdir()):
        return "."
    return "mnist"


def _files(place: Path) -> list[str]:
    from mnistkit.checksums import read_checksums

    return list(read_checksums(place))


def _plain(receipt: Receipt) -> dict[str, Any]:
    from json import loads

    plain: dict[str, Any] = loads(receipt.to_json())
    return plain


def _print(receipt: Receipt, place: Path, *, verified: bool) -> None:
    print_line(f"{receipt.dataset} -> {receipt.format}: {place}")
    print_table(
        [
            (f"  {name}", f"{s.rows:,} images", "x".join(map(str, s.shape)), s.dtype, s.digest)
            for name, s in receipt.splits.items()
        ]
    )
    if verified:
        print_line("  verified: reads back equal, image by image")
    print_facts({"  licence": receipt.licence})
