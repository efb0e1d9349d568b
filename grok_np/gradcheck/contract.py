"""What every pair of passes must keep, whatever its formulas: checks that need a handful of calls and no differences.

In order: forward gives the same twice and leaves its inputs alone; gradients fit their inputs in number, shape and
dtype; backward leaves dout alone, gives the same twice, after another forward, and for any memory layout; it is linear
in dout; nothing inside is rounded to float32. The first failure explains the later ones, so it is the one raised.

Read next: `comparison`.
"""

import numpy as np

from grok_np.gradcheck.calls import REFUSALS, GradientError, flat, leaves, nearby, stream

SAME = 1e-10  # relative; sums in another order stay far below it


class Misshapen(GradientError):
    """A gradient of another shape than its input; `diagnosis` looks for the reason."""

    def __init__(self, path, gradients, message):
        super().__init__(message)
        self.path, self.gradients = path, gradients


def differs(a, b, tolerance=SAME):
    """Whether two arrays are not the same to within ``tolerance`` of the largest entry; nan equals nan."""
    largest = np.abs(np.where(np.isfinite(b), b, 0)).max(initial=0)
    return not np.allclose(a, b, rtol=0, atol=tolerance * largest, equal_nan=True)


def _other(layer, gradients, expected):
    """The name of the first input whose gradients are not the same, or None."""
    return next((layer.names[path] for path, value in expected.items() if differs(gradients[path], value)), None)


def typical(layer, path, outputs, dout):
    """Size of the numbers of which a gradient is made: what it is for a function of degree 1. They may cancel, as in a
    norm over a single entry, and leave their rounding."""
    return np.abs(dout * outputs).sum() / (np.abs(layer.point[path]).max(initial=0) or 1.0)


def _unchanged(who, layer, point):
    __tracebackhide__ = True
    for path, x in point.items():
        if not np.array_equal(x, layer.point[path], equal_nan=True):
            raise GradientError(f"{who} changes {layer.names[path]} in place\nwork on a copy: +=, out= or an "
                                "assignment, perhaps to a view, writes into the caller's array")


def _once_more(layer):
    """Call forward with other inputs; whether it took them."""
    try:
        layer.forward(nearby(layer.point, 1e-2, stream(2)))
    except REFUSALS:
        return False
    return True


def check_forward(layer):
    """(flat outputs, cache, out) of a forward that is deterministic and leaves its inputs and earlier outputs alone."""
    __tracebackhide__ = True
    point = layer.copy()
    outputs, cache, out = layer.forward(point)
    _unchanged("forward", layer, point)
    again = layer.forward(layer.copy())[0]
    if again.shape != outputs.shape or differs(again, outputs):
        raise GradientError("forward gives another output for the same inputs the second time\n"
                            "does it draw random numbers (a new mask), or keep state?")
    if _once_more(layer) and differs(flat(out), outputs, 0):
        raise GradientError("the next forward overwrites the output of the one before: both share one buffer\n"
                            "return a new array from forward")
    return outputs, cache, out


def check_backward(layer, douts):
    """Fit and purity of the backward; returns the gradients for both ``douts``."""
    __tracebackhide__ = True
    point = layer.copy()
    outputs, cache, out = layer.forward(point)
    given = layer.shaped(douts[0], out)
    raw, first = layer.backward(given, cache)
    _check_fit(layer, raw)
    if not np.array_equal(flat(given), douts[0]):
        raise GradientError("backward changes dout in place\n"
                            "whoever else uses dout (a skip path) gets the changed one: work on a copy")
    _unchanged("backward", layer, point)
    if differs(flat(out), outputs, 0):
        raise GradientError("backward changes the forward's output in place\nwork on a copy")

    def again():
        return layer.backward(layer.shaped(douts[0], out), cache)[1]

    second = again()
    if name := _other(layer, second, first):
        fresh = layer.backward(layer.shaped(douts[0], out), layer.forward(layer.copy())[1])[1]
        where = ("state outside the cache is kept from the earlier call" if _other(layer, fresh, first) else
                 "its cache is changed by the first call")
        twice = any(value.any() and not differs(second[path], 2 * value) for path, value in first.items())
        why = ("it is exactly twice the first: gradients accumulate (+=) from call to call" if twice else
               "backward must not change what it reads, add to what an earlier call left, nor draw random numbers")
        raise GradientError(
            f"a second backward with the same cache and dout gives another gradient of {name}: {where}\n{why}")
    other = layer.backward(layer.shaped(douts[1], out), cache)[1]
    if name := _other(layer, raw, first):
        raise GradientError(f"the next backward overwrites the gradient of {name} that the first one returned\n"
                            "both share one buffer: return a new array")
    if _once_more(layer) and (name := _other(layer, again(), first)):
        raise GradientError(f"another forward in between changes the gradient of {name}: state outside the cache\n"
                            "backward reads the latest forward's values (global, closure, attribute), not its cache")
    turned = layer.shaped(douts[0], out, order="F")
    for _, leaf in leaves(turned):
        if isinstance(leaf, np.ndarray):
            leaf.flags.writeable = False
    try:
        name = _other(layer, layer.backward(turned, cache)[1], first)
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        raise GradientError("backward writes into dout (it fails for a read-only one)\nwork on a copy") from error
    if name:
        raise GradientError(f"the gradient of {name} depends on the memory layout of dout: a Fortran-ordered one (a "
                            "transpose) gives another\nravel, reshape or a view in memory order ('K', 'A')?")
    return first, other


def _check_fit(layer, raw):
    """Dtypes and shapes."""
    __tracebackhide__ = True
    for path, value in raw.items():
        name, x = layer.names[path], layer.point[path]
        if value.dtype.kind != "f":
            raise GradientError(f"gradient of {name} has dtype {value.dtype}, the input float64")
        if value.shape != x.shape:
            raise Misshapen(path, raw, f"gradient of {name} has shape {value.shape}, the input has {x.shape}")
        if value.dtype.itemsize < 8:
            raise GradientError(f"gradient of {name} has dtype {value.dtype}, the input float64\n"
                                "half of the digits are lost: an astype, or an array made without dtype=x.dtype?")


def check_linear(layer, outputs, out, cache, douts, gradients):
    """Backward must be linear in dout and give 0 for 0; masks, signs and clips miss that by far more than a thousandth.

    A saturated softmax, whose terms cancel, may well miss it by a millionth.
    """
    __tracebackhide__ = True
    def at(dout):
        return layer.backward(layer.shaped(dout, out), cache)[1]

    nothing, mixed = at(0 * douts[0]), at(0.7 * douts[0] - 1.9 * douts[1])
    largest = max((np.abs(one).max(initial=0) for one in gradients[0].values()), default=0)
    for path, name in layer.names.items():
        one, two = (gradient[path] for gradient in gradients)
        size = 0.7 * np.abs(one).max(initial=0) + 1.9 * np.abs(two).max(initial=0)
        off, offset = np.abs(mixed[path] - (0.7 * one - 1.9 * two)).max(initial=0), np.abs(nothing[path]).max(initial=0)
        if size <= 64 * np.finfo(np.float64).eps * largest:  # rounding, where the true gradient is 0
            continue
        rounding = 64 * np.finfo(np.float64).eps * typical(layer, path, outputs, douts[0])
        single = off > SAME * size + rounding and np.array_equal(one.astype(np.float32), one)
        if off <= 1e-3 * size and offset <= SAME * size and not single:
            continue
        if not differs(one, two):
            raise GradientError(f"gradient of {name} ignores dout: it is the same whatever dout is\n"
                                "multiply by dout, even where it usually is 1 (the chain rule)")
        negative, double = at(-douts[0])[path], at(2 * douts[0])[path]
        what = next(words for words, holds in (
            ("a dout of 0 does not give 0\na term without dout is added, or state is kept from an earlier call",
             offset > SAME * size),
            (f"it is off by {off / size:.0e}\nit is rounded to float32 in backward", single),
            ("it does not grow with dout\ndout is normalised, or only its sign is used", not differs(double, one)),
            ("it grows with its square\ndout enters twice", not differs(double, 4 * one)),
            ("-dout gives the same\nits absolute value is used", not differs(negative, one)),
            ("but grows with it\na mask or a maximum of dout (dout > 0)? masks belong to the forward's values",
             not differs(double, 2 * one)),
            ("twice dout gives neither twice nor four times as much\nis it clipped?", True)) if holds)
        raise GradientError(f"gradient of {name} is not linear in dout: {what}")


def check_precision(layer, outputs, gradients, dout):
    """Nothing inside may be rounded to float32: outputs and gradients must notice a change of 1e-11 of the inputs."""
    __tracebackhide__ = True
    at, rng = {}, stream(3)
    factors = {path: rng.uniform(-1, 1, x.shape) for path, x in layer.point.items()}
    for size in (1e-11, 1e-6):
        moved, cache, out = layer.forward({path: x * (1 + size * factors[path]) for path, x in layer.point.items()})
        at[size] = {None: moved - outputs} | {path: value - gradients[path] for path, value in
                                           layer.backward(layer.shaped(dout, out), cache)[1].items()}
    for path in at[1e-6]:
        value = outputs if path is None else gradients[path]
        coarse = 0 if path is None else 1e6 * np.finfo(np.float64).eps * typical(layer, path, outputs, dout)
        notices = np.abs(at[1e-6][path]) > 1e-9 * np.abs(value) + coarse
        if np.isfinite(value).all() and (notices & (at[1e-11][path] == 0)).sum() > 0.9 * notices.sum():
            what, where = (("out", "the forward") if path is None else
                           (f"gradient of {layer.names[path]}", "(the cache, or backward)"))
            raise GradientError(f"{what} does not notice a change of the inputs by 1e-11: it is rounded, float32 is "
                                f"hidden inside {where}\nlook for astype(np.float32), or arrays without dtype=x.dtype")


def check_single(layer, outputs, dout, gradients):
    """The float32 gradient against the float64 one, within what rounding of inputs and of intermediate numbers
    explains."""
    __tracebackhide__ = True
    if not layer.single:
        return

    def at(point, dtype):
        _, cache, out = layer.forward(point)
        shaped = layer.shaped(dout, out)
        return layer.backward(shaped.astype(dtype) if isinstance(shaped, np.ndarray) else shaped, cache)[1]

    single = at(layer.point | {path: np.asarray(x) for path, x in layer.single.items()}, np.float32)
    moved = at(nearby(layer.point, 2.0**-23, stream(5)), np.float64)
    for path, name in layer.names.items():
        largest, off = np.abs(gradients[path]).max(initial=0), np.abs(single[path] - gradients[path]).max(initial=0)
        explained = 100 * np.abs(moved[path] - gradients[path]).max(initial=0) + 1e-4 * largest
        if not off <= explained + 1e-5 * typical(layer, path, outputs, dout):
            raise GradientError(f"gradient of {name} is right in float64, but in float32 off by {off / largest:.0e}\n"
                                "a difference of nearly equal numbers, or an overflow, that float64 survives")
