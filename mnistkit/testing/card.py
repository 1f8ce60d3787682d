"""What the card of every format keeps."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from mnistkit.compression import head_of
from mnistkit.options import build, options_of
from mnistkit.plugin import API, Reader, Writer
from mnistkit.registry import RESERVED, find_formats, load_format, load_reader, load_writer
from mnistkit.testing.base import Contract
from mnistkit.testing.datasets import drawn_dataset, write_dataset
from mnistkit.testing.watching import files_below

#: What a card may not import: listing formats would wait for it.
HEAVY = ("numpy", "pyarrow", "h5py", "PIL", "pandas", "polars", "torch", "tensorflow")

#: What other tools call an option -> what mnistkit calls it in every format.
NAMES = {
    "codec": "compression", "compress": "compression", "compressor": "compression",
    "dialect": "preset", "flavor": "preset", "flavour": "preset",
    "mode": "layout", "orient": "layout", "structure": "layout", "style": "layout",
}  # fmt: skip


class CardContract(Contract):
    """The card is light, says what the format is, and recognises its files."""

    def test_the_card_is_light(self) -> None:
        """Importing the module of the card imports nothing that takes time."""
        (plugin,) = find_formats()[self.format]
        code = f"import {plugin.module}, sys; print(*sorted(set(sys.modules) & set({HEAVY!r})))"

        command = [sys.executable, "-c", code]
        run = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own code

        assert run.returncode == 0, run.stderr
        assert not run.stdout.strip(), f"{plugin.module} imports {run.stdout}"

    def test_the_card_says_what_it_is(self) -> None:
        """The card has the entry point's name, this interface, one sentence and suffixes."""
        card = load_format(self.format)

        assert card.name == self.format
        assert card.api == API
        assert card.summary.endswith("."), f"summary is no sentence: {card.summary!r}"
        assert all(card.suffixes), f"suffixes {card.suffixes}"
        assert card.suffixes, "no suffixes"

    def test_the_classes_are_there(self) -> None:
        """Reader and writer lead to a Reader and a Writer."""
        card = load_format(self.format)

        assert card.reader or card.writer, "neither reader nor writer"
        if card.reader:
            assert issubclass(load_reader(card), Reader)
        if card.writer:
            assert issubclass(load_writer(card), Writer)

    @pytest.mark.parametrize("side", ["read_options", "write_options"])
    def test_options_are_explained(self, side: str) -> None:
        """Every option has a default, a sentence of help, and the name that it has in every format."""
        declared = getattr(load_format(self.format), side)
        fields = dataclasses.fields(declared)

        assert declared.__dataclass_params__.frozen, f"{declared.__name__} is not frozen"
        assert [f.name for f in fields] == [o.name for o in options_of(declared)], "an option without default"
        for option in options_of(declared):
            assert option.help.endswith("."), f"help of {option.name!r} is no sentence: {option.help!r}"
            assert option.name not in NAMES, f"{option.name!r} is called {NAMES[option.name]!r} elsewhere"
            assert side == "read_options" or option.name not in RESERVED, f"{option.name!r} is the core's"
            build(declared, {option.name: option.default}, where=option.name)

    def test_its_own_files_are_recognised(self, tmp_path: Path) -> None:
        """The format says yes to what it writes by default, and no other installed format does."""
        self._need("reader", "writer")
        write_dataset(load_format(self.format), drawn_dataset(), tmp_path)
        files = files_below(tmp_path)
        head = head_of(max(files, key=lambda path: path.stat().st_size))
        names = [path.relative_to(tmp_path).as_posix() for path in files]

        saying_yes = [name for name in find_formats() if load_format(name).sniff(head, names) == "yes"]

        assert saying_yes == [self.format], f"recognised by {', '.join(saying_yes) or 'nobody'}"
