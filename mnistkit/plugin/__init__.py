"""All that the author of a format imports.

A format is a *card* that says what it is, and up to two classes that do the work::

    from mnistkit.plugin import Format, hookimpl

    @hookimpl
    def mnistkit_register_format():
        return Format(
            api=1,
            name="npy",
            summary="One NumPy file each for the images and labels of a split.",
            suffixes=(".npy",),
            writer="mnistkit_npy.codec:NpyWriter",
            reader="mnistkit_npy.codec:NpyReader",
        )

and an entry point whose name is the format's name::

    [project.entry-points."mnistkit.formats"]
    npy = "mnistkit_npy"

The module with the card imports nothing but the standard library and this module, so that
listing formats stays quick; the classes live in another module and import what they need.
"""

from __future__ import annotations

import pluggy

from mnistkit.options import NoOptions, option, parse_shape
from mnistkit.plugin.card import API, Format, Verdict
from mnistkit.plugin.reader import Reader, Source, Span, spans
from mnistkit.plugin.sink import Sink
from mnistkit.plugin.writer import Loss, Part, Writer, Written

__all__ = [
    "API",
    "Format",
    "Loss",
    "NoOptions",
    "Part",
    "Reader",
    "Sink",
    "Source",
    "Span",
    "Verdict",
    "Writer",
    "Written",
    "hookimpl",
    "option",
    "parse_shape",
    "spans",
]

hookimpl = pluggy.HookimplMarker("mnistkit")
