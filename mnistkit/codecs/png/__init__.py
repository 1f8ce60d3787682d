"""PNG images: framed here and packed by zlib-ng; read are also those that Pillow opens."""

from mnistkit.codecs.png.decoding import decode, decode_batch, peek
from mnistkit.codecs.png.encoding import LEVEL, check, encode, encode_batch
from mnistkit.codecs.png.foreign import FORMATS

__all__ = [
    "FORMATS",
    "LEVEL",
    "check",
    "decode",
    "decode_batch",
    "encode",
    "encode_batch",
    "peek",
]
