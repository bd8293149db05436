"""Settings of the process that make TensorFlow on CPUs faster. What the environment already says stays as it is."""

from __future__ import annotations

import ctypes
import os
import sys

# 0 leaves the C library's malloc as it is.
KEEP_FREED_MEMORY_VARIABLE = "URBANDET_KEEP_FREED_MEMORY"

# mallopt's parameters, from glibc's malloc.h.
_M_TRIM_THRESHOLD = -1
_M_TOP_PAD = -2
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8

_KEPT_BYTES = 1 << 30
_LARGEST_KEPT_BLOCK = 256 << 20
_GROWTH_BYTES = 64 << 20


def train_with_onednn() -> bool:
    """Uses oneDNN's kernels also on CPUs without AVX-512, where TensorFlow leaves them off by default.

    For a process that trains: a training step of 8 images at 320 pixels took half the time (0.48 s against 0.96 s
    on two AVX2 cores, with the memory setting below 0.48 s against 0.75 s). Not for one that detects: there the
    same kernels took 1.1 s for a single image, against 0.02 s.

    Returns:
        Whether it is in time: TensorFlow must not have been imported yet.
    """
    if "tensorflow" in sys.modules:
        return False
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    return True


def keep_freed_memory() -> bool:
    """Lets malloc keep up to 1 GiB of freed blocks, for the next step or image to use again.

    glibc hands a block above 32 MB back to the kernel as soon as it is freed, and asks for it anew. A training
    step frees and takes hundreds of such blocks, and the kernel clears each page every time: on a virtual machine
    a quarter of a step's CPU time, and half of the input pipeline's. One arena serves all threads, since the
    others cannot hold blocks of this size.

    Returns:
        Whether it took effect: False where the C library is not glibc, or where the environment says otherwise.
    """
    left_alone = "MALLOC_ARENA_MAX" in os.environ or os.environ.get(KEEP_FREED_MEMORY_VARIABLE) == "0"
    if left_alone or not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    settings = {
        _M_MMAP_THRESHOLD: _LARGEST_KEPT_BLOCK,
        _M_TRIM_THRESHOLD: _KEPT_BYTES,
        _M_TOP_PAD: _GROWTH_BYTES,
        _M_ARENA_MAX: 1,
    }
    taken = [mallopt(name, value) == 1 for name, value in settings.items()]
    return all(taken)
