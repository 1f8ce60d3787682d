import numpy as np
import numpy.typing as npt

def decode(
    files: tuple[bytes, ...],
    header: bytes,
    height: int,
    row: int,
    pixel: int,
    is_wide: bool,
    images: npt.NDArray[np.generic],
) -> bytes: ...
