"""``mnistkit new-plugin``: a package to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mnistkit.cli.report import print_facts, print_json, print_line


def new_plugin(
    name: Annotated[str, typer.Argument(help="The format, as --to will say.")],
    *,
    reader: Annotated[
        bool, typer.Option("--reader", help="Make a reader; alone, no writer.  [default: both]")
    ] = False,
    writer: Annotated[
        bool, typer.Option("--writer", help="Make a writer; alone, no reader.  [default: both]")
    ] = False,
    minimal: Annotated[
        bool, typer.Option("--minimal", help="Leave out README, licence and files for GitHub.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", help="The folder to make.  [default: mnistkit-NAME]")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make a package for a format of your own, which works as it is."""
    from mnistkit.scaffold import make_plugin

    both = reader == writer
    made = make_plugin(name, out, reader=reader or both, writer=writer or both, minimal=minimal)
    if json:
        print_json({"out": str(made.folder), "files": made.files})
        return
    print_line(f"{made.folder}: {len(made.files)} files")
    print_facts(
        {
            "  install it": f"pip install -e '{made.folder}[test]'",
            "  test it": f"pytest {made.folder}",
            "  use it": f"mnistkit export synthetic --to {name}" if writer or both else "",
        }
    )
