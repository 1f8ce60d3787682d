"""All jobs, in the order in which they run."""

from __future__ import annotations

from benchmarks.jobs import costs, hdf5, idx, memory, parquet, png, text, whole
from benchmarks.model import Job

JOBS: tuple[Job, ...] = (
    *text.JOBS,
    *parquet.JOBS,
    *hdf5.JOBS,
    *idx.JOBS,
    *whole.JOBS,
    *costs.JOBS,
    *png.JOBS,
    *memory.JOBS,
)
