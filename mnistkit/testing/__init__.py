"""What the author of a plugin needs to test it: datasets to write, and the contract to keep.

::

    from mnistkit.testing import FormatContract

    class TestNpy(FormatContract):
        format = "npy"

    class TestNpyOfOtherOptions(FormatContract):
        format = "npy"
        options = {"compression": "gzip"}

Needs pytest and hypothesis: ``pip install mnistkit[testing]``.  The fixtures of
:mod:`mnistkit.pytest_plugin` need nothing at all: pytest finds them.
"""

from __future__ import annotations

import pytest

#: Where asserts tell what they found, as those of tests do: pytest must know before the import.
_TESTS = ("base", "card", "content", "reading", "writing")
pytest.register_assert_rewrite(*(f"{__name__}.{module}" for module in _TESTS))

from mnistkit.contract.datasets import (  # noqa: E402 - see above
    assert_same_content,
    drawn_dataset,
    read_dataset,
    reread_dataset,
    write_dataset,
)
from mnistkit.testing.card import CardContract  # noqa: E402 - see above
from mnistkit.testing.content import ContentContract  # noqa: E402 - see above
from mnistkit.testing.reading import ReadingContract  # noqa: E402 - see above
from mnistkit.testing.strategies import datasets  # noqa: E402 - see above
from mnistkit.testing.writing import WritingContract  # noqa: E402 - see above

__all__ = [
    "FormatContract",
    "assert_same_content",
    "datasets",
    "drawn_dataset",
    "read_dataset",
    "reread_dataset",
    "write_dataset",
]


class FormatContract(CardContract, ContentContract, ReadingContract, WritingContract):
    """Subclass it, name the format, and inherit a test for everything that a format keeps.

    A format that only reads or only writes skips what it cannot do.
    """
