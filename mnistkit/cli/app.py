"""The Typer application: one command a verb."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Annotated, Any

import typer

from mnistkit._version import __version__
from mnistkit.cli import authoring, listing, looking, plugins, published
from mnistkit.cli.command import export_command
from mnistkit.cli.report import reporting, results_alone

_HELP = "Turn MNIST-family (IDX) datasets into any format, and prove that nothing changed."


def build_app(arguments: Sequence[str], *, debug: bool = False) -> typer.Typer:
    """Build the application for some arguments: ``export`` has the flags of the format they name.

    Raises:
        UsageError: The arguments name an unknown format.
    """
    app = typer.Typer(
        help=_HELP,
        add_completion=False,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,  # plain help starts twice as fast and reads the same everywhere
    )
    app.callback()(_root)
    commands: dict[str, Callable[..., None]] = {
        "export": export_command(arguments),
        "formats": listing.formats,
        "info": looking.info,
        "verify": looking.verify,
        "diff": looking.diff,
        "plugins": plugins.plugins,
        "new-plugin": authoring.new_plugin,
        "datasets": published.datasets,
        "fetch": published.fetch,
        "cache": published.cache,
        "identify": published.identify,
    }
    for name, command in commands.items():
        app.command(name)(_reported(command, debug=debug))
    return app


def _reported(command: Callable[..., None], *, debug: bool) -> Callable[..., None]:
    """Report errors before Typer sees them: it would turn Ctrl-C into exit code 1."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        with reporting(debug=debug), results_alone():
            command(*args, **kwargs)

    return run


def _show_version(asked: bool) -> None:  # noqa: FBT001 - Typer calls it so
    if asked:
        print(f"mnistkit {__version__}")
        raise typer.Exit


def _root(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_show_version),
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    pass
