"""Text for ML.NET: schema and note, header, dense and sparse lines, fractions, words as labels."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

from fuzz import text

OPTIONS = (
    {}, {"header": True}, {"header": False}, {"shape": "2x3"}, {"label": "last"}, {"label": "none"},
    {"dtype": "float32"}, {"dtype": "float32", "shape": "2x2"}, {"separator": "comma"},
    {"separator": "space"},
)  # fmt: skip
DICTIONARY = (
    b"#@ TextLoader{\n", b"#@   header+\n", b"#@   sep=tab\n", b"#@   sep=,\n", b"#@   sparse+\n", b"#@ }\n",
    b"#@   col=Label:U4[10]:0\n", b"#@   col=Label:TX:0\n", b"#@   col=Features:R4:1-4\n",
    b"col=Features:R4:0-3", b'# mnistkit: {"shape": [2, 2]}\n', b'"dtype": "float32"',
    b'"class_names": ["a", "b"]', b"// c\n", b"# c\n", b"Label\t", b"pixel0\t", b"\t4\t0:5", b"\t0:0\n",
    b":", b"3:255", b"0:256", b"999999999:1", b"1.5", b"-1e-3", b"1e39", b"nan", b"inf", b".5", b"5.", b"\t",
    b"\n", b"\r\n", b"\xef\xbb\xbf", b'"5"', b"  ", b"\x1f\x8b\x08", b"9" * 19,
)  # fmt: skip

_SCHEMA = (
    b"#@ TextLoader{\n#@   header+\n#@   sep=tab\n#@   col=Label:U4[10]:0\n#@   col=Features:R4:1-4\n#@ }\n"
)
_HEADER = b"Label\tpixel0\tpixel1\tpixel2\tpixel3\n"
_SPARSE = b"7\t4\t0:84\t3:185\n0\t4\t0:0\n9\t1\t2\t3\t4\n"
_WORDS = _SCHEMA.replace(b"U4[10]", b"TX") + b'# mnistkit: {"class_names": ["a", "b"]}\n' + _HEADER
_FILES = (
    _SCHEMA + _HEADER + b"5\t0\t255\t9\t10\n",
    _SCHEMA.replace(b"#@   sep", b"#@   sparse+\n#@   sep") + _HEADER + _SPARSE,
    _HEADER + _SPARSE,
    _SPARSE,
    _WORDS + b"b\t0\t255\t9\t10\na\t1\t2\t3\t4\n",
    _SCHEMA + b'# mnistkit: {"dtype": "float32", "shape": [1, 4]}\n' + _HEADER + b"5\t0.5\t-1e-3\t3\t1e38\n",
    _SCHEMA.replace(b"#@   header+\n", b"") + b"5\t0\t255\t9\t10\n",
    _SCHEMA.replace(b"tab", b"comma") + _HEADER.replace(b"\t", b",") + b"5,0,255,9,10\r\n",
    b"#@ TextLoader{ col=Features:R4:0-3 col=Label:R4:4 }\n1\t2\t3\t4\t5\n",
    b"5\t0.5\t1.5\t.25\t3e2\n5\t4\t1:0.5\t2:7\n",
    b"5,0,255,9,10\n",
    b"5 0 255 9 10\n",
    b"1\t2\t3\t4\t5\t6\n",
    _HEADER,
    b"",
)


def seeds() -> Iterator[bytes]:
    """Yield a file of each kind under each option, and one that is compressed."""
    for option in range(len(OPTIONS)):
        yield from (bytes([option]) + file for file in _FILES)
    yield b"\0" + gzip.compress(_FILES[1], mtime=0)


def target(data: bytes) -> None:
    """Both lanes read the same, or refuse in the same words; what is read is what stands there.

    The first byte picks the options, the others are the file.  Every number is read once more by hand, of
    sparse lines too; written and read again, whole pixels and labels are the same.
    """
    text.check("mlnet", OPTIONS, ".tsv", data)
