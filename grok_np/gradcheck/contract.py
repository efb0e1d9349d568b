"""What every pair of passes must keep, whatever its formulas: checks that need a handful of calls and no differences.

In order: forward gives the same twice and leaves its inputs alone; gradients fit their inputs in number, shape and
dtype; backward leaves dout alone, gives the same twice, after another forward, and for any memory layout; it is linear
in dout; nothing inside is rounded to float32. The first failure explains the later ones, so it is the one raised.
"""

import numpy as np

from grok_np.gradcheck.calls import REFUSALS, GradientError, leaves, nearby, stream

SAME = 1e-10  # relative; rounding in another order of sums stays far below it


def differs(a, b, tolerance=SAME):
    """Whether two arrays are not the same to within ``tolerance`` of the largest entry; nan equals nan."""
    with np.errstate(all="ignore"):
        largest = np.nanmax(np.abs(np.where(np.isfinite(b), b, 0)), initial=0)
        return not np.allclose(a, b, rtol=0, atol=tolerance * largest, equal_nan=True)


def check_forward(layer):
    """(flat outputs, cache, out) of a forward that is deterministic and leaves its inputs alone."""
    __tracebackhide__ = True
    point = {path: x.copy() for path, x in layer.point.items()}
    others = {path: leaf.copy() for path, leaf in leaves(layer.inputs)
              if isinstance(leaf, np.ndarray) and path not in point}
    flat, cache, out = layer.forward(point)
    _unchanged("forward", layer, point, others)
    again = layer.forward(layer.copy())[0]
    if again.shape != flat.shape or differs(again, flat):
        raise GradientError("forward gives another output for the same inputs the second time\n"
                            "the backward cannot be judged: does forward draw random numbers (a new mask), or keep state?")
    _same_output(layer, flat, out, layer.copy())
    return flat, cache, out


def _same_output(layer, flat, out, point):
    __tracebackhide__ = True
    try:
        layer.forward(nearby(point, 1e-2, stream(2)))
    except REFUSALS:  # a layer may refuse other inputs
        return
    if differs(np.concatenate([np.ravel(leaf) for _, leaf in leaves(out)]), flat):
        raise GradientError("the next forward overwrites the output of the one before: both share one buffer\n"
                            "return a new array from forward")


def _unchanged(who, layer, point, others=None):
    __tracebackhide__ = True
    for path, x in point.items():
        if not np.array_equal(x, layer.point[path], equal_nan=True):
            raise GradientError(f"{who} changes {layer.names[path]} in place\n"
                                f"work on a copy: an operator like += or out=, or a view of it, writes into the array")
    for path, leaf in leaves(layer.inputs):
        if others is not None and path in others and not np.array_equal(leaf, others[path]):
            raise GradientError(f"{who} changes input {path[0]} in place\nwork on a copy")


def check_backward(layer, out, douts):
    """Purity of the backward; returns the gradients for both ``douts``."""
    __tracebackhide__ = True
    point = layer.copy()
    flat, cache, out = layer.forward(point)
    given = layer.shaped(douts[0], out)
    raw, first = layer.backward(given, cache)
    check_fit(layer, raw)
    kept = {path: value.copy() for path, value in first.items()}
    if any(differs(np.asarray(x), y, 0) for (_, x), (_, y) in
           zip(leaves(given), leaves(layer.shaped(douts[0], out)), strict=True)):
        raise GradientError("backward changes dout in place\n"
                            "whoever else uses dout (a skip path) gets the changed one: work on a copy")
    _unchanged("backward", layer, point)
    if differs(np.concatenate([np.ravel(leaf) for _, leaf in leaves(out)]), flat, 0):
        raise GradientError("backward changes the forward's output in place\nwork on a copy")

    again = layer.backward(layer.shaped(douts[0], out), cache)[1]
    if worst := _other(layer, again, first):
        fresh = layer.backward(layer.shaped(douts[0], out), layer.forward(layer.copy())[1])[1]
        where = "its cache is changed by the first call" if not _other(layer, fresh, first) else \
            "state outside the cache is kept from the earlier call"
        twice = not _other(layer, again, {path: 2 * value for path, value in first.items()})
        raise GradientError(f"a second backward with the same cache and dout gives another gradient of {worst}: {where}\n"
                            + ("the second is exactly twice the first: gradients accumulate (+=) from call to call" if twice
                               else "backward must not change what it reads, nor add to what an earlier call left"))
    second = layer.backward(layer.shaped(douts[1], out), cache)[1]
    if worst := _other(layer, raw, kept):
        raise GradientError(f"the next backward overwrites the gradient of {worst} that the first one returned\n"
                            "both share one buffer: return a new array")
    try:
        layer.forward(nearby(layer.point, 1e-2, stream(2)))
    except REFUSALS:
        pass
    else:
        later = layer.backward(layer.shaped(douts[0], out), cache)[1]
        if worst := _other(layer, later, first):
            raise GradientError(f"another forward in between changes the gradient of {worst}: state outside the cache\n"
                                "backward reads the latest forward's values (a global, a closure, an attribute) and not its cache")
    _check_layout(layer, out, cache, douts[0], first)
    return first, second


def _other(layer, gradients, expected):
    """The name of the first input whose gradients are not the same, or None."""
    return next((layer.names[path] for path, value in expected.items() if differs(gradients[path], value)), None)


def _check_layout(layer, out, cache, dout, first):
    __tracebackhide__ = True
    turned = layer.shaped(dout, out, order="F")
    for _, leaf in leaves(turned):
        if isinstance(leaf, np.ndarray):
            leaf.flags.writeable = False
    try:
        gradients = layer.backward(turned, cache)[1]
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        raise GradientError("backward writes into dout (it fails for a read-only one)\nwork on a copy") from error
    if worst := _other(layer, gradients, first):
        raise GradientError(f"the gradient of {worst} depends on the memory layout of dout\n"
                            "a Fortran-ordered dout (a transpose) gives another one: ravel, reshape or a view in memory order 'K', 'A'?")


def check_fit(layer, raw):
    """Shapes and dtypes; a GradientError carries ``layer`` no further, so shapes are explained in `diagnosis`."""
    __tracebackhide__ = True
    for path, value in raw.items():
        name, x = layer.names[path], layer.point[path]
        if value.dtype.kind != "f":
            raise GradientError(f"gradient of {name} has dtype {value.dtype}, the input float64")
        if value.shape != x.shape:
            raise Misshapen(path, raw, f"gradient of {name} has shape {value.shape}, the input has {x.shape}")
        if value.dtype.itemsize < 8:
            raise GradientError(f"gradient of {name} has dtype {value.dtype}, the input float64\n"
                                "float32 inside loses half of the digits: an astype, or an array made without dtype=x.dtype?")


class Misshapen(GradientError):
    """A gradient of another shape than its input; `diagnosis.explain_shape` looks for the reason."""

    def __init__(self, path, gradients, message):
        super().__init__(message)
        self.path, self.gradients = path, gradients


def check_linear(layer, out, cache, douts, gradients):
    """Backward must be linear in dout and give 0 for 0."""
    __tracebackhide__ = True
    def at(dout):
        return layer.backward(layer.shaped(dout, out), cache)[1]

    first, second = gradients
    nothing, mixed = at(0 * douts[0]), at(0.7 * douts[0] - 1.9 * douts[1])
    for path, name in layer.names.items():
        one, two = first[path], second[path]
        size = 0.7 * np.abs(one).max(initial=0) + 1.9 * np.abs(two).max(initial=0)
        with np.errstate(all="ignore"):
            off = np.nanmax(np.abs(mixed[path] - (0.7 * one - 1.9 * two)), initial=0)
        offset = np.nanmax(np.abs(nothing[path]), initial=0)
        if off <= 1e-9 * size and offset <= SAME * size or not np.isfinite(off):
            continue
        start = f"gradient of {name} is not linear in dout: "
        if not differs(one, two):
            raise GradientError(f"gradient of {name} ignores dout: it is the same whatever dout is\n"
                                "multiply by dout, even where it usually is 1 (the chain rule)")
        if offset > SAME * size:
            raise GradientError(start + "a dout of 0 does not give 0\na term without dout is added, or state is kept from an earlier call")
        if off < 1e-5 * size:
            raise GradientError(start + f"it is off by {off / size:.0e}\nsomething in backward is rounded to float32")
        negative, double = at(-douts[0])[path], at(2 * douts[0])[path]
        if not differs(double, one):
            raise GradientError(start + "it does not grow with dout\ndout is normalised, or only its sign is used")
        if not differs(double, 4 * one):
            raise GradientError(start + "it grows with its square\ndout enters twice")
        if not differs(negative, one):
            raise GradientError(start + "-dout gives the same\nits absolute value is used")
        raise GradientError(start + ("a mask or a maximum is taken of dout (such as dout > 0)"
                                     if not differs(double, 2 * one) else "twice dout gives neither twice nor four times it")
                            + "\nmasks belong to the forward's values, in the cache")


def check_precision(layer, flat, out, gradients, dout):
    """Nothing inside may be rounded to float32: outputs and gradients must notice a change of 1e-11 of the inputs."""
    __tracebackhide__ = True
    at, rng = {}, stream(3)
    factors = {path: rng.uniform(-1, 1, x.shape) for path, x in layer.point.items()}
    for size in (1e-11, 1e-6):
        moved, cache, out = layer.forward({path: x * (1 + size * factors[path]) for path, x in layer.point.items()})
        at[size] = {None: moved - flat}
        if dout is not None and np.isfinite(moved).all():
            at[size] |= {path: value - gradients[path] for path, value in
                         layer.backward(layer.shaped(dout, out), cache)[1].items()}
    for path in at[1e-6].keys() & at[1e-11].keys():
        value = flat if path is None else gradients[path]
        notices = np.abs(at[1e-6][path]) > 1e-9 * np.abs(value)
        deaf = notices & (at[1e-11][path] == 0)
        if deaf.sum() > 0.9 * notices.sum() and np.isfinite(value).all():
            what = "out" if path is None else f"gradient of {layer.names[path]}"
            raise GradientError(f"{what} does not notice a change of the inputs by 1e-11: float32 is hidden inside "
                                + ("the forward" if path is None else "(the cache, or backward)")
                                + "\nlook for astype(np.float32), and arrays made without dtype=x.dtype")
