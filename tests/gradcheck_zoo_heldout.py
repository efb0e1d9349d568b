"""Layers and mistakes written after the gradient kit was finished, to see how it does on what its rules have not seen.

The same form as `gradcheck_zoo.planted`; the first measurement, before anything was changed in view of it, is in the
history of this file. Every right layer here has to pass, every mistake to be found.
"""

import numpy as np
from gradcheck_zoo import Mistake

B, T, D, H = 3, 4, 6, 2


def group_norm(x, gain):
    g = x.reshape(len(x), H, -1)
    std = np.sqrt(g.var(axis=2, keepdims=True) + 1e-5)
    h = ((g - g.mean(axis=2, keepdims=True)) / std).reshape(x.shape)
    return gain * h, (h, std, gain)


def group_norm_backward(dout, cache):
    h, std, gain = cache
    d, hg = (dout * gain).reshape(len(h), H, -1), h.reshape(len(h), H, -1)
    dx = (d - d.mean(axis=2, keepdims=True) - hg * (d * hg).mean(axis=2, keepdims=True)) / std
    return dx.reshape(h.shape), (dout * h).sum(axis=0)


def group_norm_of_the_row(dout, cache):
    h, std, gain = cache
    d, hg = (dout * gain).reshape(len(h), H, -1), h.reshape(len(h), H, -1)
    dx = (d - d.mean(axis=(1, 2), keepdims=True) - hg * (d * hg).mean(axis=2, keepdims=True)) / std
    return dx.reshape(h.shape), (dout * h).sum(axis=0)


def prelu(x, slope):
    return np.where(x > 0, x, slope * x), (x, slope)


def prelu_backward(dout, cache):
    x, slope = cache
    return dout * np.where(x > 0, 1, slope), (dout * np.minimum(x, 0)).sum(axis=0)


def prelu_slope_of_everything(dout, cache):
    x, slope = cache
    return dout * np.where(x > 0, 1, slope), (dout * x).sum(axis=0)


def mish(x):
    t = np.tanh(np.logaddexp(0, x))
    return x * t, (x, t)


def mish_backward(dout, cache):
    x, t = cache
    s = 0.5 + 0.5 * np.tanh(0.5 * x)
    return dout * (t + x * (1 - t**2) * s)


def mish_without_inner_slope(dout, cache):
    x, t = cache
    return dout * (t + x * (1 - t**2))


def rotate(x, angle):
    a, b = x[..., ::2], x[..., 1::2]
    out = np.empty_like(x)
    out[..., ::2], out[..., 1::2] = a * np.cos(angle) - b * np.sin(angle), a * np.sin(angle) + b * np.cos(angle)
    return out, (x, angle)


def rotate_backward(dout, cache):
    x, angle = cache
    a, b, da, db = x[..., ::2], x[..., 1::2], dout[..., ::2], dout[..., 1::2]
    dx = np.empty_like(x)
    dx[..., ::2], dx[..., 1::2] = da * np.cos(angle) + db * np.sin(angle), db * np.cos(angle) - da * np.sin(angle)
    dangle = da * (-a * np.sin(angle) - b * np.cos(angle)) + db * (a * np.cos(angle) - b * np.sin(angle))
    return dx, dangle.sum(axis=0)


def rotate_forwards_again(dout, cache):
    return rotate(dout, cache[1])[0], rotate_backward(dout, cache)[1]


def circular(x, w):
    return np.fft.irfft(np.fft.rfft(x) * np.fft.rfft(w), n=x.shape[-1]), (x, w)


def circular_backward(dout, cache):
    x, w = cache
    d = np.fft.rfft(dout)
    back = np.fft.irfft(d * np.conj(np.fft.rfft(x)), n=x.shape[-1])
    return np.fft.irfft(d * np.conj(np.fft.rfft(w)), n=x.shape[-1]), back.sum(axis=0)


def circular_without_conjugate(dout, cache):
    return np.fft.irfft(np.fft.rfft(dout) * np.fft.rfft(cache[1]), n=dout.shape[-1]), circular_backward(dout, cache)[1]


def weight_norm(x, V, g):
    n = np.sqrt((V**2).sum(axis=0))
    return x @ (g * V / n), (x, V, g, n)


def weight_norm_backward(dout, cache):
    x, V, g, n = cache
    dW = x.T @ dout
    dg = (dW * V).sum(axis=0) / n
    return dout @ (g * V / n).T, g * dW / n - g * dg * V / n**2, dg


def weight_norm_constant(dout, cache):
    x, _V, g, n = cache
    dx, _, dg = weight_norm_backward(dout, cache)
    return dx, g * (x.T @ dout) / n, dg


def kl(p_logits, q_logits):
    p, q = (np.exp(z - z.max(axis=1, keepdims=True)) for z in (p_logits, q_logits))
    p, q = p / p.sum(axis=1, keepdims=True), q / q.sum(axis=1, keepdims=True)
    rows = (p * np.log(p / q)).sum(axis=1)
    return rows.mean(), (p, q, rows)


def kl_backward(dout, cache):
    p, q, rows = cache
    return dout * p * (np.log(p / q) - rows[:, None]) / len(p), dout * (q - p) / len(p)


def kl_without_rows(dout, cache):
    p, q, _rows = cache
    return dout * p * np.log(p / q) / len(p), dout * (q - p) / len(p)


def kl_the_other_way(dout, cache):
    p, q, _rows = cache
    return kl_backward(dout, cache)[0], dout * (p - q) / len(p)


def distances(x, y):
    d = x[:, None] - y[None]
    out = np.sqrt((d**2).sum(axis=2))
    return out, (d, out)


def distances_backward(dout, cache):
    d, out = cache
    g = dout[..., None] * d / out[..., None]
    return g.sum(axis=1), -g.sum(axis=0)


def distances_squared(dout, cache):
    g = 2 * dout[..., None] * cache[0]
    return g.sum(axis=1), -g.sum(axis=0)


def distances_wrong_axes(dout, cache):
    d, out = cache
    g = dout[..., None] * d / out[..., None]
    return g.sum(axis=1), g.sum(axis=0)


def smoothing(x, y):
    z = x - x.max(axis=1, keepdims=True)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    t = np.full(x.shape, 0.1 / x.shape[1])
    t[np.arange(len(y)), y] += 0.9
    return -(t * np.log(p)).sum() / len(x), (p, t)


def smoothing_backward(dout, cache):
    p, t = cache
    return dout * (p - t) / len(p)


def smoothing_forgotten(dout, cache):
    p, t = cache
    return dout * (p - (t > 0.5)) / len(p)


def average(x):
    return np.lib.stride_tricks.sliding_window_view(x, 3, axis=1).mean(axis=-1), x.shape


def average_backward(dout, shape):
    dx = np.zeros(shape)
    for i in range(3):
        dx[:, i:i + dout.shape[1]] += dout / 3
    return dx


def average_without_overlap(dout, shape):
    dx = np.zeros(shape)
    dx[:, 1:-1] = dout
    return dx


def average_short(dout, shape):
    dx = np.zeros(shape)
    for i in range(2):
        dx[:, i:i + dout.shape[1]] += dout / 3
    return dx


def upsample(x):
    return np.repeat(x, 2, axis=1), None


def upsample_backward(dout, cache):
    return dout.reshape(len(dout), -1, 2).sum(axis=2)


def upsample_every_second(dout, cache):
    return dout[:, ::2].copy()


def upsample_mean(dout, cache):
    return dout.reshape(len(dout), -1, 2).mean(axis=2)


def quadratic(x, A):
    return np.einsum("bi,ij,bj->b", x, A, x), (x, A)


def quadratic_backward(dout, cache):
    x, A = cache
    return dout[:, None] * (x @ A + x @ A.T), np.einsum("b,bi,bj->ij", dout, x, x)


def quadratic_as_if_symmetric(dout, cache):
    x, A = cache
    return 2 * dout[:, None] * (x @ A), quadratic_backward(dout, cache)[1]


def inverse(A):
    out = np.linalg.inv(A)
    return out, out


def inverse_backward(dout, out):
    return -out.T @ dout @ out.T


def inverse_untransposed(dout, out):
    return -out @ dout @ out


def inverse_sign(dout, out):
    return out.T @ dout @ out.T


def moving(x, a):
    out, h = np.zeros(x.shape), 0.0
    for t in range(x.shape[1]):
        h = a * h + (1 - a) * x[:, t]
        out[:, t] = h
    return out, (x, a, out)


def moving_backward(dout, cache):
    x, a, out = cache
    dx, da, dh = np.zeros(x.shape), np.zeros(a.shape), 0.0
    for t in reversed(range(x.shape[1])):
        dh = dout[:, t] + a * dh
        dx[:, t] = (1 - a) * dh
        da += (dh * ((out[:, t - 1] if t else 0) - x[:, t])).sum(axis=0)
    return dx, da


def moving_without_decay(dout, cache):
    x, a, _out = cache
    dx, dh = np.zeros(x.shape), 0.0
    for t in reversed(range(x.shape[1])):
        dh = dout[:, t] + dh
        dx[:, t] = (1 - a) * dh
    return dx, moving_backward(dout, cache)[1]


def moving_wraps_around(dout, cache):
    x, a, out = cache
    dx, da, dh = np.zeros(x.shape), np.zeros(a.shape), 0.0
    for t in reversed(range(x.shape[1])):
        dh = dout[:, t] + a * dh
        dx[:, t] = (1 - a) * dh
        da += (dh * (out[:, t - 1] - x[:, t])).sum(axis=0)
    return dx, da


def gather(x, order):
    return np.take_along_axis(x, order, axis=1), (x.shape, order)


def gather_backward(dout, cache):
    shape, order = cache
    dx = np.zeros(shape)
    np.put_along_axis(dx, order, dout, axis=1)
    return dx


def gather_again(dout, cache):
    return np.take_along_axis(dout, cache[1], axis=1)


def temperature(x, t):
    z = x / t
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p = p / p.sum(axis=1, keepdims=True)
    return p, (x, t, p)


def temperature_backward(dout, cache):
    x, t, p = cache
    dz = p * (dout - (dout * p).sum(axis=1, keepdims=True))
    return dz / t, -(dz * x).sum(axis=1, keepdims=True) / t**2


def temperature_forgotten(dout, cache):
    x, t, p = cache
    dz = p * (dout - (dout * p).sum(axis=1, keepdims=True))
    return dz, -(dz * x).sum(axis=1, keepdims=True) / t**2


def temperature_power(dout, cache):
    x, t, p = cache
    dz = p * (dout - (dout * p).sum(axis=1, keepdims=True))
    return dz / t, -(dz * x).sum(axis=1, keepdims=True) / t


def gate(h, x, U, W):
    z = 0.5 + 0.5 * np.tanh(0.5 * (h @ U + x @ W))
    return z * h + (1 - z) * np.tanh(x[:, :h.shape[1]]), (h, x, U, W, z)


def gate_backward(dout, cache):
    h, x, U, W, z = cache
    c = np.tanh(x[:, :h.shape[1]])
    da = dout * (h - c) * z * (1 - z)
    dx = da @ W.T
    dx[:, :h.shape[1]] += dout * (1 - z) * (1 - c**2)
    return dout * z + da @ U.T, dx, h.T @ da, x.T @ da


def gate_without_carry(dout, cache):
    h, x, U, _W, z = cache
    da = dout * (h - np.tanh(x[:, :h.shape[1]])) * z * (1 - z)
    return da @ U.T, *gate_backward(dout, cache)[1:]


def gate_weights_swapped(dout, cache):
    h, x, _U, _W, z = cache
    da = dout * (h - np.tanh(x[:, :h.shape[1]])) * z * (1 - z)
    return *gate_backward(dout, cache)[:2], da.T @ h, x.T @ da


def heldout_layers():
    """{name: (forward, right backward, inputs)}."""
    rng = np.random.default_rng(11)
    x, square = rng.normal(size=(B, D)), rng.normal(size=(D, D)) + 3 * np.eye(D)
    return {
        "group norm": (group_norm, group_norm_backward, [x, rng.normal(size=D)]),
        "prelu": (prelu, prelu_backward, [x, rng.normal(size=D)]),
        "mish": (mish, mish_backward, [x]),
        "rotary": (rotate, rotate_backward, [x, rng.normal(size=D // 2)]),
        "circular convolution": (circular, circular_backward, [x, rng.normal(size=D)]),
        "weight norm": (weight_norm, weight_norm_backward, [x, rng.normal(size=(D, T)), rng.normal(size=T)]),
        "kl": (kl, kl_backward, [x, rng.normal(size=(B, D))]),
        "distances": (distances, distances_backward, [x, rng.normal(size=(T, D))]),
        "label smoothing": (smoothing, smoothing_backward, [x, np.array([1, 5, 0])]),
        "moving window": (average, average_backward, [x]),
        "upsampling": (upsample, upsample_backward, [x]),
        "quadratic form": (quadratic, quadratic_backward, [x, square]),
        "inverse": (inverse, inverse_backward, [square]),
        "exponential average": (moving, moving_backward, [rng.normal(size=(B, T, D)), rng.uniform(0.2, 0.8, D)]),
        "gather": (gather, gather_backward, [x, np.argsort(rng.random((B, D)), axis=1)]),
        "temperature": (temperature, temperature_backward, [x, rng.uniform(0.5, 2, (B, 1))]),
        "gate": (
            gate,
            gate_backward,
            [x[:, :T].copy(), rng.normal(size=(B, D)), rng.normal(size=(T, T)), rng.normal(size=(D, T))],
        ),
    }


def heldout():
    layers = heldout_layers()
    for name, mistake, backward, words in (
        ("group norm", "mean over the whole row", group_norm_of_the_row, ("mean", "axis")),
        ("prelu", "slope's gradient of all entries", prelu_slope_of_everything, ("right with", "< 0", "> 0")),
        ("mish", "inner slope forgotten", mish_without_inner_slope, ("factor", "term")),
        ("rotary", "turned forwards again", rotate_forwards_again, ("transpose", "sign")),
        ("circular convolution", "no conjugate", circular_without_conjugate, ("transpose", "reversed", "flipped")),
        ("weight norm", "norm taken as constant", weight_norm_constant, ("norm",)),
        ("kl", "rows' term forgotten", kl_without_rows, ("sum", "term")),
        ("kl", "sign", kl_the_other_way, ("sign",)),
        ("distances", "of the square", distances_squared, ("factor", "scale", "right with")),
        ("distances", "sign of the second", distances_wrong_axes, ("sign",)),
        ("label smoothing", "forgotten", smoothing_forgotten, ("one entry", "right with", "term", "constant")),
        ("moving window", "overlap forgotten", average_without_overlap, ("overlap", "sum", "uses")),
        ("moving window", "last of each window forgotten", average_short, ("right with", "sum", "uses")),
        ("upsampling", "every second only", upsample_every_second, ("sum", "right with", "leaves out", "uses")),
        ("upsampling", "mean for sum", upsample_mean, ("half",)),
        ("quadratic form", "as if symmetric", quadratic_as_if_symmetric, ("transpose",)),
        ("inverse", "not transposed", inverse_untransposed, ("transpose",)),
        ("inverse", "sign", inverse_sign, ("sign",)),
        ("exponential average", "decay forgotten", moving_without_decay, ("factor", "right with", "goes through")),
        ("exponential average", "index -1", moving_wraps_around, ("right with", "first", "leaves out", "last")),
        ("gather", "gathered again", gather_again, ("places", "transpose", "index")),
        ("temperature", "not divided", temperature_forgotten, ("factor", "scale")),
        ("temperature", "first power", temperature_power, ("factor",)),
        ("gate", "carried state forgotten", gate_without_carry, ("term", "path", "goes through", "skip")),
        ("gate", "weight transposed", gate_weights_swapped, ("transpose", "exchanged", "order")),
    ):
        forward, _, inputs = layers[name]
        yield Mistake(f"{name}: {mistake}", forward, backward, inputs, words)
