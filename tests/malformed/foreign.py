"""Files of other kinds, as they end up under the names of data: error pages, archives, documents."""

from __future__ import annotations

from malformed.packing import gzip_of, zip_of

HTML = b"<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head><body>Not Found</body></html>\n"
XML = b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code></Error>'
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<</Type/Catalog>>\nendobj\n%%EOF\n"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 9912422\n"
JSON = b'{"message": "Not Found", "status": "404"}\n'
ZIP_OF_TWO = zip_of(("readme.txt", b"read me"), ("data.bin", bytes(100)))
ZIP_OF_TEXT = zip_of(("readme.txt", b"read me"))
GZIP_OF_HTML = gzip_of(HTML)
TEXT = b"The quick brown fox jumps over the lazy dog.\nTwice.\n"
NULS = bytes(1000)

#: Kinds of files by what they are called here.
KINDS = {
    "web page": HTML,
    "XML error": XML,
    "PDF": PDF,
    "Git LFS pointer": POINTER,
    "JSON error": JSON,
    "zip of two": ZIP_OF_TWO,
    "zip of a text": ZIP_OF_TEXT,
    "gzipped web page": GZIP_OF_HTML,
    "prose": TEXT,
    "zeros": NULS,
}
