"""Compressed IDX to CSV with pandas."""

import sys

import pandas as pd
from reading import read_table

flat, names = read_table(sys.argv[1])
pd.DataFrame(flat, columns=names).to_csv(sys.argv[2], index=False)
