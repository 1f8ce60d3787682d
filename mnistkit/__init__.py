"""Turn MNIST-family (IDX) datasets into any format, and prove that nothing changed.

::

    import mnistkit

    mnistkit.export("synthetic", "parquet", "digits")      # one call does it all
    dataset = mnistkit.open("digits")                      # typed and lazy
    for batch in dataset["train"].batches():
        batch.images, batch.labels
    assert mnistkit.verify("digits")                       # equal to its receipt

Names are imported when they are first used: ``import mnistkit`` itself loads no NumPy.
"""

from importlib import import_module

from mnistkit._version import __version__

TYPE_CHECKING = False  # importing typing would cost more than all of this module
if TYPE_CHECKING:
    from mnistkit.api import Verification, diff, export, fetch_dataset, load_data, open, verify  # noqa: A004 - as named
    from mnistkit.catalog.identify import Identification, identify
    from mnistkit.compare import Difference
    from mnistkit.dataset import Batch, Dataset, DatasetInfo, ExtraColumn, Split, SplitInfo
    from mnistkit.errors import (
        CapabilityError,
        DataError,
        DestinationError,
        DifferenceError,
        MnistkitError,
        PluginError,
        UsageError,
    )
    from mnistkit.receipt import Receipt, SplitReceipt

_HOMES = {
    "api": ("Verification", "diff", "export", "fetch_dataset", "load_data", "open", "verify"),
    "catalog.identify": ("Identification", "identify"),
    "compare": ("Difference",),
    "dataset": ("Batch", "Dataset", "DatasetInfo", "ExtraColumn", "Split", "SplitInfo"),
    "errors": (
        "CapabilityError",
        "DataError",
        "DestinationError",
        "DifferenceError",
        "MnistkitError",
        "PluginError",
        "UsageError",
    ),
    "receipt": ("Receipt", "SplitReceipt"),
}

__all__ = [
    "Batch",
    "CapabilityError",
    "DataError",
    "Dataset",
    "DatasetInfo",
    "DestinationError",
    "Difference",
    "DifferenceError",
    "ExtraColumn",
    "Identification",
    "MnistkitError",
    "PluginError",
    "Receipt",
    "Split",
    "SplitInfo",
    "SplitReceipt",
    "UsageError",
    "Verification",
    "__version__",
    "diff",
    "export",
    "fetch_dataset",
    "identify",
    "load_data",
    "open",
    "verify",
]


def __getattr__(name: str) -> object:
    for module, names in _HOMES.items():
        if name in names:
            value: object = getattr(import_module(f"mnistkit.{module}"), name)
            globals()[name] = value
            return value
    message = f"module 'mnistkit' has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    return __all__
