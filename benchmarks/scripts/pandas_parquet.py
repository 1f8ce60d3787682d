"""Compressed IDX to Parquet, a column a pixel, with pandas."""

import sys

import pandas as pd
from reading import read_table

flat, names = read_table(sys.argv[1])
pd.DataFrame(flat, columns=names).to_parquet(sys.argv[2], index=False)
