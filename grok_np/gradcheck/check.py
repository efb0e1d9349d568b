"""`check`: is a hand-written backward the gradient of its forward? If not, what is the mistake?

First the `contract`, a dozen calls; then every entry is moved and the `comparison` is made with `differences`; where
they disagree, `diagnosis` tries named mistakes, and `repair` looks for the line.

Read next: `contract`.
"""

from dataclasses import dataclass

import numpy as np

from grok_np.errors import require, require_choice, require_integer, require_number
from grok_np.gradcheck import contract, diagnosis
from grok_np.gradcheck.calls import REFUSALS, GradientError, Layer, stream
from grok_np.gradcheck.comparison import Compared, Comparison
from grok_np.gradcheck.differences import EPS, Differences


@dataclass(frozen=True)
class Report:
    """What was checked, and how precisely; printed, one line for each input.

    Attributes
    ----------
    inputs : tuple of Compared
        One for each differentiated input: name, how, worst, hidden, nothing.
    """

    inputs: tuple

    @property
    def worst(self):
        """The largest difference, relative to its input's largest gradient; nan if nothing at all could be checked."""
        return max((one.worst for one in self.inputs if not one.nothing), default=float("nan"))

    @property
    def complete(self):
        """Whether every input was checked: False if a gradient is below the noise, or the forward not finite."""
        return not any(one.nothing for one in self.inputs)

    def __str__(self):
        return "\n".join(map(str, self.inputs))


def check(forward, backward, inputs, *, level="full", rtol=1e-6, seed=0):
    """Compare a backward with differences of its forward, and raise an error that names the mistake.

    Parameters
    ----------
    forward, backward : callable
        ``forward(*inputs) -> (out, cache)`` and ``backward(dout, cache)``, which returns one gradient per input, in
        order (a bare array will do for one input). With a dict of inputs, ``forward(**inputs)`` and a dict by name.
        ``out`` may be a tuple of arrays; then so is ``dout``. For a class that keeps its cache see `methods`.
    inputs : array, sequence or dict, which may be nested
        Where to differentiate; left unchanged. Integers, masks and options are passed on and need no gradient. float32
        arrays are checked in float64, and then their float32 gradient against that.
    level : "full" or "quick"
        Move every entry (large inputs in groups of entries, and a group that disagrees entry by entry), or all entries
        of an input at once, in three random directions: for whole networks.
    rtol : float
        Allowed relative difference of a gradient, beside the measured error of the differences themselves.
    seed : int
        Picks other upstream gradients and directions. They are random, from streams that are the kit's own.

    Returns
    -------
    Report
        What was checked and how precisely; ``report.worst`` is the largest relative difference.

    Raises
    ------
    GradientError
        With a diagnosis, if the layer is wrong.
    TypeError, ValueError
        If an argument is.

    Examples
    --------
    >>> def forward(x):
    ...     return x**3, x
    >>> check(forward, lambda dout, x: 3 * x**2 * dout, [np.array([1.0, 2.0])]).worst < 1e-9
    True
    >>> check(forward, lambda dout, x: -3 * x**2 * dout, [np.array([1.0, 2.0])])
    Traceback (most recent call last):
    grok_np.gradcheck.calls.GradientError: gradient of input 0 (x) has the opposite sign
    ...
    """
    __tracebackhide__ = True
    require(callable(forward), "forward", forward, "callable")
    require(callable(backward), "backward", backward, "callable")
    require_choice(level, "level", ("full", "quick"))
    require_number(rtol, "rtol", "a positive finite number", lambda x: 0 < x < np.inf)
    rng = stream(0, require_integer(seed, "seed", minimum=0))
    layer = Layer(forward, backward, inputs)
    if not layer.point:
        raise TypeError(f"inputs must be or hold arrays of floats, got {inputs!r:.80}")
    for path, x in layer.point.items():
        require(np.isfinite(x).all(), layer.names[path], x, "finite")

    flat, cache, out = contract.check_forward(layer)
    if not np.isfinite(flat).all():
        return _not_finite(layer, flat)
    douts = rng.normal(size=(2, len(flat)))
    try:
        gradients = contract.check_backward(layer, douts)
    except contract.Misshapen as error:
        path, gradients, start = error.path, error.gradients, str(error)
        raise GradientError(lambda: diagnosis.explain_failure(layer, douts, start, path, gradients)) from None
    except (*REFUSALS, TypeError, AttributeError, NameError) as error:
        start = f"backward fails: {type(error).__name__}: {error}"
        raise GradientError(lambda: diagnosis.explain_failure(layer, douts, start)) from error
    ulps = stream(8)
    differences = Differences(layer, layer.point, lambda cache: layer.backward(
        layer.shaped(douts[0] * (1 + EPS * ulps.uniform(-2, 2, len(flat))), out), cache)[1])
    if all(np.isfinite(value).all() for value in gradients[0].values()):
        contract.check_linear(layer, flat, out, cache, douts, gradients)
    contract.check_precision(layer, flat, gradients[0], douts[0])
    comparison = Comparison(differences, douts, gradients, rtol, rng)
    compared = tuple(comparison.compare(path, level) for path in layer.point)
    if comparison.wrong:
        raise GradientError(lambda: diagnosis.explain(layer, douts, comparison.wrong))
    comparison.check_ties()
    contract.check_single(layer, flat, douts[0], gradients[0])
    return Report(compared)


def _not_finite(layer, flat):
    """An output that is not finite: nothing can be checked if it is so only at this point, else the forward is to
    blame."""
    __tracebackhide__ = True
    if any(x.size == 0 for x in layer.point.values()):
        why = "an input is empty and the output not finite"
    else:
        why, rng = "the forward is not finite at this very point", stream(4)
        near = [{path: x + 1e-3 * (np.abs(x).max() or 1.0) * rng.uniform(-1, 1, x.shape)
                 for path, x in layer.point.items()} for _ in "12"]
        if not any(np.isfinite(layer.forward(point)[0]).all() for point in near):
            raise GradientError(
                f"forward returns {flat[~np.isfinite(flat)][0]} for finite inputs, and for inputs nearby too\n"
                "does it overflow (exp of a large number: subtract the maximum), or leave its domain?")
    return Report(tuple(Compared(name, "", 0.0, np.inf, why) for name in layer.names.values()))
