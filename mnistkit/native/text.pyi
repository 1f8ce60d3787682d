import numpy as np
import numpy.typing as npt

def encode(
    pixels: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.int64] | None,
    values: int,
    separator: int,
    label_last: bool,
    quick: bool = True,
) -> bytes: ...
def decode(
    text: bytes | memoryview,
    separator: int,
    before: int,
    values: int,
    after: int,
    integers: npt.NDArray[np.int64],
    pixels: npt.NDArray[np.uint8],
    quick: bool = True,
) -> int: ...
def survey(
    text: bytes | memoryview,
    separator: int,
    before: int,
    values: int,
    after: int,
    integers: npt.NDArray[np.int64],
    starts: npt.NDArray[np.int64],
    quick: bool = True,
) -> int: ...
def count(text: bytes | memoryview) -> int: ...
def starts(text: bytes | memoryview) -> bytes: ...
