"""Random numbers by counter: roll k of image i is a hash of the two, so no image waits for another."""

from __future__ import annotations

import numpy as np

from mnistkit.dataset import Array

# Increment and multipliers of splitmix64: https://prng.di.unimi.it/splitmix64.c
_STEP, _FIRST, _SECOND = (np.uint64(c) for c in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))


def key_of(seed: int, name: str) -> Array:
    """Return the key of all rolls under a seed and a name: uint64 (1,)."""
    key = _mix(np.array([seed], np.uint64))
    for byte in name.encode():
        key = _mix(key + np.uint64(byte + 1))
    return key


def image_keys(key: Array, start: int, stop: int) -> Array:
    """Return the keys of images ``start`` to ``stop``: uint64 (n,)."""
    index = np.arange(stop - start, dtype=np.uint64) + np.uint64(start)
    return _mix(key + (index + np.uint64(1)) * _STEP)


def rolls(keys: Array, first: int, count: int) -> Array:
    """Return rolls number ``first`` and on of each key, 64 random bits each: uint64 (keys, count)."""
    numbers = np.arange(first + 1, first + count + 1, dtype=np.uint64)
    return _mix(keys[:, None] + numbers * _STEP)


def below(limit: int, bits: Array) -> Array:
    """Turn the upper 32 of 64 random bits into whole numbers from 0 to ``limit - 1``: int64."""
    number: Array = (bits >> np.uint64(32)) * np.uint64(limit) >> np.uint64(32)
    return number.astype(np.int64)


def bells(bits: Array) -> Array:
    """Turn 64 random bits into float64 from -1 to 1, bell-shaped: four numbers of 16 bits added up."""
    lanes = np.uint64(0x0000FFFF0000FFFF)
    pairs = (bits & lanes) + ((bits >> np.uint64(16)) & lanes)
    sums = (pairs & np.uint64(0xFFFFFFFF)) + (pairs >> np.uint64(32))
    bell: Array = (sums.astype(np.float64) - 131070) / 131070
    return bell


def _mix(bits: Array) -> Array:
    bits = (bits ^ (bits >> np.uint64(30))) * _FIRST
    bits = (bits ^ (bits >> np.uint64(27))) * _SECOND
    mixed: Array = bits ^ (bits >> np.uint64(31))
    return mixed
