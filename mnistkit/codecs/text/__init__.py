"""Images as lines of decimal numbers, one line an image: what CSV and ML.NET's text files share.

::

    encode   pixels and labels -> lines, header names
    sparse   lines that leave out zeros, both ways
    floats   pixels of type float32, both ways
    words    labels as class names, both ways
    tokens   where the cells of a block begin and end
    lines    a stream of bytes -> blocks of whole lines, bounded in memory
    layout   which column is what, and the shape of an image
    header   the names of columns -> labels, row numbers, pixels
    detect   the first line -> a layout
    decode   a block of lines -> pixels and labels, strictly
    lane     which of two does the work on plain lines:
    native     compiled loops
    pure       numpy, and Arrow for writing: pairs
    memory   blocks and buffers are used again
    rows     rows of files that have been scanned, from anywhere
    scan     one strict pass over a file: an index of its lines
    reader   the reader that formats derive theirs from: a scan of each file, batches
"""

from mnistkit.codecs.text.detect import detect, separator_of
from mnistkit.codecs.text.encode import encode, grid_names, header_line, pixel_names
from mnistkit.codecs.text.floats import encode_floats
from mnistkit.codecs.text.layout import MOST_COLUMNS, SEPARATORS, Layout, NoImagesError
from mnistkit.codecs.text.lines import Lines
from mnistkit.codecs.text.reader import TextReader
from mnistkit.codecs.text.sparse import encode_sparse

__all__ = [
    "MOST_COLUMNS", "SEPARATORS", "Layout", "Lines", "NoImagesError", "TextReader", "detect", "encode",
    "encode_floats", "encode_sparse", "grid_names", "header_line", "pixel_names", "separator_of",
]  # fmt: skip
