"""Compressed IDX to CSV with Hugging Face datasets."""

import sys

from datasets import Dataset
from reading import read_table

flat, names = read_table(sys.argv[1])
Dataset.from_dict(dict(zip(names, flat.T, strict=True))).to_csv(sys.argv[2])
