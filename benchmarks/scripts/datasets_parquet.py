"""Compressed IDX to Parquet of images with Hugging Face datasets."""

import sys

from datasets import ClassLabel, Dataset, Features, Image
from reading import read_idx

images, labels = read_idx(sys.argv[1])
features = Features({"image": Image(), "label": ClassLabel(names=[str(i) for i in range(10)])})
Dataset.from_dict({"image": list(images), "label": labels.tolist()}, features=features).to_parquet(
    sys.argv[2]
)
