"""The text codec's two lanes as a fixture."""

from __future__ import annotations

import pytest

from mnistkit import native


@pytest.fixture(scope="module", params=["native", "pure"])
def lane(request):
    """Run all tests of a module in the compiled lane, and once more in the pure one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MNISTKIT_NATIVE", "1" if request.param == "native" else "0")
        if request.param == "native" and native.state() != "in use":
            pytest.skip(f"compiled loops: {native.state()} {native.problem()}")
        yield request.param
