import numpy as np
import numpy.typing as npt

def encode(
    pixels: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.int64] | None,
    values: int,
    separator: int,
    label_last: bool,
) -> bytes: ...
def decode(
    text: bytes,
    separator: int,
    before: int,
    values: int,
    after: int,
    rows: int,
    integers: npt.NDArray[np.int64],
    pixels: npt.NDArray[np.uint8] | None,
) -> bool: ...
def count(text: bytes) -> int: ...
def starts(text: bytes) -> bytes: ...
