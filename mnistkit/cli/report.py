"""How the command line tells people what happened: errors, warnings, exit codes."""

from __future__ import annotations

import json
import logging
import math
import os
import signal
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from io import TextIOWrapper
from typing import Any, NoReturn, TextIO

from mnistkit.border import described
from mnistkit.errors import MnistkitError
from mnistkit.printable import printable

INTERRUPTED, TERMINATED = 130, 143

#: Where results go while a command runs, innermost last.
_for_results: list[TextIO] = []


class Terminated(KeyboardInterrupt):
    """The process was asked to end (SIGTERM); raised so that nothing half-written stays.

    Like Ctrl-C, it is nobody's fault, and passes through whatever catches errors of plugins.
    """


class Ended(SystemExit):
    """The command line has said what there is to say; any other SystemExit is a plugin's mistake."""


@contextmanager
def reporting(*, debug: bool = False) -> Iterator[None]:
    """Turn errors into one line on stderr and the exit code that belongs to them.

    Args:
        debug: Show the traceback as well.
    """
    try:
        signal.signal(signal.SIGTERM, _terminate)
        _spell_what_stdout_cannot_say()
        _show_warnings(logging.WARNING)
        yield
        sys.stdout.flush()
    except Ended:
        raise
    except MnistkitError as error:
        _trace(shown=debug)
        _exit(str(error), error.exit_code)
    except Terminated:
        _exit("terminated", TERMINATED)
    except KeyboardInterrupt:
        _exit("interrupted", INTERRUPTED)
    except BrokenPipeError:
        _abandon_stdout()
        raise Ended(0) from None  # whoever read our output has had enough; that is no error
    except OSError as error:
        _trace(shown=debug)
        _abandon_stdout()
        _exit(f"{error.filename or 'output'}: {error.strerror or error}", 1)
    except BaseException as error:  # noqa: BLE001 - the last resort: no traceback helps, nor a SystemExit(0)
        _trace(shown=debug)
        _exit(f"{described(error)}; --debug shows where", 1)


@contextmanager
def results_alone() -> Iterator[None]:
    """Send what plugins print to stderr; :func:`print_line` and its like alone reach stdout."""
    _for_results.append(sys.stdout)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        _for_results.pop()


@contextmanager
def usage_errors(arguments: Sequence[str]) -> Iterator[None]:
    """Turn what Typer says of wrong arguments into one line; its help for no arguments stays as it is."""
    try:
        yield
    except Exception as error:
        # Typer's errors are no part of its public interface, but for these two methods.
        if not (hasattr(error, "format_message") and hasattr(error, "show")):
            raise
        message = " ".join(error.format_message().replace("Value error, ", "").split())
        if not arguments or "Usage:" in message:
            error.show()
            raise Ended(2) from None
        known = [] if message.startswith("No such command") else arguments
        _exit(f"{message.rstrip('.')}; {_help_for(known)}", 2)


def _help_for(arguments: Sequence[str]) -> str:
    """Name the command that shows the flags there are."""
    command = next((word for word in arguments if not word.startswith("-")), "")
    chosen = [word for word in _choices(arguments) if command == "export"]
    return " ".join(["see mnistkit", *filter(None, [command]), *chosen, "--help"])


def _choices(arguments: Sequence[str]) -> list[str]:
    """Return --to and --for with their values: they decide which flags there are."""
    found = []
    for word, following in zip(arguments, [*arguments[1:], ""], strict=False):
        if word in ("--to", "--for"):
            found += [word, following]
        elif word.startswith(("--to=", "--for=")):
            found.append(word)
    return found


@contextmanager
def results() -> Iterator[None]:
    """Print results that nobody may be reading any more: the exit code still says what was found."""
    try:
        yield
        _stdout().flush()
    except BrokenPipeError:
        _abandon_stdout()


def _trace(*, shown: bool) -> None:
    if shown:
        for line in traceback.format_exc().splitlines():
            print(printable(line), file=sys.stderr)


def _abandon_stdout() -> None:
    """Let nothing be written any more, so that the end of the process does not fail again."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), _stdout().fileno())


def quieten() -> None:
    """Show errors alone, no warnings."""
    _show_warnings(logging.ERROR)


def print_line(text: object = "") -> None:
    """Print one line on stdout, whatever the text holds."""
    print(printable(str(text)), file=_stdout())


def _stdout() -> TextIO:
    return _for_results[-1] if _for_results else sys.stdout


def print_json(value: object) -> None:
    """Print one JSON object on stdout: in ASCII where a terminal would obey or cannot say a character."""
    text = _as_json(value, ensure_ascii=False)
    if any(printable(line) != line for line in text.split("\n")) or not _can_be_said(text):
        text = _as_json(value, ensure_ascii=True)
    print(text, file=_stdout())


def _as_json(value: object, *, ensure_ascii: bool) -> str:
    return json.dumps(_finite(value), indent=2, ensure_ascii=ensure_ascii, allow_nan=False)


def _can_be_said(text: str) -> bool:
    try:
        text.encode(_stdout().encoding)
    except UnicodeEncodeError:
        return False
    return True


def _spell_what_stdout_cannot_say() -> None:
    """Spell characters as escapes that the encoding of stdout does not have, as stderr does anyway."""
    stdout = _stdout()
    if isinstance(stdout, TextIOWrapper):
        stdout.reconfigure(errors="backslashreplace")


def _finite(value: Any) -> Any:
    """Write numbers that JSON does not have as text."""
    if isinstance(value, dict):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def print_table(rows: Sequence[Sequence[object]]) -> None:
    """Print rows in columns as wide as they need to be."""
    texts = [[printable(str(cell)) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in texts) for i in range(len(texts[0]))] if texts else []
    for row in texts:
        print_line("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def print_facts(facts: Mapping[str, object]) -> None:
    """Print names and values, one pair a line; empty values are left out."""
    print_table([(f"{name}:", value) for name, value in facts.items() if value not in (None, "", ())])


def print_profile(seconds: Mapping[str, float]) -> None:
    """Print on stderr how long each phase took, and its share of the whole."""
    total = sum(seconds.values())
    for phase, spent in [*seconds.items(), ("all", total)]:
        share = spent / total if total else 0.0
        print(f"mnistkit: {phase:<10}{spent:8.3f} s{share:7.1%}", file=sys.stderr)


def _terminate(number: int, frame: object) -> NoReturn:  # noqa: ARG001 - the signature of a handler
    raise Terminated


def _exit(message: str, code: int) -> NoReturn:
    print(f"mnistkit: {printable(message)}", file=sys.stderr)
    raise Ended(code)


class _OneLine(logging.Formatter):
    """Makes one line of each message, whatever it quotes."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        return printable(super().formatMessage(record))


def _show_warnings(level: int) -> None:
    logger = logging.getLogger("mnistkit")
    handler = logging.StreamHandler()
    handler.setFormatter(_OneLine("mnistkit: %(message)s"))
    logger.handlers[:] = [handler]
    logger.setLevel(level)
