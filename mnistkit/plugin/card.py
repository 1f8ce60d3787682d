"""The card: what a format is and can carry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from mnistkit.options import NoOptions

#: Version of the plugin interface that this mnistkit speaks.
API = 1

Verdict: TypeAlias = Literal["no", "maybe", "yes"]


def _never(head: bytes, names: Sequence[str]) -> Verdict:  # noqa: ARG001 - the signature of every sniff
    return "no"


@dataclass(frozen=True, kw_only=True)
class Format:
    """What a format is and can carry: its card.

    Attributes:
        api: Version of the plugin interface that the plugin was written for: the literal 1.
        name: What ``--to`` and ``--from`` say; equal to the entry point's name.
        summary: One sentence.
        suffixes: Endings of its files, the usual one first, such as ``(".csv",)``.
        reader: ``"package.module:Class"`` of the reader, or None where it is write-only.
        writer: ``"package.module:Class"`` of the writer, or None where it is read-only.
        read_options: Dataclass of read options, each declared with :func:`option`.
        write_options: Dataclass of write options.
        sniff: ``sniff(head, names)`` says whether files look like this format, from the first
            4096 bytes (decompressed) of the largest and from all relative names.
        dtypes: numpy names of the pixel types that it can carry; empty means all.
        ranks: Numbers of dimensions of one image that it can carry: 2 gray, 3 with channels.
        channels: Numbers of channels that it can carry where there are any; empty means all.
        unlabelled: Whether it can carry a split without labels.
        negative_labels: Whether it can carry labels below 0.
        label_dtype: The type that labels come back with at least; None where they keep any type.
            It speaks of width alone, not of values: IDX says ``uint8`` and carries int32 where needed.
        class_names: Whether class names come back.
        extra_columns: Which further columns come back: none of them, the values of integer columns without
            their names, or all of them.
        unit: The smallest thing written alone: an image, a split or the whole dataset.
        bytes_per_value: Typical size of one pixel value, in bytes, for the estimate of needed space.
        bytes_per_image: Size that each image adds to that, in bytes.
        given: ``given(write_options)`` returns those of the fields above that the options change.
    """

    api: int
    name: str
    summary: str
    suffixes: tuple[str, ...]
    reader: str | None = None
    writer: str | None = None
    read_options: type = NoOptions
    write_options: type = NoOptions
    sniff: Callable[[bytes, Sequence[str]], Verdict] = _never
    dtypes: tuple[str, ...] = ()
    ranks: tuple[int, ...] = (2, 3)
    channels: tuple[int, ...] = ()
    unlabelled: bool = True
    negative_labels: bool = True
    label_dtype: str | None = None
    class_names: bool = False
    extra_columns: Literal["none", "integers", "all"] = "none"
    unit: Literal["image", "split", "dataset"] = "split"
    bytes_per_value: float = 1.0
    bytes_per_image: int = 0
    given: Callable[[Any], Mapping[str, Any]] | None = None

    def with_options(self, options: object) -> Format:
        """Return the card as it reads under some write options."""
        return replace(self, **self.given(options)) if self.given else self
