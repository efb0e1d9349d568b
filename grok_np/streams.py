"""The one place where randomness begins: a generator of its own for each purpose of a seed.

A task draws its split, a network its first weights, a check its upstream gradient, all from "seed 0" and none from the
same numbers. (``default_rng([seed, 0])`` would not do: NumPy pads seeds with zeros, so that it is
``default_rng(seed)``, bit for bit.)

Read next: `tasks`.
"""

import numpy as np

from grok_np.errors import require_integer, require_type


def generator(seed: int, purpose: str) -> np.random.Generator:
    """The generator of a seed (an integer >= 0) for a purpose (any words: "split", "weights", ...).

    The same for the same two arguments; independent of every other, because NumPy's SeedSequence hashes the seed and
    the letters of the purpose together.

    >>> generator(0, "split").integers(100, size=4), generator(0, "weights").integers(100, size=4)
    (array([14, 61, 24, 98]), array([93, 44, 55, 10]))
    """
    require_integer(seed, "seed", minimum=0)
    require_type(purpose, "purpose", str)
    return np.random.default_rng(np.random.SeedSequence(int(seed), spawn_key=tuple(purpose.encode())))
