"""Compressed IDX to CSV with polars."""

import sys

import polars as pl
from reading import read_table

flat, names = read_table(sys.argv[1])
pl.DataFrame(flat, schema=names).write_csv(sys.argv[2])
