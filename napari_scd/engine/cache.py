"""A least-recently-used store bounded in bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Hashable

V = TypeVar("V")


class CacheCounts(NamedTuple):
    """Hits, misses, entries dropped to make room, bytes held."""

    hits: int
    misses: int
    evictions: int
    n_bytes: int


class ByteCache(Generic[V]):
    """Values by key, the least recently used dropped first; safe to use from several threads.

    Parameters
    ----------
    max_bytes : int
        Most bytes of tensors and arrays to hold; 0 stores nothing.

    Notes
    -----
    A key must include everything its value depends on. Values are (nested) tuples of tensors and arrays.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._entries: OrderedDict[Hashable, tuple[V, int]] = OrderedDict()
        self._lock = threading.Lock()
        self._n_bytes = self._hits = self._misses = self._evictions = 0

    def get(self, key: Hashable) -> V | None:
        """Value of `key`, or None."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                self._misses += 1
                return None
            self._hits += 1
            self._entries.move_to_end(key)
            return entry[0]

    def put(self, key: Hashable, value: V, *, evict: bool = True) -> bool:
        """Store a value and say whether it was stored.

        With ``evict=False`` it is stored only where there is room: a pass over more windows than fit would
        otherwise throw every entry out before its next use.
        """
        size = count_bytes(value)
        with self._lock:
            if key in self._entries:
                self._n_bytes -= self._entries.pop(key)[1]
            if size > self.max_bytes or (not evict and self._n_bytes + size > self.max_bytes):
                return False
            while self._n_bytes + size > self.max_bytes:
                self._n_bytes -= self._entries.popitem(last=False)[1][1]
                self._evictions += 1
            self._entries[key] = (value, size)
            self._n_bytes += size
            return True

    def clear(self) -> None:
        """Forget every entry (the counts stay)."""
        with self._lock:
            self._entries.clear()
            self._n_bytes = 0

    @property
    def counts(self) -> CacheCounts:
        """Counts since the cache was made."""
        with self._lock:
            return CacheCounts(self._hits, self._misses, self._evictions, self._n_bytes)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: Hashable) -> bool:
        with self._lock:
            return key in self._entries


def count_bytes(value: object) -> int:
    """Bytes of every tensor and array in a (nested) tuple."""
    if isinstance(value, torch.Tensor):
        return value.numel() * value.element_size()
    if isinstance(value, np.ndarray):
        return value.nbytes
    if isinstance(value, tuple | list):
        return sum(count_bytes(item) for item in value)
    return 0
