"""Right layers and planted mistakes on which the gradient kit is measured, beside PyTorch's gradcheck.

``LAYERS[name]`` is a `Kind`: forward, backward and a function that draws inputs; every axis has a size of its own, so that a
message can tell them apart. ``planted()`` are mistakes made by hand, each with the words that name it (one of them must
be in the message), and ``mutants()`` are made by machine: one operator, axis, constant or term of a right backward is
changed, so that no rule of the kit can be tuned to mistakes that somebody thought of.
"""

# ruff: noqa: E501  the mistakes are a table, one to a line
import ast
import inspect
import linecache
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

B, T, D, K = 3, 4, 5, 6  # examples, positions, features, outputs


@dataclass(frozen=True)
class Kind:
    forward: Callable
    backward: Callable
    draw: Callable  # (rng, B) -> inputs
    conditions: bool = True  # whether any float inputs will do (scales, zeros, shifts)


@dataclass(frozen=True)
class Mistake:
    name: str
    forward: Callable
    backward: Callable
    inputs: Any
    words: tuple = field(default=())


LAYERS = {}


def layer(*shapes, conditions=True, **constants):
    """Register ``class`` with ``forward`` and ``backward``; a shape's "B" is the batch, constants are drawn by functions."""
    def register(cls):
        def draw(rng, batch=B):
            sides = [tuple(batch if side == "B" else side for side in shape) for shape in shapes]
            return [rng.normal(size=side) for side in sides] + [make(rng, batch) for make in constants.values()]
        LAYERS[cls.__name__] = Kind(cls.forward, cls.backward, draw, conditions)
        return cls
    return register


def labels(rng, batch):
    return rng.integers(0, D, batch)


@layer(("B", D), (D, K), (K,))
class linear:
    def forward(x, W, b):
        return x @ W + b, (x, W)

    def backward(dout, cache):
        x, W = cache
        return dout @ W.T, x.T @ dout, dout.sum(axis=0)


@layer(("B", D))
class relu:
    def forward(x):
        return np.maximum(x, 0), x

    def backward(dout, x):
        return dout * (x > 0)


@layer(("B", D))
class leaky_relu:
    def forward(x):
        return np.where(x > 0, x, 0.1 * x), x

    def backward(dout, x):
        return dout * np.where(x > 0, 1, 0.1)


@layer(("B", D))
class sigmoid:
    def forward(x):
        out = 0.5 * (1 + np.tanh(0.5 * x))
        return out, out

    def backward(dout, out):
        return dout * out * (1 - out)


@layer(("B", D))
class tanh:
    def forward(x):
        out = np.tanh(x)
        return out, out

    def backward(dout, out):
        return dout * (1 - out**2)


@layer(("B", D))
class gelu:
    def forward(x):
        t = np.tanh(0.7978845608028654 * (x + 0.044715 * x**3))
        return 0.5 * x * (1 + t), (x, t)

    def backward(dout, cache):
        x, t = cache
        dt = (1 - t**2) * 0.7978845608028654 * (1 + 3 * 0.044715 * x**2)
        return dout * (0.5 * (1 + t) + 0.5 * x * dt)


@layer(("B", D))
class silu:
    def forward(x):
        s = 0.5 * (1 + np.tanh(0.5 * x))
        return x * s, (x, s)

    def backward(dout, cache):
        x, s = cache
        return dout * (s + x * s * (1 - s))


@layer(("B", D))
class softplus:
    def forward(x):
        return np.logaddexp(0, x), x

    def backward(dout, x):
        return dout * 0.5 * (1 + np.tanh(0.5 * x))


@layer(("B", D))
class elu:
    def forward(x):
        out = np.where(x > 0, x, np.expm1(np.minimum(x, 0)))
        return out, (x, out)

    def backward(dout, cache):
        x, out = cache
        return dout * np.where(x > 0, 1, out + 1)


@layer(("B", D))
class square:
    def forward(x):
        return x * x, x

    def backward(dout, x):
        return 2 * x * dout


@layer(("B", D))
class softmax:
    def forward(x):
        e = np.exp(x - x.max(axis=1, keepdims=True))
        out = e / e.sum(axis=1, keepdims=True)
        return out, out

    def backward(dout, out):
        return out * (dout - (out * dout).sum(axis=1, keepdims=True))


@layer(("B", D))
class log_softmax:
    def forward(x):
        z = x - x.max(axis=1, keepdims=True)
        out = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        return out, out

    def backward(dout, out):
        return dout - np.exp(out) * dout.sum(axis=1, keepdims=True)


@layer(("B", D), y=labels)
class cross_entropy:
    def forward(x, y):
        z = x - x.max(axis=1, keepdims=True)
        log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        return -log_p[np.arange(len(y)), y].sum() / max(len(y), 1), (log_p, y)

    def backward(dout, cache):
        log_p, y = cache
        dx = np.exp(log_p)
        dx[np.arange(len(y)), y] -= 1
        return dout * dx / max(len(y), 1)


@layer(("B", D), ("B", D))
class mse:
    def forward(x, y):
        return ((x - y)**2).sum() / max(len(x), 1), (x, y)

    def backward(dout, cache):
        x, y = cache
        dx = 2 * dout * (x - y) / max(len(x), 1)
        return dx, -dx


@layer(("B", D), (D,), (D,))
class layer_norm:
    def forward(x, gain, bias):
        centred = x - x.mean(axis=1, keepdims=True)
        std = np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5)
        h = centred / std
        return gain * h + bias, (h, std, gain)

    def backward(dout, cache):
        h, std, gain = cache
        dh = dout * gain
        dx = (dh - dh.mean(axis=1, keepdims=True) - h * (dh * h).mean(axis=1, keepdims=True)) / std
        return dx, (dout * h).sum(axis=0), dout.sum(axis=0)


@layer(("B", D), (D,))
class rms_norm:
    def forward(x, gain):
        r = np.sqrt((x**2).mean(axis=1, keepdims=True) + 1e-5)
        return gain * x / r, (x, gain, r)

    def backward(dout, cache):
        x, gain, r = cache
        d = gain * dout
        return (d - x * (d * x).mean(axis=1, keepdims=True) / r**2) / r, (dout * x / r).sum(axis=0)


@layer(("B", D), (D,), (D,))
class batch_norm:
    def forward(x, gain, bias):
        if not len(x):
            return x, (x, x, np.ones(x.shape[1]), gain)
        centred = x - x.mean(axis=0)
        std = np.sqrt((centred**2).mean(axis=0) + 1e-5)
        h = centred / std
        return gain * h + bias, (h, centred, std, gain)

    def backward(dout, cache):
        h, _centred, std, gain = cache
        n = max(len(h), 1)
        dh = dout * gain
        dx = (dh - dh.sum(axis=0) / n - h * (dh * h).sum(axis=0) / n) / std
        return dx, (dout * h).sum(axis=0), dout.sum(axis=0)


@layer(("B", D))
class l2_norm:
    def forward(x):
        n = np.sqrt((x**2).sum(axis=1, keepdims=True))
        out = x / n
        return out, (out, n)

    def backward(dout, cache):
        out, n = cache
        return (dout - out * (out * dout).sum(axis=1, keepdims=True)) / n


@layer((7, D), idx=lambda rng, batch: np.r_[rng.integers(0, 7, (batch, T)).ravel()[:-1], 2][:batch * T].reshape(batch, T) if batch else np.zeros((0, T), int))
class embedding:
    def forward(table, idx):
        return table[idx], (table.shape, idx)

    def backward(dout, cache):
        shape, idx = cache
        dtable = np.zeros(shape)
        np.add.at(dtable, idx, dout)
        return dtable


@layer(("B", D), ("B", K))
class concat:
    def forward(a, b):
        return np.concatenate([a, b], axis=1), a.shape[1]

    def backward(dout, n):
        return dout[:, :n], dout[:, n:]


@layer(("B", T, D), (T, D))
class add_positions:
    def forward(x, positions):
        return x + positions, None

    def backward(dout, cache):
        return dout, dout.sum(axis=0)


@layer(("B", D), ("B", D))
class multiply:
    def forward(a, b):
        return a * b, (a, b)

    def backward(dout, cache):
        a, b = cache
        return dout * b, dout * a


@layer(("B", D), ("B", D))
class ratio:
    def forward(a, b):
        return a / (1 + b**2), (a, b)

    def backward(dout, cache):
        a, b = cache
        return dout / (1 + b**2), -2 * dout * a * b / (1 + b**2)**2


@layer(("B", T, D), ("B", D, K))
class batch_matmul:
    def forward(a, b):
        return a @ b, (a, b)

    def backward(dout, cache):
        a, b = cache
        return dout @ b.swapaxes(1, 2), a.swapaxes(1, 2) @ dout


@layer(("B", T, D), (D, D), (D, D), (D, D))
class attention:
    def forward(x, Wq, Wk, Wv):
        q, k, v = x @ Wq, x @ Wk, x @ Wv
        scores = q @ k.swapaxes(1, 2) / np.sqrt(q.shape[-1])
        scores = np.where(np.tri(x.shape[1], dtype=bool), scores, -np.inf)
        p = np.exp(scores - scores.max(axis=-1, keepdims=True))
        p = p / p.sum(axis=-1, keepdims=True)
        return p @ v, (x, q, k, v, p, Wq, Wk, Wv)

    def backward(dout, cache):
        x, q, k, v, p, Wq, Wk, Wv = cache
        dp = dout @ v.swapaxes(1, 2)
        dv = p.swapaxes(1, 2) @ dout
        ds = p * (dp - (dp * p).sum(axis=-1, keepdims=True)) / np.sqrt(q.shape[-1])
        dq = ds @ k
        dk = ds.swapaxes(1, 2) @ q
        dx = dq @ Wq.T + dk @ Wk.T + dv @ Wv.T
        dWq = (x.swapaxes(1, 2) @ dq).sum(axis=0)
        dWk = (x.swapaxes(1, 2) @ dk).sum(axis=0)
        dWv = (x.swapaxes(1, 2) @ dv).sum(axis=0)
        return dx, dWq, dWk, dWv


@layer(("B", 8, D))
class max_pool:
    def forward(x):
        windows = x.reshape(x.shape[0], 4, 2, x.shape[2])
        first = windows.argmax(axis=2)
        return windows.max(axis=2), (first, x.shape)

    def backward(dout, cache):
        first, shape = cache
        dwindows = np.zeros((shape[0], 4, 2, shape[2]))
        np.put_along_axis(dwindows, first[:, :, None], dout[:, :, None], axis=2)
        return dwindows.reshape(shape)


@layer(("B", T, D))
class mean_pool:
    def forward(x):
        return x.mean(axis=1), x.shape

    def backward(dout, shape):
        return np.repeat(dout[:, None], shape[1], axis=1) / shape[1]


@layer(("B", 9), (4,))
class convolution:
    def forward(x, w):
        out = sum(w[i] * x[:, i:i + x.shape[1] - len(w) + 1] for i in range(len(w)))
        return out, (x, w)

    def backward(dout, cache):
        x, w = cache
        n = dout.shape[1]
        dx, dw = np.zeros(x.shape), np.zeros(w.shape)
        for i in range(len(w)):
            dx[:, i:i + n] += w[i] * dout
            dw[i] += (x[:, i:i + n] * dout).sum()
        return dx, dw


@layer(("B", 6, 7), (3, 2))
class image_convolution:
    def forward(x, w):
        windows = np.lib.stride_tricks.sliding_window_view(x, w.shape, axis=(1, 2))
        return (windows * w).sum(axis=(3, 4)), (x, w)

    def backward(dout, cache):
        x, w = cache
        dx, dw = np.zeros(x.shape), np.zeros(w.shape)
        for i in range(w.shape[0]):
            for j in range(w.shape[1]):
                dx[:, i:i + dout.shape[1], j:j + dout.shape[2]] += w[i, j] * dout
                dw[i, j] = (x[:, i:i + dout.shape[1], j:j + dout.shape[2]] * dout).sum()
        return dx, dw


@layer(("B", D), mask=lambda rng, batch: (rng.random((batch, D)) < 0.7) if batch != B else
       np.array([[1, 0, 1, 1, 0], [0, 1, 1, 0, 1], [1, 1, 0, 1, 1]], bool))
class dropout:
    def forward(x, mask):
        return x * mask / 0.7, mask

    def backward(dout, mask):
        return dout * mask / 0.7


@layer(("B", T, D))
class cumsum:
    def forward(x):
        return np.cumsum(x, axis=1), None

    def backward(dout, cache):
        return np.cumsum(dout[:, ::-1], axis=1)[:, ::-1]


@layer(("B", D), (D, K), (D, K))
class glu:
    def forward(x, W, V):
        a, s = x @ W, 0.5 * (1 + np.tanh(0.5 * (x @ V)))
        return a * s, (x, W, V, a, s)

    def backward(dout, cache):
        x, W, V, a, s = cache
        da = dout * s
        dg = dout * a * s * (1 - s)
        return da @ W.T + dg @ V.T, x.T @ da, x.T @ dg


@layer(("B", D), ("B", D))
class huber:
    def forward(x, y):
        d = x - y
        return np.where(np.abs(d) < 1, 0.5 * d**2, np.abs(d) - 0.5).sum(), d

    def backward(dout, d):
        dx = dout * np.where(np.abs(d) < 1, d, np.sign(d))
        return dx, -dx


@layer(("B", D), y=lambda rng, batch: rng.integers(0, 2, (batch, D)))
class logistic_loss:
    def forward(x, y):
        return (np.logaddexp(0, x) - y * x).sum() / max(x.size, 1), (x, y)

    def backward(dout, cache):
        x, y = cache
        s = 0.5 * (1 + np.tanh(0.5 * x))
        return dout * (s - y) / max(x.size, 1)


@layer(("B", D), (K, D, T), ("B", T))
class bilinear:
    def forward(x, W, y):
        return np.einsum("bd,kdt,bt->bk", x, W, y), (x, W, y)

    def backward(dout, cache):
        x, W, y = cache
        dx = np.einsum("bk,kdt,bt->bd", dout, W, y)
        dW = np.einsum("bk,bd,bt->kdt", dout, x, y)
        dy = np.einsum("bk,kdt,bd->bt", dout, W, x)
        return dx, dW, dy


@layer(("B", T, D), (D, K), (K, K), (K,))
class rnn:
    def forward(x, W, U, b):
        h = np.zeros((x.shape[0], x.shape[1] + 1, U.shape[0]))
        for t in range(x.shape[1]):
            h[:, t + 1] = np.tanh(x[:, t] @ W + h[:, t] @ U + b)
        return h[:, 1:].copy(), (x, W, U, h)

    def backward(dout, cache):
        x, W, U, h = cache
        dx, dW, dU, db = np.zeros(x.shape), np.zeros(W.shape), np.zeros(U.shape), np.zeros(U.shape[0])
        dh = np.zeros(dout[:, 0].shape)
        for t in reversed(range(x.shape[1])):
            dpre = (dout[:, t] + dh) * (1 - h[:, t + 1]**2)
            dx[:, t] = dpre @ W.T
            dW += x[:, t].T @ dpre
            dU += h[:, t].T @ dpre
            db += dpre.sum(axis=0)
            dh = dpre @ U.T
        return dx, dW, dU, db


@layer(("B", D), ("B", D))
class cosine:
    def forward(a, b):
        na, nb = np.sqrt((a**2).sum(axis=1) + 1e-8), np.sqrt((b**2).sum(axis=1) + 1e-8)
        out = (a * b).sum(axis=1) / (na * nb)
        return out, (a, b, na, nb, out)

    def backward(dout, cache):
        a, b, na, nb, out = (c if c.ndim == 2 else c[:, None] for c in cache)
        d = dout[:, None]
        return d * (b / (na * nb) - out * a / na**2), d * (a / (na * nb) - out * b / nb**2)


@layer(("B", D))
class clip:
    def forward(x):
        return np.clip(x, -0.5, 0.8), x

    def backward(dout, x):
        return dout * ((x > -0.5) & (x < 0.8))


@layer(("B", T, D))
class transpose:
    def forward(x):
        return x.transpose(2, 0, 1), None

    def backward(dout, cache):
        return dout.transpose(1, 2, 0)


@layer(("B", D))
class logsumexp:
    def forward(x):
        m = x.max(axis=1, keepdims=True)
        out = m[:, 0] + np.log(np.exp(x - m).sum(axis=1))
        return out, (x, out)

    def backward(dout, cache):
        x, out = cache
        return dout[:, None] * np.exp(x - out[:, None])


@layer(("B", D), y=labels)
class hinge:
    def forward(x, y):
        margins = np.maximum(0, x - x[np.arange(len(y)), y][:, None] + 1)
        margins[np.arange(len(y)), y] = 0
        return margins.sum(), (margins, y)

    def backward(dout, cache):
        margins, y = cache
        dx = (margins > 0).astype(float)
        dx[np.arange(len(y)), y] = -dx.sum(axis=1)
        return dout * dx


@layer(("B", T, D), (D,))
class residual_scale:
    def forward(x, gain):
        h = np.tanh(x)
        return x + gain * h, (h, gain)

    def backward(dout, cache):
        h, gain = cache
        return dout + dout * gain * (1 - h**2), (dout * h).sum(axis=(0, 1))


@layer(("B", D), ("B", D))
class maximum:
    def forward(a, b):
        return np.maximum(a, b), (a, b)

    def backward(dout, cache):
        a, b = cache
        return dout * (a >= b), dout * (a < b)


@layer(("B", D))
class pad:
    def forward(x):
        return np.pad(x, ((0, 0), (1, 2))), None

    def backward(dout, cache):
        return dout[:, 1:-2]


# ---------------------------------------------------------------------------------------------- conditions
def conditions():
    """Name -> function of (rng, float array): what right layers must survive without a false alarm."""
    def one_near_zero(rng, x):
        x = x.copy()
        if x.size:
            x.flat[rng.integers(x.size)] = 3e-6
        return x

    return {
        "normal": lambda rng, x: x,
        "times 1e-8": lambda rng, x: 1e-8 * x,
        "times 1e-4": lambda rng, x: 1e-4 * x,
        "times 1e4": lambda rng, x: 1e4 * x,
        "times 1e8": lambda rng, x: 1e8 * x,
        "some exactly 0": lambda rng, x: x * (rng.random(x.shape) < 0.6),
        "one entry 3e-6 from 0": one_near_zero,
        "everything 0": lambda rng, x: 0 * x,
        "repeated values": lambda rng, x: np.round(x),
        "constant rows": lambda rng, x: x[..., :1] + 0 * x,
        "plus 1000": lambda rng, x: x + 1000,
    }


def under(condition, rng, inputs):
    return [condition(rng, x) if x.dtype.kind == "f" else x for x in inputs]


# ------------------------------------------------------------------------------------------ planted by hand
def right(name, *arguments):
    return LAYERS[name].backward(*arguments)


def _wrong_backwards():
    """(layer, mistake, backward, words)."""
    def changed(name, which, change):
        """The right backward with one of its gradients changed."""
        def backward(dout, cache):
            gradients = right(name, dout, cache)
            many = isinstance(gradients, tuple)
            gradients = list(gradients) if many else [gradients]
            gradients[which] = change(gradients[which])
            return tuple(gradients) if many else gradients[0]
        return backward

    yield "linear", "sign of dW", changed("linear", 1, np.negative), ("sign",)
    yield "linear", "dW twice", changed("linear", 1, lambda g: 2 * g), ("twice",)
    yield "linear", "dx half", changed("linear", 0, lambda g: g / 2), ("half",)
    yield "linear", "dW a mean", changed("linear", 1, lambda g: g / B), ("batch",)
    yield "linear", "db a mean", changed("linear", 2, lambda g: g / B), ("batch",)
    yield "linear", "dW of zeros", changed("linear", 1, np.zeros_like), ("is 0",)
    yield "linear", "db of zeros", changed("linear", 2, np.zeros_like), ("is 0",)
    yield "linear", "db not summed", lambda d, c: (d @ c[1].T, c[0].T @ d, d), ("sum",)
    yield "linear", "db kept dimensions", changed("linear", 2, lambda g: g[None]), ("reshape",)
    yield "linear", "dW of the wrong shape", changed("linear", 1, np.transpose), ("transpose",)
    yield "linear", "tiny", changed("linear", 1, lambda g: 1.0001 * g), ("1.0001",)
    yield "linear", "dout ignored", lambda d, c: right("linear", np.ones(d.shape), c), ("ignores dout",)
    yield "linear", "sign of dout only", lambda d, c: right("linear", np.sign(d), c), ("not linear in dout",)
    yield "linear", "dout squared", lambda d, c: right("linear", d * d, c), ("square",)
    yield "linear", "dout normalised", lambda d, c: right("linear", d / np.abs(d).max(), c), ("normalised",)
    yield "linear", "weight decay inside", lambda d, c: (d @ c[1].T, c[0].T @ d + 0.01 * c[1], d.sum(axis=0)), ("dout of 0",)
    yield "linear", "last row left out", lambda d, c: (d @ c[1].T, c[0][:-1].T @ d[:-1], d.sum(axis=0)), ("last row",)
    yield "linear", "first row only of db", changed("linear", 2, lambda g: np.r_[g[:1], 0 * g[1:]]), ("first", "wrong exactly", "leaves out")
    yield "linear", "one gradient missing", lambda d, c: right("linear", d, c)[:2], ("2 gradients for 3",)
    yield "linear", "None", lambda d, c: (d @ c[1].T, None, d.sum(axis=0)), ("None",)
    yield "linear", "float32 gradient", changed("linear", 1, lambda g: g.astype(np.float32)), ("float32",)
    yield "linear", "float32 inside", changed("linear", 1, lambda g: g.astype(np.float32).astype(float)), ("float32",)
    yield "linear", "integer gradient", changed("linear", 1, lambda g: np.zeros(g.shape, int)), ("dtype",)
    yield "linear", "nan", changed("linear", 1, lambda g: g + np.nan), ("nan",)
    yield "linear", "dW reversed", changed("linear", 1, lambda g: g[::-1]), ("flipped",)
    yield "linear", "dW rolled", changed("linear", 1, lambda g: np.roll(g, 1, axis=1)), ("shifted",)
    yield "linear", "x centred", lambda d, c: (d @ c[1].T, (c[0] - c[0].mean(axis=0)).T @ d, d.sum(axis=0)), ("constant along", "mean")
    yield "linear", "clipped gradient", changed("linear", 1, lambda g: np.clip(g, -1, 1)), ("not linear in dout",)
    yield "relu", "mask of dout", lambda d, x: d * (d > 0), ("mask",)
    yield "relu", "straight through", lambda d, x: d, ("dout itself",)
    yield "relu", "mask the wrong way", lambda d, x: d * (x < 0), ("opposite sign", "comparison")
    yield "relu", "slope 2 at 0", lambda d, x: d * ((x > 0) + 2.0 * (x == 0)), ("kink",)
    yield "relu", "absolute value of dout", lambda d, x: np.abs(d) * (x > 0), ("absolute",)
    yield "relu", "threshold 0.5", lambda d, x: d * (x > 0.5), ("wrong exactly where", "x > 0")
    yield "relu", "returns x", lambda d, x: d * np.maximum(x, 0), ("factor",)
    yield "leaky_relu", "dead below 0", lambda d, x: d * (x > 0), ("< 0",)
    yield "leaky_relu", "slope 0.2", lambda d, x: d * np.where(x > 0, 1, 0.2), ("< 0",)
    yield "leaky_relu", "sign below 0", lambda d, x: d * np.where(x > 0, 1, -0.1), ("< 0",)
    yield "sigmoid", "factor forgotten", lambda d, s: d * s, ("factor",)
    yield "sigmoid", "other factor forgotten", lambda d, s: d * (1 - s), ("factor",)
    yield "sigmoid", "tanh's slope", lambda d, s: d * (1 - s * s), ("factor", "right with", "one is used for")
    yield "sigmoid", "one plus", lambda d, s: d * s * (1 + s), ("sign",)
    yield "tanh", "of the input", lambda d, out: d * (1 - np.arctanh(out)**2), ("right with", "output")
    yield "tanh", "not squared", lambda d, out: d * (1 - out), ("factor",)
    yield "tanh", "sigmoid's slope", lambda d, out: d * out * (1 - out), ("right with",)
    yield "gelu", "rounded constant", lambda d, c: right("gelu", d, (c[0], np.tanh(0.79788 * (c[0] + 0.044715 * c[0]**3)))), ("constant", "small relative")
    yield "gelu", "second term forgotten", lambda d, c: d * 0.5 * (1 + c[1]), ("term", "right with")
    yield "silu", "second term forgotten", lambda d, c: d * c[1], ("term", "right with")
    yield "softplus", "sign in exp", lambda d, x: d * 0.5 * (1 - np.tanh(0.5 * x)), ("sign",)
    yield "elu", "dead below 0", lambda d, c: d * (c[0] > 0), ("< 0",)
    yield "square", "two forgotten", lambda d, x: x * d, ("half",)
    yield "square", "x forgotten", lambda d, x: 2 * d, ("factor",)
    yield "softmax", "no sum", lambda d, out: out * d, ("sum",)
    yield "softmax", "sum over the wrong axis", lambda d, out: out * (d - (out * d).sum(axis=0)), ("axis",)
    yield "softmax", "zeros", lambda d, out: np.zeros_like(out), ("is 0",)
    yield "softmax", "out not in the sum", lambda d, out: out * (d - d.sum(axis=1, keepdims=True)), ("sum",)
    yield "softmax", "elementwise slope", lambda d, out: d * out * (1 - out), ("sum", "proportional", "right with", "part")
    yield "softmax", "sign of the sum", lambda d, out: out * (d + (out * d).sum(axis=1, keepdims=True)), ("sum", "sign")
    yield "log_softmax", "no sum", lambda d, out: d - np.exp(out) * d, ("sum", "part")
    yield "log_softmax", "straight", lambda d, out: d, ("dout itself",)
    yield "cross_entropy", "label forgotten", lambda d, c: d * np.exp(c[0]) / B, ("one entry of each row",)
    yield "cross_entropy", "sum for mean", lambda d, c: B * right("cross_entropy", d, c), ("batch",)
    yield "cross_entropy", "dout ignored", lambda d, c: right("cross_entropy", 1.0, c), ("ignores dout",)
    yield "cross_entropy", "sign", lambda d, c: -right("cross_entropy", d, c), ("sign",)
    yield "cross_entropy", "logits for probabilities", lambda d, c: right("cross_entropy", d, (c[0] + 0.5, c[1])), ("one entry", "term")
    yield "mse", "two forgotten", changed("mse", 0, lambda g: g / 2), ("half",)
    yield "mse", "sign of the second", changed("mse", 1, np.negative), ("sign",)
    yield "mse", "sum for mean", changed("mse", 0, lambda g: g * B), ("batch",)
    yield "layer_norm", "no mean term", lambda d, c: ((d * c[2] - c[0] * (d * c[2] * c[0]).mean(axis=1, keepdims=True)) / c[1], *right("layer_norm", d, c)[1:]), ("mean",)
    yield "layer_norm", "no variance term", lambda d, c: ((d * c[2] - (d * c[2]).mean(axis=1, keepdims=True)) / c[1], *right("layer_norm", d, c)[1:]), ("variance",)
    yield "layer_norm", "statistics taken as constant", lambda d, c: (d * c[2] / c[1], *right("layer_norm", d, c)[1:]), ("mean", "variance")
    yield "layer_norm", "gain forgotten", lambda d, c: (right("layer_norm", d, (c[0], c[1], 1))[0], *right("layer_norm", d, c)[1:]), ("gain",)
    yield "layer_norm", "std forgotten", lambda d, c: (right("layer_norm", d, c)[0] * c[1], *right("layer_norm", d, c)[1:]), ("scale", "factor")
    yield "layer_norm", "order of gain and bias", lambda d, c: tuple(right("layer_norm", d, c)[i] for i in (0, 2, 1)), ("order",)
    yield "layer_norm", "gain's gradient from x", lambda d, c: (right("layer_norm", d, c)[0], (d * c[0] * c[1]).sum(axis=0), d.sum(axis=0)), ("right with", "factor", "sum")
    yield "rms_norm", "norm taken as constant", lambda d, c: (c[1] * d / c[2], (d * c[0] / c[2]).sum(axis=0)), ("norm",)
    yield "rms_norm", "sum for mean", lambda d, c: ((c[1] * d - c[0] * (c[1] * d * c[0]).sum(axis=1, keepdims=True) / c[2]**2) / c[2], (d * c[0] / c[2]).sum(axis=0)), ("norm", "mean for sum")
    yield "rms_norm", "first power", lambda d, c: ((c[1] * d - c[0] * (c[1] * d * c[0]).mean(axis=1, keepdims=True) / c[2]) / c[2], (d * c[0] / c[2]).sum(axis=0)), ("norm", "right with")
    yield "rms_norm", "gain not summed", lambda d, c: (right("rms_norm", d, c)[0], d * c[0] / c[2]), ("sum",)
    yield "rms_norm", "eps forgotten", lambda d, c: right("rms_norm", d, (c[0], c[1], np.sqrt(c[2]**2 - 1e-5))), ("eps",)
    yield "batch_norm", "no mean term", lambda d, c: ((d * c[3] - c[0] * (d * c[3] * c[0]).mean(axis=0)) / c[2], *right("batch_norm", d, c)[1:]), ("mean",)
    yield "batch_norm", "statistics of the rows", lambda d, c: ((d * c[3] - (d * c[3]).mean(axis=1, keepdims=True) - c[0] * (d * c[3] * c[0]).mean(axis=0)) / c[2], *right("batch_norm", d, c)[1:]), ("axis", "mean")
    yield "l2_norm", "norm taken as constant", lambda d, c: d / c[1], ("norm",)
    yield "l2_norm", "squared norm", lambda d, c: (d - c[0] * (c[0] * d).sum(axis=1, keepdims=True)) / c[1]**2, ("scale", "norm")
    yield "l2_norm", "norm of the first row", lambda d, c: (d - c[0] * (c[0] * d).sum(axis=1, keepdims=True)) / c[1][:1], ("scale", "norm", "first row")
    yield "embedding", "= for +=", _assigned, ("repeat", "index")
    yield "embedding", "fancy +=", _fancy, ("repeat", "index")
    yield "embedding", "last position forgotten", _short, ("last",)
    yield "concat", "swapped halves", lambda d, n: (d[:, -n:], d[:, :-n]), ("shifted", "order", "right if dout", "right with", "slices")
    yield "concat", "first twice", lambda d, n: (d[:, :n], d[:, :n + 1]), ("shifted", "order", "right if dout", "right with", "slices")
    yield "add_positions", "not summed", lambda d, c: (d, d), ("sum",)
    yield "add_positions", "mean", lambda d, c: (d, d.mean(axis=0)), ("batch",)
    yield "multiply", "own factor", lambda d, c: (d * c[0], d * c[1]), ("order", "exchanged")
    yield "multiply", "order", lambda d, c: (d * c[0], d * c[1])[::1], ("order", "exchanged")
    yield "multiply", "plus for times", lambda d, c: (d, d), ("factor", "dout itself")
    yield "ratio", "square forgotten", lambda d, c: (d / (1 + c[1]**2), -2 * d * c[0] * c[1] / (1 + c[1]**2)), ("factor", "right with", "one is used for")
    yield "ratio", "sign", lambda d, c: (d / (1 + c[1]**2), 2 * d * c[0] * c[1] / (1 + c[1]**2)**2), ("sign",)
    yield "batch_matmul", "no transpose", lambda d, c: (d @ c[1].reshape(B, K, D), c[0].swapaxes(1, 2) @ d), ("transpose", "right with")
    yield "attention", "scale forgotten", lambda d, c: (right("attention", d, c)[0], np.sqrt(D) * right("attention", d, c)[1], *right("attention", d, c)[2:]), ("root",)
    yield "attention", "q and k swapped", lambda d, c: tuple(right("attention", d, c)[i] for i in (0, 2, 1, 3)), ("order",)
    yield "attention", "values' path forgotten", lambda d, c: (right("attention", d, c)[0] - c[4].swapaxes(1, 2) @ d @ c[7].T, *right("attention", d, c)[1:]), ("path", "part", "goes through", "a term less")
    yield "attention", "pattern not transposed", lambda d, c: (*right("attention", d, c)[:3], (c[0].swapaxes(1, 2) @ (c[4] @ d)).sum(axis=0)), ("transpose",)
    yield "max_pool", "gradient to ties twice", _ties, ("tie",)
    yield "max_pool", "always the first", lambda d, c: right("max_pool", d, (0 * c[0], c[1])), ("largest", "wrong exactly", "right with", "max", "wrong places")
    yield "mean_pool", "not divided", lambda d, s: np.repeat(d[:, None], s[1], axis=1), ("times too large",)
    yield "mean_pool", "tiled", lambda d, s: np.repeat(d, s[1], axis=0).reshape(s)[::-1] / s[1], ("flipped", "dout were")
    yield "convolution", "kernel flipped", lambda d, c: (right("convolution", d, c)[0], right("convolution", d, c)[1][::-1]), ("flipped",)
    yield "convolution", "overlap overwritten", _overwritten, ("overlap", "+=", "wrong exactly", "sum")
    yield "convolution", "dx shifted", lambda d, c: (np.roll(right("convolution", d, c)[0], 1, axis=1), right("convolution", d, c)[1]), ("shifted",)
    yield "dropout", "mask forgotten", lambda d, m: d / 0.7, ("False",)
    yield "dropout", "not rescaled", lambda d, m: d * m, ("0.7", "times", "constant")
    yield "dropout", "mask inverted", lambda d, m: d * ~m / 0.7, ("mask", "right with")
    yield "cumsum", "no flips", lambda d, c: np.cumsum(d, axis=1), ("transpose", "reversed")
    yield "cumsum", "one flip", lambda d, c: np.cumsum(d[:, ::-1], axis=1), ("flipped",)
    yield "glu", "gate's path forgotten", lambda d, c: ((d * c[4]) @ c[1].T, *right("glu", d, c)[1:]), ("goes through", "path")
    yield "huber", "never linear", lambda d, r: (d * r, -d * r), ("where", "beyond", "wrong exactly", "factor", "right with")
    yield "huber", "sign of the second", lambda d, r: (right("huber", d, r)[0],) * 2, ("sign",)
    yield "logistic_loss", "label forgotten", lambda d, c: right("logistic_loss", d, (c[0], 0)), ("where", "wrong exactly")
    yield "logistic_loss", "batch only", lambda d, c: right("logistic_loss", d, c) * D, ("times too large",)
    yield "bilinear", "mean over the batch", lambda d, c: (right("bilinear", d, c)[0], right("bilinear", d, c)[1] / B, right("bilinear", d, c)[2]), ("batch",)
    yield "rnn", "no recurrence", _truncated, ("path", "part", "goes through", "right with", "uses")
    yield "rnn", "forwards in time", lambda d, c: tuple(g[:, ::-1] if g.ndim == 3 else g for g in right("rnn", d, c)), ("flipped",)
    yield "cosine", "norms taken as constant", lambda d, c: (d[:, None] * c[1] / (c[2] * c[3])[:, None], d[:, None] * c[0] / (c[2] * c[3])[:, None]), ("norm",)
    yield "clip", "open above", lambda d, x: d * (x > -0.5), ("wrong exactly where",)
    yield "clip", "straight through", lambda d, x: d, ("dout itself",)
    yield "transpose", "the same axes again", lambda d, c: d.transpose(2, 0, 1).reshape(B, T, D), ("order", "transpose", "reshape")
    yield "transpose", "reshape", lambda d, c: d.reshape(B, T, D), ("order", "reshape")
    yield "logsumexp", "not normalised", lambda d, c: d[:, None] * np.exp(c[0]), ("scale",)
    yield "hinge", "label forgotten", lambda d, c: d * (c[0] > 0.0), ("one entry of each row",)
    yield "hinge", "label once", _hinge_once, ("one entry of each row",)
    yield "residual_scale", "skip forgotten", lambda d, c: (d * c[1] * (1 - c[0]**2), right("residual_scale", d, c)[1]), ("skip",)
    yield "residual_scale", "branch forgotten", lambda d, c: (d, right("residual_scale", d, c)[1]), ("dout itself",)
    yield "maximum", "both", lambda d, c: (d, d), ("dout itself",)
    yield "maximum", "exchanged", lambda d, c: right("maximum", d, c)[::-1], ("order", "swapped")
    yield "pad", "shifted", lambda d, c: d[:, :-3], ("shifted", "dout were")
    yield "pad", "not cut", lambda d, c: d, ("shape",)


def _assigned(dout, cache):
    shape, idx = cache
    dtable = np.zeros(shape)
    dtable[idx] = dout
    return dtable


def _fancy(dout, cache):
    shape, idx = cache
    dtable = np.zeros(shape)
    dtable[idx] += dout
    return dtable


def _short(dout, cache):
    shape, idx = cache
    dtable = np.zeros(shape)
    np.add.at(dtable, idx[:, :-1], dout[:, :-1])
    return dtable


def _ties(dout, cache):
    x, out = cache
    return (x.reshape(len(x), 4, 2, -1) == out[:, :, None]).reshape(x.shape) * np.repeat(dout, 2, axis=1)


def _overwritten(dout, cache):
    x, w = cache
    dx = np.zeros(x.shape)
    for i in range(len(w)):
        dx[:, i:i + dout.shape[1]] = w[i] * dout
    return dx, right("convolution", dout, cache)[1]


def _truncated(dout, cache):
    x, W, _U, h = cache
    dpre = dout * (1 - h[:, 1:]**2)
    return dpre @ W.T, np.einsum("btd,btk->dk", x, dpre), np.einsum("btd,btk->dk", h[:, :-1], dpre), dpre.sum(axis=(0, 1))


def _hinge_once(dout, cache):
    margins, y = cache
    dx = (margins > 0).astype(float)
    dx[np.arange(len(y)), y] = -1
    return dout * dx


def _guilty():
    """(layer, mistake, forward, backward, words): state, side effects and broken forwards, made anew for each call."""
    linear, soft, drop = LAYERS["linear"], LAYERS["softmax"], LAYERS["dropout"]
    state = {}

    def total(dout, cache):
        state["dW"] = state.get("dW", 0) + right("linear", dout, cache)[1]
        return right("linear", dout, cache)[0], state["dW"], dout.sum(axis=0)

    yield "linear", "accumulates over calls", linear.forward, total, ("accumulate", "state")

    def in_cache(dout, cache):
        cache[0][...] *= 2
        return right("linear", dout, (cache[0] / 2, cache[1]))

    yield "linear", "changes its cache", lambda x, W, b: (x @ W + b, (x.copy(), W)), in_cache, ("cache",)

    def remember(x, W, b):
        state["x"] = x.copy()
        return x @ W + b, (x, W)

    yield "linear", "stale closure", remember, lambda d, c: right("linear", d, (state["x"], c[1])), ("another forward",)
    buffer = np.zeros((B, K))

    def into_buffer(x, W, b):
        np.add(x @ W, b, out=buffer[:len(x)])
        return buffer[:len(x)], (x, W)

    yield "linear", "shared output", into_buffer, linear.backward, ("buffer",)
    gradient = np.zeros((D, K))

    def into_gradient(dout, cache):
        gradient[...] = cache[0].T @ dout
        return dout @ cache[1].T, gradient, dout.sum(axis=0)

    yield "linear", "shared gradient", linear.forward, into_gradient, ("buffer",)

    def scaled_input(x, W, b):
        x *= 2
        return x @ W + b, (x, W)

    yield "linear", "input changed", scaled_input, linear.backward, ("forward changes", "in place")

    def relu_in_place(dout, x):
        dout[x <= 0] = 0
        return dout

    yield "relu", "dout changed", LAYERS["relu"].forward, relu_in_place, ("dout in place",)

    def softmax_in_place(dout, out):
        dout -= (dout * out).sum(axis=1, keepdims=True)
        return out * dout

    yield "softmax", "dout changed", soft.forward, softmax_in_place, ("dout in place",)

    def cache_in_place(dout, out):
        out *= dout - (out * dout).sum(axis=1, keepdims=True)
        return out

    yield "softmax", "output changed", soft.forward, cache_in_place, ("output in place",)

    def input_in_place(dout, x):
        x[...] = x > 0
        return dout * x

    yield "relu", "input changed by backward", LAYERS["relu"].forward, input_in_place, ("backward changes",)
    rng = np.random.default_rng(7)

    def new_mask(x, mask):
        mask = rng.random(x.shape) < 0.7
        return x * mask / 0.7, mask

    yield "dropout", "new mask at every call", new_mask, drop.backward, ("random",)
    yield "dropout", "new mask in backward", drop.forward, lambda d, m: d * (rng.random(d.shape) < 0.7) / 0.7, ("second backward",)
    yield "square", "memory order", LAYERS["square"].forward, lambda d, x: 2 * x * d.ravel(order="K").reshape(x.shape), ("memory layout",)
    yield "square", "integer output", lambda x: (np.round(x * x).astype(int), x), LAYERS["square"].backward, ("dtype",)
    yield "square", "output rounded", lambda x: (np.round(x * x, 3), x), LAYERS["square"].backward, ("forward", "rounded")
    yield "square", "float32 hidden", lambda x: ((x * x).astype(np.float32).astype(float), x), LAYERS["square"].backward, ("float32",)
    yield "square", "float32 cache", lambda x: (x * x, x.astype(np.float32)), lambda d, x: 2.0 * x * d, ("float32",)
    yield "square", "no cache", lambda x: x * x, lambda d, x: 2 * x * d, ("(out, cache)",)
    yield "square", "input not used", lambda x: (np.ones(x.shape), x), LAYERS["square"].backward, ("does not depend",)
    yield "softmax", "overflow", lambda x: 2 * (np.exp(400 * x) / np.exp(400 * x).sum(axis=1, keepdims=True),), soft.backward, ("overflow",)
    yield "tanh", "grad of zeros for large", lambda x: (np.tanh(x), np.tanh(x)), lambda d, out: d * (1 - out**2) * (np.abs(out) < 0.9), ("wrong exactly where",)


def planted():
    """The mistakes made by hand, each at fresh inputs; new objects every time, as some keep state."""
    ties = {"relu: slope 2 at 0": lambda x: np.round(x), "max_pool: gradient to ties twice": np.round}
    for name, mistake, forward, backward, words in [*((name, mistake, None, backward, words) for name, mistake, backward, words in
                                                      _wrong_backwards()), *_guilty()]:
        kind, full = LAYERS[name], f"{name}: {mistake}"
        inputs = kind.draw(np.random.default_rng(100))
        inputs = [ties[full](x) for x in inputs] if full in ties else inputs
        forward = kind.forward if forward is None else forward
        if full == "max_pool: gradient to ties twice":
            def forward(x, right=kind.forward):
                return right(x)[0], (x, right(x)[0])
        yield Mistake(full, forward, backward, inputs, words)


# ------------------------------------------------------------------------------------------------- mutants
class Mutation(ast.NodeTransformer):
    """Changes the ``target``-th place that one rule applies to; counts the places when ``target`` is None."""

    def __init__(self, rule, target=None):
        self.rule, self.target, self.count = rule, target, 0

    def generic_visit(self, node):
        super().generic_visit(node)
        changed = self.rule(node)
        if changed is None:
            return node
        self.count += 1
        return ast.copy_location(changed, node) if self.count - 1 == self.target else node


def _operator(old, new):
    def rule(node):
        if isinstance(node, ast.BinOp) and isinstance(node.op, old):
            return ast.BinOp(node.left, new(), node.right)
    return rule


def _side(old, side):
    def rule(node):
        if isinstance(node, ast.BinOp) and isinstance(node.op, old):
            return getattr(node, side)
    return rule


def _comparison(node):
    swap = {ast.Gt: ast.Lt, ast.Lt: ast.Gt, ast.GtE: ast.LtE}
    if isinstance(node, ast.Compare) and type(node.ops[0]) in swap:
        return ast.Compare(node.left, [swap[type(node.ops[0])]()], node.comparators)


def _constant(node):
    if isinstance(node, ast.Constant) and isinstance(node.value, float) and node.value:
        return ast.Constant(1.1 * node.value)
    if isinstance(node, ast.Constant) and isinstance(node.value, int) and node.value > 1:
        return ast.Constant(node.value + 1)


def _axis(node):
    if isinstance(node, ast.keyword) and node.arg == "axis" and isinstance(node.value, ast.Constant):
        return ast.keyword("axis", ast.Constant({0: 1, 1: 0, -1: -2}.get(node.value.value, 0)))


def _transpose(node):
    if isinstance(node, ast.Attribute) and node.attr == "T":
        return node.value
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "swapaxes":
        return node.func.value


def _reduction(node):
    swap = {"sum": "mean", "mean": "sum"}
    if isinstance(node, ast.Attribute) and node.attr in swap and isinstance(node.ctx, ast.Load):
        return ast.Attribute(node.value, swap[node.attr], node.ctx)


def _negated(node):
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return node.operand


def _assignment(node):
    if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add):
        return ast.Assign([node.target], node.value)


def _order(node):
    if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
        first, second, *rest = node.value.elts
        return ast.Return(ast.Tuple([second, first, *rest], ast.Load()))


# rule: (what it does to the tree, words of which one must be in the message)
RULES = {
    "+ to -": (_operator(ast.Add, ast.Sub), ("sign", "lacks", "too much", "term", "path", "part", "dout were", "had the opposite", "multiple")),
    "- to +": (_operator(ast.Sub, ast.Add), ("sign", "lacks", "too much", "term", "path", "part", "factor", "multiple", "should be 0")),
    "* to /": (_operator(ast.Mult, ast.Div), ("divided", "factor", "part", "term", "finite", "inf", "nan", "scale", "times", "where", "path")),
    "/ to *": (_operator(ast.Div, ast.Mult), ("multiplied", "factor", "part", "term", "scale", "times", "path")),
    "a + b to a": (_side(ast.Add, "left"), ("lacks", "term", "path", "part", "is 0", "factor", "wrong only", "multiple", "constant")),
    "a + b to b": (_side(ast.Add, "right"), ("lacks", "term", "path", "part", "is 0", "factor", "wrong only", "multiple", "constant")),
    "a - b to a": (_side(ast.Sub, "left"), ("lacks", "term", "part", "factor", "too much", "wrong only", "should be 0", "dout itself", "multiple")),
    "a - b to b": (_side(ast.Sub, "right"), ("lacks", "term", "part", "factor", "sign", "path", "multiple")),
    "a * b to a": (_side(ast.Mult, "left"), ("factor", "lacks", "ignores dout", "dout", "part", "times", "half", "scale", "term", "path", "where")),
    "a * b to b": (_side(ast.Mult, "right"), ("factor", "lacks", "ignores dout", "dout", "part", "times", "half", "scale", "term", "path", "where")),
    "a / b to a": (_side(ast.Div, "left"), ("factor", "times", "scale", "part", "term", "divided")),
    "< to >": (_comparison, ("where", "at the", "wrong exactly", "is 0")),
    "constant": (_constant, ("times", "factor", "constant", "twice", "half", "where", "term", "part", "path", "shape", "shifted", "scale")),
    "axis": (_axis, ("axis", "row", "column")),
    "transpose": (_transpose, ("transpose", "order")),
    "sum to mean": (_reduction, ("times", "factor", "mean", "sum", "half", "twice")),
    "minus dropped": (_negated, ("sign", "term", "part", "factor")),
    "+= to =": (_assignment, ("more than once", "repeat", "wrong only", "last", "+=", "sum", "path", "overlap", "first")),
    "order": (_order, ("order", "swapped", "shape")),
}


def mutants():
    """Every `RULES` place of every right backward, those left out whose gradients are right after all."""
    for name, kind in LAYERS.items():
        source = textwrap.dedent(inspect.getsource(kind.backward))
        for rule, (change, words) in RULES.items():
            counting = Mutation(change)
            counting.visit(ast.parse(source))
            for place in range(counting.count):
                tree = ast.fix_missing_locations(Mutation(change, place).visit(ast.parse(source)))
                scope, file = {"np": np}, f"<{name}: {rule} {place}>"
                text = ast.unparse(tree)
                exec(compile(text, file, "exec"), scope)
                # So that inspect.getsource finds it, as it finds a function in a file.
                linecache.cache[file] = len(text), None, text.splitlines(keepends=True), file
                inputs = kind.draw(np.random.default_rng(100))
                if _matters(kind, scope["backward"], inputs):
                    yield Mistake(f"{name}: {rule} {place}", kind.forward, scope["backward"], inputs, words)


def _matters(kind, backward, inputs):
    """Whether a backward differs from the right one by more than a rounding, or fails, at these inputs."""
    out, cache = kind.forward(*inputs)
    dout = np.random.default_rng(101).normal(size=np.shape(out))
    right = kind.backward(dout, cache)
    try:
        with np.errstate(all="ignore"):
            wrong = backward(dout, kind.forward(*inputs)[1])
    except Exception:
        return True
    right, wrong = (one if isinstance(one, tuple) else (one,) for one in (right, wrong))
    return len(right) != len(wrong) or any(np.shape(a) != np.shape(b) or not np.allclose(a, b, rtol=1e-9, atol=1e-12)
                                           for a, b in zip(right, wrong, strict=True))

