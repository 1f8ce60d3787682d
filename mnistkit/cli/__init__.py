"""The command line: parses, calls one library function, prints.

Results go to stdout, everything else to stderr.  Commands import what they need when they run,
so that ``mnistkit --help`` stays quick.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys

from mnistkit.cli.report import reporting, results_alone, usage_errors


def main() -> None:
    """Run the command ``mnistkit`` with the arguments of the process, and exit."""
    # Whatever is left at the end goes with the process: to look through it for garbage takes 30 ms.
    atexit.register(gc.freeze)
    arguments = sys.argv[1:]
    debug = "--debug" in arguments
    if debug:
        arguments.remove("--debug")
    with reporting(debug=debug):
        # Arrow's own pool keeps what threads give back to it: 60 MiB more at the peak of an export.
        os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
        _run(arguments, debug=debug)
    raise SystemExit(0)


def _run(arguments: list[str], *, debug: bool) -> None:
    """Run a command: a plain export at once, all others by way of Typer."""
    from mnistkit.cli.plain import read_plain

    if asked := read_plain(arguments):
        from mnistkit.cli.export import export

        with results_alone():
            export(*asked)
        return
    from mnistkit.cli.app import build_app

    app = build_app(arguments, debug=debug)
    with usage_errors(arguments):
        raise SystemExit(app(args=arguments, prog_name="mnistkit", standalone_mode=False) or 0)
