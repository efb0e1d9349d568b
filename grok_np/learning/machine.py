"""Has the BLAS under NumPy picked the fast matrix-product kernels of this CPU? A hint where it has not.

OpenBLAS picks its kernels by CPU model, and gives a model newer than itself those of an older one. An AMD Zen 5 got
"Haswell" (AVX2); with OPENBLAS_CORETYPE=SkylakeX in the environment, before NumPy loads, each of its cores went from
137 to 262 GFLOP/s. Nothing is changed here: an import that alters a user's environment would be a surprise.
"""

import os

import numpy as np
from threadpoolctl import threadpool_info

AVX512_KERNELS = ("SkylakeX", "Cooperlake", "SapphireRapids")


def kernel_hint(architectures=None, features=None):
    """One line for the start of a long run if OpenBLAS leaves AVX-512 unused, else None.

    architectures : kernels that the loaded OpenBLAS libraries use; features : what NumPy found the CPU to know. Both
    are asked for if not given. Where OPENBLAS_CORETYPE is set, the user has chosen and gets no hint.

    >>> print(kernel_hint(["Haswell"], ["AVX2", "AVX512_SKX"]))
    OpenBLAS uses its Haswell kernels, this CPU knows AVX-512: OPENBLAS_CORETYPE=SkylakeX may double the speed
    >>> kernel_hint(["SkylakeX"], ["AVX2", "AVX512_SKX"]), kernel_hint(["Haswell"], ["AVX2"])
    (None, None)
    """
    if architectures is None:
        chosen = "OPENBLAS_CORETYPE" in os.environ
        pools = [] if chosen else threadpool_info()
        architectures = [pool["architecture"] for pool in pools if pool["internal_api"] == "openblas"]
    if features is None:
        features = np.show_config(mode="dicts")["SIMD Extensions"]["found"]
    slow = [name for name in architectures if name.lower() not in map(str.lower, AVX512_KERNELS)]
    knows = any(name.startswith("AVX512") or name == "X86_V4" for name in features)
    if not (slow and knows):
        return None
    return (f"OpenBLAS uses its {slow[0]} kernels, this CPU knows AVX-512: OPENBLAS_CORETYPE=SkylakeX may double the "
            "speed")
