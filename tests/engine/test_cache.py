"""The byte-bounded cache."""

from __future__ import annotations

import numpy as np
import torch

from napari_scd.engine.cache import ByteCache, count_bytes


def entry(n_floats: int) -> tuple[torch.Tensor]:
    return (torch.zeros(n_floats),)


def test_bytes_are_counted_through_tuples() -> None:
    nested = (torch.zeros(3), (torch.zeros(2, dtype=torch.float16), np.zeros(5, np.uint8)), (1, "a"))
    assert count_bytes(nested) == 12 + 4 + 5


def test_the_least_recently_used_leaves_first_and_the_bound_holds() -> None:
    cache = ByteCache(40)
    for key in "abcde":
        cache.put(key, entry(2))
    assert cache.get("a") is not None
    cache.put("f", entry(2))
    assert "b" not in cache and "a" in cache and "f" in cache
    assert cache.counts == (1, 0, 1, 40)
    cache.put("g", entry(6))
    assert cache.counts.n_bytes <= 40
    assert "a" in cache, "the most recently used entries stay"
    assert cache.counts.evictions == 4


def test_what_is_too_large_is_not_stored_and_pushes_nothing_out() -> None:
    cache = ByteCache(40)
    cache.put("a", entry(4))
    assert not cache.put("b", entry(100))
    assert "a" in cache and "b" not in cache


def test_without_eviction_only_free_room_is_used() -> None:
    cache = ByteCache(40)
    assert cache.put("a", entry(6), evict=False)
    assert not cache.put("b", entry(6), evict=False)
    assert cache.put("c", entry(4), evict=False)
    assert cache.counts == (0, 0, 0, 40)


def test_replacing_an_entry_counts_its_bytes_once() -> None:
    cache = ByteCache(40)
    cache.put("a", entry(6))
    cache.put("a", entry(8))
    assert cache.counts.n_bytes == 32 and len(cache) == 1


def test_a_cache_of_no_bytes_stores_nothing() -> None:
    cache = ByteCache(0)
    assert not cache.put("a", entry(1))
    assert cache.get("a") is None
    assert cache.counts == (0, 1, 0, 0)


def test_clear_keeps_the_counts() -> None:
    cache = ByteCache(40)
    cache.put("a", entry(1))
    cache.get("a")
    cache.clear()
    assert cache.counts == (1, 0, 0, 0)
