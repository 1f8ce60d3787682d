"""The NPZ format: NumPy archives, which ``np.load`` opens as a mapping of arrays.

``--preset keras``, the default, is one archive with the keys of Keras's ``mnist.npz``::

    mnist.npz
        x_train  (N, height, width[, channels])    y_train  (N,)    none where the split has no labels
        x_test   (M, height, width[, channels])    y_test   (M,)
        <column>_train  (N, …)                     one array per extra column
        class_names  (classes,) of texts           where known

``--preset medmnist`` is one archive too, with the keys of MedMNIST::

    pathmnist.npz
        train_images  (N, height, width[, channels])    train_labels  (N, 1)
        val_images …  test_images …                     class_names as above

``--preset kmnist`` is one archive an array, each with the key ``arr_0``::

    kmnist-train-imgs.npz  kmnist-train-labels.npz  kmnist-test-imgs.npz  kmnist-test-labels.npz

Sources: ``keras.datasets.mnist``; ``medmnist.dataset``; the README of rois-codh/kmnist.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mnistkit.plugin import Format, Verdict, hookimpl, option

SUFFIX = ".npz"

#: What the names of the archives of images and of labels end in with the preset ``kmnist``.
KMNIST = ("-imgs.npz", "-labels.npz")


@dataclass(frozen=True, kw_only=True)
class NpzWriteOptions:
    """How NumPy archives are written."""

    preset: Literal["keras", "medmnist", "kmnist"] = option(
        "keras", help="Keys and files as Keras, MedMNIST or KMNIST have them."
    )
    compression: Literal["deflate", "none"] = option(
        "deflate", help="Compress the arrays, as numpy.savez_compressed does."
    )


def sniff(head: bytes, names: Sequence[str]) -> Verdict:
    """Tell archives of arrays by their names and their first member, or its name where there are more."""
    named = any(name.lower().endswith(SUFFIX) for name in names)
    length = int.from_bytes(head[26:28], "little")  # of the name of a zip's first member
    first = head.startswith(b"PK\3\4") and head[30 : 30 + length].endswith(b".npy")
    return "yes" if named and (first or head.startswith(b"\x93NUMPY")) else "no"


def given(options: NpzWriteOptions) -> Mapping[str, Any]:
    """Say what the options change of the card."""
    changed: dict[str, Any] = {} if options.compression == "none" else {"bytes_per_value": 0.3}
    if options.preset == "kmnist":
        changed |= {"unit": "split", "class_names": False}
    return changed if options.preset == "keras" else changed | {"extra_columns": "none"}


@hookimpl
def mnistkit_register_format() -> Format:
    """Return the card of the format."""
    return Format(
        api=1,
        name="npz",
        summary="NumPy archives with the keys of Keras, MedMNIST or KMNIST, which np.load opens.",
        suffixes=(SUFFIX,),
        reader="mnistkit_npz.reader:NpzReader",
        writer="mnistkit_npz.writer:NpzWriter",
        write_options=NpzWriteOptions,
        sniff=sniff,
        class_names=True,
        extra_columns="all",
        unit="dataset",
        given=given,
    )
