"""What the card of every format keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from mnistkit.contract import card
from mnistkit.testing.base import Contract


class CardContract(Contract):
    """The card is light, says what the format is, and recognises its files."""

    def test_the_card_is_light(self) -> None:
        """Importing the module of the card imports nothing that takes time, and prints nothing."""
        card.is_light(self.subject)

    def test_the_card_says_what_it_is(self) -> None:
        """The card has the entry point's name, this interface, one sentence and suffixes."""
        card.says_what_it_is(self.subject)

    def test_the_classes_are_there(self) -> None:
        """Reader and writer lead to a Reader and a Writer."""
        card.leads_to_its_classes(self.subject)

    @pytest.mark.parametrize("side", ["read_options", "write_options"])
    def test_options_are_explained(self, side: Literal["read_options", "write_options"]) -> None:
        """Every option has a default, a sentence of help, and the name that it has in every format."""
        card.explains_its_options(self.subject, (side,))

    def test_its_own_files_are_recognised(self, tmp_path: Path) -> None:
        """The format says yes to what it writes by default, and no other installed format does."""
        self._need("reader", "writer")
        card.recognises_its_own(self.subject, tmp_path)

    def test_the_files_of_others_are_left_alone(self, tmp_path: Path) -> None:
        """The format does not say yes to what bundled formats write."""
        self._need("reader")
        card.leaves_others_alone(self.subject, tmp_path)
