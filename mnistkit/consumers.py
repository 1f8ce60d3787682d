"""Who an export is for: the format and the options that a consumer opens with one line, and that line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from mnistkit.errors import UsageError


@dataclass(frozen=True, slots=True)
class Consumer:
    """What a consumer wants.

    Attributes:
        format: The format to write.
        opens: The line that opens the export there; ``{out}`` is its folder.
        options: Write options in place of the format's defaults.
    """

    format: str
    opens: str
    options: Mapping[str, object] = field(default_factory=dict)


#: What ``--for`` says -> what is meant.  Each convention and its source stand on the format's page.
CONSUMERS: Mapping[str, Consumer] = {
    "mlnet": Consumer("mlnet", 'mlContext.Data.LoadFromTextFile("{out}/train.tsv")'),
    "mlnet-images": Consumer(
        "png", 'mlnet image-classification --dataset "{out}/train"', options={"tags": True}
    ),
}  # fmt: skip


def wanted(to: str | None, for_: str | None) -> Consumer:
    """Return what is to be written: the format that is named, or what a consumer opens.

    Raises:
        UsageError: Neither is named, there is no such consumer, or it opens another format than is named.
    """
    if for_ is None:
        if to is None:
            raise UsageError("export", "no format", todo="say which with --to FORMAT or --for CONSUMER")
        return Consumer(to, "")
    if for_ not in CONSUMERS:
        near = get_close_matches(for_, CONSUMERS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(CONSUMERS)}"
        raise UsageError("", f"unknown consumer {for_!r}", todo=hint)
    found = CONSUMERS[for_]
    if to not in (None, found.format):
        todo = "leave one of them out"
        raise UsageError(f"--for {for_}", "disagrees with --to", expected=found.format, found=to, todo=todo)
    return found
