"""Ranks are what counting one by one gives."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mnistkit.codecs.text.ranks import WORD_FLAGS, ranks


@given(words=st.integers(1, 5), share=st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]), seed=st.integers(0, 999))
def test_ranks_count_the_flags_up_to_each_place(words, share, seed):
    flags = np.random.default_rng(seed).random(words * WORD_FLAGS) < share

    found = ranks(flags, np.arange(len(flags)))

    assert found.tolist() == np.cumsum(flags).tolist()
