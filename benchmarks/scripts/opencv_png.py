"""Compressed IDX to a tree of PNG files, one folder a class, with OpenCV."""

import sys
from pathlib import Path

import cv2
from reading import read_idx

images, labels = read_idx(sys.argv[1])
folder = Path(sys.argv[2])
for label in range(10):
    (folder / str(label)).mkdir(parents=True)
for i, (image, label) in enumerate(zip(images, labels, strict=True)):
    path = folder / str(label) / f"{i:05}.png"
    cv2.imwrite(str(path), image)
