"""The command line: parses, calls one library function, prints.

Results go to stdout, everything else to stderr.  Commands import what they need when they run,
so that ``mnistkit --help`` stays quick.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys

from mnistkit.cli.report import Ended, reporting, results_alone, usage_errors

#: Python looks for garbage once there are so many more objects; 700 by default.
_OBJECTS = 10_000


def main() -> None:
    """Run the command ``mnistkit`` with the arguments of the process, and exit."""
    _set_up()
    arguments = sys.argv[1:]
    debug = "--debug" in arguments
    if debug:
        arguments.remove("--debug")
    with reporting(debug=debug):
        _run(arguments, debug=debug)
    raise SystemExit(0)


def _set_up() -> None:
    """Prepare the process for one command: what suits programs that run for days costs it time and memory."""
    # Imports make objects by the ten thousand, and no garbage: to look for it all the time takes 10 ms.
    gc.set_threshold(_OBJECTS)
    # Whatever is left at the end goes with the process: to look through it once more takes 30 ms.
    atexit.register(gc.freeze)
    # Arrow's own pool keeps what threads give back to it: 60 MiB more at the peak of an export.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    # numpy starts a thread a processor for linear algebra, of which there is none to do.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


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
        raise Ended(app(args=arguments, prog_name="mnistkit", standalone_mode=False) or 0)
