# %%
"""Five layers, five classic mistakes, and what the gradient kit says of each; then your own.

    python examples/check_your_own_layer.py            # seconds; or put the tests below into your own test suite

A layer is two functions: ``forward(*inputs) -> (out, cache)`` and ``backward(dout, cache) -> gradients``, one for each
input. `grok_np.gradcheck.check` compares the second with differences of the first and names the mistake; `layer_test`
has hypothesis draw the shapes and the numbers (it needs ``pip install -e ".[test]"``).
"""

import numpy as np

from grok_np.gradcheck import GradientError, check, layer_test, methods

# %% 1. A linear layer; the bias was broadcast over the batch, so its gradient is a sum


def linear_forward(x, W, b):
    """out = x W + b."""
    return x @ W + b, (x, W)


def linear_backward(dout, cache):
    """dx = dout W^T, dW = x^T dout, db = sum over the batch of dout."""
    x, W = cache
    return dout @ W.T, x.T @ dout, dout.sum(axis=0)


def averaging_backward(dout, cache):
    x, W = cache
    return dout @ W.T, x.T @ dout, dout.mean(axis=0)


test_linear = layer_test("x: B D, W: D K, b: K -> B K", linear_forward, linear_backward)

# %% 2. An activation: swish, x times its sigmoid


def swish_forward(x):
    """out = x s(x), s(x) = 1 / (1 + exp(-x)) (Ramachandran, Zoph, Le 2017, arXiv 1710.05941)."""
    s = 0.5 + 0.5 * np.tanh(0.5 * x)
    return x * s, (x, s)


def swish_backward(dout, cache):
    """dx = (s + x s (1 - s)) dout, because s' = s (1 - s)."""
    x, s = cache
    return (s + x * s * (1 - s)) * dout


def sloppy_backward(dout, cache):
    x, s = cache
    return (s + x * s * (1 + s)) * dout


test_swish = layer_test("x: B D -> B D", swish_forward, swish_backward)

# %% 3. A norm: each row to unit root mean square, each column times its gain


def rms_norm_forward(x, gain):
    """out = gain x / r, r² = mean of x² over the row + 1e-5 (Zhang & Sennrich 2019, arXiv 1910.07467)."""
    r = np.sqrt((x**2).mean(axis=1, keepdims=True) + 1e-5)
    return gain * x / r, (x, gain, r)


def rms_norm_backward(dout, cache):
    """dx = (gain dout - x mean(gain dout x) / r²) / r, dgain = sum over rows of dout x / r."""
    x, gain, r = cache
    d = gain * dout
    return (d - x * (d * x).mean(axis=1, keepdims=True) / r**2) / r, (dout * x / r).sum(axis=0)


def forgetful_backward(dout, cache):
    x, gain, r = cache
    return gain * dout / r, (dout * x / r).sum(axis=0)


test_rms_norm = layer_test("x: B D, gain: D -> B D", rms_norm_forward, rms_norm_backward)

# %% 4. A look-up: a row that is used twice gets the sum of both gradients


def lookup_forward(table, index):
    """out[b] = table[index[b]]."""
    return table[index], (table.shape, index)


def lookup_backward(dout, cache):
    """dtable[v] = sum over b with index[b] = v of dout[b]."""
    shape, index = cache
    dtable = np.zeros(shape)
    np.add.at(dtable, index, dout)
    return dtable


def overwriting_backward(dout, cache):
    shape, index = cache
    dtable = np.zeros(shape)
    dtable[index] += dout
    return dtable


test_lookup = layer_test("table: V D, index: int(B) < V -> B D", lookup_forward, lookup_backward)

# %% 5. A class that keeps its cache and its gradients to itself


class Dropout:
    """Sets entries to 0 with probability 1/2 and doubles the others."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def forward(self, x, mask=None):
        self.mask = self.rng.random(x.shape) < 0.5 if mask is None else mask
        return 2 * x * self.mask

    def backward(self, dout):
        return 2 * dout * self.mask


def dropout_forward(x, mask):
    """Whoever tests a random layer hands in what is random."""
    return 2 * x * mask, mask


def dropout_backward(dout, mask):
    return 2 * dout * mask


test_dropout = layer_test("x: B D, mask: mask(B D) -> B D", dropout_forward, dropout_backward)

# %%


def main():
    tests = {name: test for name, test in globals().items() if name.startswith("test_")}
    for test in tests.values():
        test()
    print(f"{', '.join(name[5:] for name in tests)}: whatever hypothesis drew, every gradient is right\n")

    rng = np.random.default_rng(0)
    x, W, b, gain = (rng.normal(size=shape) for shape in ((3, 4), (4, 5), 5, 4))
    print("a linear layer at one place:", check(linear_forward, linear_backward, [x, W, b]), sep="\n")
    mistakes = {
        "a mean for a sum": (linear_forward, averaging_backward, [x, W, b]),
        "a wrong sign": (swish_forward, sloppy_backward, [x]),
        "a norm taken as constant": (rms_norm_forward, forgetful_backward, [x, gain]),
        "a row that is used twice": (lookup_forward, overwriting_backward, [W, np.array([1, 0, 1])]),
        "a new mask at every call": (*methods(Dropout(seed=0)), [x]),
    }
    for name, layer in mistakes.items():
        try:
            check(*layer)
        except GradientError as error:
            print(f"\n{name}:\n  " + str(error).replace("\n", "\n  "))


if __name__ == "__main__":
    main()
