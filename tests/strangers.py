"""Packages of strangers, as wheels that pip installs: good ones, and one for each way to go wrong."""

from __future__ import annotations

import textwrap
import zipfile
from pathlib import Path

VERSION = "1.2"

#: A format that works: the number of images, then pixels and labels of each split, in one file.
GOOD = """
    from mnistkit.plugin import Format, hookimpl

    def sniff(head, names):
        return "yes" if head.startswith(b"NAME:") else "no"

    @hookimpl
    def mnistkit_register_format():
        return Format(
            api=1,
            name="NAME",
            summary="Made by a stranger.",
            suffixes=(".NAME",),
            reader="mnistkit_NAME.codec:Reading",
            writer="mnistkit_NAME.codec:Writing",
            sniff=sniff,
            dtypes=("uint8",),
            ranks=(2,),
            unlabelled=False,
            negative_labels=False,
        )
"""

CODEC = """
    import numpy as np

    from mnistkit.dataset import Batch, DatasetInfo, SplitInfo, bounds_of
    from mnistkit.plugin import Reader, Writer, Written

    class Reading(Reader):
        def info(self):
            self._files = {split: paths[0] for split, paths in self.source.splits([".NAME"]).items()}
            return DatasetInfo(self.source.name, tuple(map(self._describe, self._files)))

        def _describe(self, split):
            shape, labels, _ = self._open(split)
            return SplitInfo(split, len(labels), shape, "uint8", "int64", bounds_of(labels))

        def _open(self, split):
            with self._files[split].open("rb") as file:
                _, rows, height, width = file.readline().split(b":")
                start = file.tell()
            shape = int(height), int(width)
            kind = np.dtype([("label", "<i8"), ("image", "u1", shape)])
            if int(rows) == 0:
                return shape, np.zeros(0, "i8"), np.zeros((0, *shape), "u1")
            table = np.memmap(self._files[split], kind, "r", start, (int(rows),))
            return shape, table["label"], table["image"]

        def files(self, split):
            return [self._files[split]]

        def batches(self, split, start, stop, size):
            _, labels, images = self._open(split)
            for row in range(start, stop, size):
                rows = slice(row, min(row + size, stop))
                yield Batch(np.array(images[rows]), np.array(labels[rows]), row)

    class Writing(Writer):
        def write(self, folder, part, batches):
            path, shape = folder / f"{part.stem}.NAME", part.split.shape
            kind = np.dtype([("label", "<i8"), ("image", "u1", shape)])
            with path.open("xb") as file:
                file.write(b"NAME:%d:%d:%d\\n" % (part.rows, *shape))
                for batch in batches:
                    table = np.empty(len(batch), kind)
                    table["label"], table["image"] = batch.labels, batch.images
                    file.write(table.tobytes())
            return Written((path.name,), part.rows)
"""

#: Hangs wherever ``HANG`` says, and says so in the file ``HANGING``; deaf to Ctrl-C where it can be.
STUCK = """
    import os, time
    from pathlib import Path
    from mnistkit.plugin import Format, hookimpl

    def hang(place):
        while os.environ.get("HANG") == place:
            if not Path(os.environ["HANGING"]).exists():
                Path(os.environ["HANGING"]).write_text(str(os.getpid()))
            try:
                time.sleep(3600)
            except BaseException:
                if place in ("class", "write"):
                    raise

    hang("import")

    @hookimpl
    def mnistkit_register_format():
        return Format(
            api=1, name="stuck", summary="Hangs.", suffixes=(".stuck",), dtypes=("uint8",),
            reader="mnistkit_stuck.codec:Reading", writer="mnistkit_stuck.codec:Writing",
        )
"""

STUCK_CODEC = """
    import numpy as np
    from mnistkit.dataset import Batch, DatasetInfo, SplitInfo
    from mnistkit.plugin import Reader, Writer, Written
    from mnistkit_stuck import hang

    hang("class")

    class Reading(Reader):
        def info(self):
            return DatasetInfo("stuck", (SplitInfo("train", 2, (2, 2), "uint8"),))

        def files(self, split):
            return []

        def batches(self, split, start, stop, size):
            hang("read")
            yield Batch(np.zeros((stop - start, 2, 2), "u1"), None, start)

    def encode(batch):
        hang("encode")
        return len(batch)

    class Writing(Writer):
        def write(self, folder, part, batches):
            hang("write")
            return Written((), sum(part.map(encode, batches)))
"""

LOUD = 'print("hello from the card")\n' + textwrap.dedent(GOOD)

REGISTERING = """
    from mnistkit.plugin import Format, hookimpl

    @hookimpl
    def mnistkit_register_format():
        return WHAT
"""

CARD = 'Format(api=1, name="NAME", summary="x.", suffixes=(".x",), writer="mnistkit_NAME.codec:Writing")'

#: Name of a format -> the code of its card that does not work.
BROKEN = {
    "unimportable": "import not_there",
    "quitter": "import sys\nsys.exit(0)",
    "raiser": "raise BaseException('everything')",
    "interrupter": "raise KeyboardInterrupt",
    "nonsense": REGISTERING.replace("WHAT", "{'name': 'nonsense'}"),
    "future": REGISTERING.replace("WHAT", CARD.replace("api=1", "api=2")),
    "png": REGISTERING.replace("WHAT", CARD),
}

#: Ends the process at once, without a word, where ``CRASH`` is set.
CRASHING = "import os\nif os.environ.get('CRASH'): os._exit(0)\n" + textwrap.dedent(GOOD)

DATASET = """
    from dataclasses import replace
    from mnistkit.catalog import find
    from mnistkit.plugin import hookimpl

    @hookimpl
    def mnistkit_register_dataset():
        return replace(find("kmnist"), name="NAME")
"""


def wheels(folder: Path) -> list[Path]:
    """Make the wheels of all strangers in a folder."""
    good = {"good": GOOD, "crasher": CRASHING, "loud": LOUD}
    codecs = {name: (card, CODEC) for name, card in good.items()} | {"stuck": (STUCK, STUCK_CODEC)}
    codecs |= {name: (card, "") for name, card in BROKEN.items()}
    made = [_of_format(folder, name, *code) for name, code in codecs.items()]
    modules = {"__init__": "", "digits": DATASET.replace("NAME", "digits"), "lost": "1 / 0"}
    points = "[mnistkit.datasets]\ndigits = mnistkit_sets.digits\nlost = mnistkit_sets.lost\n"
    return [*made, _wheel(folder, "mnistkit-sets", "mnistkit_sets", modules, points)]


def _of_format(folder: Path, name: str, card: str, codec: str) -> Path:
    package = f"mnistkit_{name}"
    modules = {"__init__": card.replace("NAME", name), "codec": codec.replace("NAME", name)}
    points = f"[mnistkit.formats]\n{name} = {package}\n"
    return _wheel(folder, f"mnistkit-{name}", package, modules, points)


def _wheel(folder: Path, distribution: str, package: str, modules: dict[str, str], points: str) -> Path:
    stem = f"{distribution.replace('-', '_')}-{VERSION}"
    info = {
        "METADATA": f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {VERSION}\n",
        "WHEEL": "Wheel-Version: 1.0\nGenerator: strangers\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "entry_points.txt": points,
    }
    content = {f"{package}/{name}.py": textwrap.dedent(code) for name, code in modules.items()}
    content |= {f"{stem}.dist-info/{name}": text for name, text in info.items()}
    content[f"{stem}.dist-info/RECORD"] = "".join(f"{name},,\n" for name in content)
    path = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in content.items():
            wheel.writestr(name, text)
    return path
