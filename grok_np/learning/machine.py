"""What a training loop asks of the machine: cores, threads for shards, freed memory, Ctrl-C, the right BLAS kernels.

Everything here has an answer on Linux, macOS and Windows; nothing depends on which BLAS is under NumPy.
"""

import contextlib
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

AVX512_KERNELS = ("skylakex", "cooperlake", "sapphirerapids")


def cores() -> int:
    """Cores that this process may use: of its own where the system says so, else of the machine."""
    if hasattr(os, "process_cpu_count"):  # Python 3.13
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextlib.contextmanager
def shard_map(n_shards, threads=None):
    """``map`` over shards, each product on one BLAS thread: an executor's on up to a thread a core, or the built-in."""
    threads = min(threads or cores(), n_shards)
    with threadpool_limits(1, user_api="blas"):
        if threads == 1:
            yield map
            return
        with ThreadPoolExecutor(threads) as pool:
            yield pool.map


@contextlib.contextmanager
def deferred_interrupt():
    """An Event that Ctrl-C sets, so that a loop stops between two steps and never inside one."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():  # only the main thread may handle signals
        yield event
        return
    previous = signal.signal(signal.SIGINT, lambda *_: event.set())
    try:
        yield event
    finally:
        signal.signal(signal.SIGINT, previous)


def keep_freed_memory():
    """Make the C library keep the blocks that a step frees, for the next step to use again.

    glibc returns freed blocks above 128 KB to the kernel until the program has once freed a larger one; then it keeps
    blocks up to that size (mallopt(3), M_MMAP_THRESHOLD, at most 32 MB). Without this the article's MLP took 170 page
    faults and 1.5 ms a step, with it none and 1.0 ms. The block itself is never touched, so it costs nothing, there and
    where another C library does otherwise.
    """
    np.empty(30_000_000, np.uint8)


def kernel_hint():
    """One line for the start of a long run if OpenBLAS leaves AVX-512 unused, else None.

    OpenBLAS picks its kernels by CPU model, and gives a model newer than itself those of an older one. An AMD Zen 5 got
    "Haswell" (AVX2); with OPENBLAS_CORETYPE=SkylakeX in the environment, before NumPy loads, each of its cores went
    from 137 to 262 GFLOP/s. Nothing is changed here: an import that alters a user's environment would be a surprise.
    Where the user has set it there is no hint, nor where NumPy stands on another BLAS (Accelerate, MKL).
    """
    features = np.show_config(mode="dicts").get("SIMD Extensions", {}).get("found", [])  # of the CPU
    if "OPENBLAS_CORETYPE" in os.environ or not any(one.startswith("AVX512") or one == "X86_V4" for one in features):
        return None
    kernels = [pool.get("architecture", "") for pool in threadpool_info() if pool["internal_api"] == "openblas"]
    return next((f"OpenBLAS uses its {one} kernels, this CPU knows AVX-512: OPENBLAS_CORETYPE=SkylakeX may double the "
                 "speed" for one in kernels if one.lower() not in AVX512_KERNELS), None)
