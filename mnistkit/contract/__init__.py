"""What every format keeps, as plain functions, which need no pytest.

``mnistkit plugins --check`` runs them on what is installed; ``mnistkit.testing.FormatContract`` runs
them, and much more, as tests.  Each function takes a :class:`Subject` and a folder of its own, and
raises :class:`Fault` where the format does not keep what it says.
"""

from mnistkit.contract.faults import Fault, expect
from mnistkit.contract.subject import Subject

__all__ = ["Fault", "Subject", "expect"]
