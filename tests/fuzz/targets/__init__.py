"""What is fuzzed: one module a target, with what it is given, in which words, and what must hold of it.

Each has ``DICTIONARY``, words of the format; ``seeds()``, inputs to begin with; and ``target(data)``, which
raises where the property that its docstring states does not hold.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Watched:
    """Whose branches a fuzzer counts while it runs a target.

    Attributes:
        modules: Modules and packages.
        native: Names of compiled loops, which run under sanitizers.
    """

    modules: tuple[str, ...] = ()
    native: tuple[str, ...] = ()


_TEXT = Watched(("mnistkit.codecs.text", "mnistkit.compression", "mnistkit_csv", "mnistkit_mlnet"), ("text",))

TARGETS = {
    "idx": Watched(("mnistkit.idx", "mnistkit.compression", "mnistkit.dataset", "mnistkit.buffers")),
    "csv": _TEXT,
    "mlnet": _TEXT,
    "idv": Watched(("mnistkit_mlnet.idv", "mnistkit.dataset")),
    "receipt": Watched(("mnistkit.receipt", "mnistkit.records", "mnistkit.dataset", "json")),
    "checksums": Watched(("mnistkit.checksums",)),
    "catalogue": Watched(("mnistkit.catalog", "mnistkit.records", "tomllib")),
    "native_text": Watched(native=("text",)),
    "native_inflate": Watched(native=("png",)),
    "native_png": Watched(("mnistkit.codecs.png",), ("png",)),
    "native_files": Watched(native=("files",)),
}
