"""CSV files: every dialect and option of the reader, in both lanes."""

from __future__ import annotations

import bz2
import gzip
from collections.abc import Iterator

from fuzz import text

OPTIONS = (
    {}, {"header": True}, {"header": False}, {"shape": "2x3"}, {"shape": "1x2x3"}, {"label": "last"},
    {"label": "none"}, {"preset": "pjreddie"}, {"preset": "openml"}, {"delimiter": "semicolon"},
    {"shape": "2x2", "label": "first"}, {"delimiter": "space", "header": False},
)  # fmt: skip
DICTIONARY = (
    b"label,", b"class", b"pixel0", b"pixel1", b"1x1", b"1x1x1", b"2x2", b"Unnamed: 0", b"id", b"y", b"V1",
    b"255", b"256", b"-1", b"0.5", b"5.0", b"1e2", b"NaN", b"inf", b'"5"', b'""', b" ", b"\t", b";", b"|",
    b",", b",,", b"\r\n", b"\n", b"\n\n", b"\xef\xbb\xbf", b"9223372036854775807", b"9223372036854775808",
    b"-9223372036854775808", b"007", b"0000", b"\0", b"#", b"\xff\xfe", b"\x1f\x8b\x08", b"1" * 300,
)  # fmt: skip

_FILES = (
    b"label,pixel0,pixel1,pixel2,pixel3\n5,0,255,9,10\n0,1,2,3,4\n",
    b"pixel1,pixel2,pixel3,pixel4,class\n0,255,9,10,7\n",
    b"label,1x1,1x2,2x1,2x2\n5,0,255,9,10\n",
    b"label,1x1x1,1x1x2,2x1x1,2x1x2\n5,0,255,9,10\n",
    b"5,0,255,9,10\n4,1,2,3,4\n",
    b"0,255,9,10\r\n1,2,3,4\r\n",
    b",label,V1,V2,V3,V4\n0,5,0,255,9,10\n1,6,0,255,9,10\n",
    b"0,1,2,3,4\n5,0,255,9,10\n",
    b"id;label;pixel0\n0;-7;3\n1;9;255",
    b'"label","pixel0"\n"5","0"\n 6 , 7 \n5.0,8.\n',
    b"label pixel0 pixel1 pixel2 pixel3\n5 0 255 9 10\n",
    b"\xef\xbb\xbflabel|pixel0\n1|2\n\n \n",
    b"label,pixel0\n",
    b"label\n1\n",
    b"1,2,3,4,5,6\n7,8,9,10,11,12\n",
    b"",
    b"5" + b",0" * 63 + b",255\n" + b"4" + b",7" * 64 + b"\n",
)


def seeds() -> Iterator[bytes]:
    """Yield a file of each dialect under each option, and some compressed."""
    for option in range(len(OPTIONS)):
        yield from (bytes([option]) + file for file in _FILES)
    yield b"\0" + gzip.compress(_FILES[0], mtime=0)
    yield b"\0" + bz2.compress(_FILES[4])
    yield b"\0" + gzip.compress(_FILES[0][:40], mtime=0) + gzip.compress(_FILES[0][40:], mtime=0)


def target(data: bytes) -> None:
    """Both lanes read the same, or refuse in the same words; what is read is what stands there.

    The first byte picks the options, the others are the file.  Every number is read once more by hand;
    written and read again, pixels and labels are the same.
    """
    text.check("csv", OPTIONS, ".csv", data)
