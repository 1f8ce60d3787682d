"""How a fault of a plugin is told."""

from __future__ import annotations


class Fault(AssertionError):  # noqa: N818 - a finding, which a test reports as a failed assertion
    """What a plugin does not keep of its contract, in one sentence."""


def expect(holds: object, fault: str) -> None:
    """Tell a fault unless something holds; unlike ``assert``, under ``python -O`` too.

    Raises:
        Fault: It does not hold.
    """
    __tracebackhide__ = True  # pytest shows the line of the test instead
    if not holds:
        raise Fault(fault)
