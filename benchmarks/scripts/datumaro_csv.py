"""Compressed IDX to CSV with Datumaro, which reads the folder by itself."""

import sys

from datumaro.components.dataset import Dataset

Dataset.import_from(sys.argv[1], "mnist").export(sys.argv[2], "mnist_csv", save_media=True)
