"""Compressed IDX to HDF5 with h5py's own gzip."""

import sys

import h5py
from reading import read_idx

images, labels = read_idx(sys.argv[1])
with h5py.File(sys.argv[2], "w") as file:
    file.create_dataset("image", data=images, compression="gzip")
    file.create_dataset("label", data=labels)
