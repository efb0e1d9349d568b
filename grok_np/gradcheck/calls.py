"""How a layer is called: its inputs, outputs and gradients in lists, dicts or nests of them; and small classes.

Everything else in the kit sees one flat vector of outputs and one array per input.
"""

import copy
import inspect
from collections.abc import Mapping

import numpy as np

KIT = 0x67726164636865636B  # "gradcheck": nobody's own seed
REFUSALS = (ValueError, ArithmeticError, LookupError)  # what a layer may raise at inputs that are not the user's


class GradientError(AssertionError):
    """A layer's passes are wrong; the message says what was recognised, and names the worst entry.

    A diagnosis takes a while, so it may be given as a function: it is made when somebody reads it. hypothesis raises
    hundreds of these while it shrinks an example, and reads one.
    """

    def __str__(self):
        message, = self.args
        if callable(message):
            self.args = message(),
        return self.args[0]


def stream(*key):
    """A generator for one purpose, which a user's ``default_rng(0)`` cannot meet: inputs never equal ``dout``."""
    return np.random.default_rng(np.random.SeedSequence(KIT, spawn_key=key))


def nearby(point, relative, rng):
    """The inputs moved a little, each entry by a part of its own size: signs and zeros stay."""
    return {path: x * (1 + relative * rng.uniform(-1, 1, x.shape)) for path, x in point.items()}


def leaves(tree, path=()):
    """(path, leaf) for each leaf of a nest of dicts, lists and tuples."""
    items = tree.items() if isinstance(tree, Mapping) else enumerate(tree) if isinstance(tree, list | tuple) else None
    if items is None:
        yield path, tree
    else:
        for key, branch in items:
            yield from leaves(branch, (*path, key))


def flat(tree):
    """All leaves as one float64 vector, a copy."""
    return np.concatenate([np.ravel(leaf) for _, leaf in leaves(tree)]).astype(np.float64)


def rebuilt(tree, values, path=()):
    """The nest with the leaves at the paths in ``values`` replaced."""
    if isinstance(tree, Mapping):
        return {key: rebuilt(branch, values, (*path, key)) for key, branch in tree.items()}
    if isinstance(tree, list | tuple):
        branches = [rebuilt(branch, values, (*path, key)) for key, branch in enumerate(tree)]
        return type(tree)(*branches) if hasattr(tree, "_fields") else type(tree)(branches)
    return values.get(path, tree)


class Layer:
    """A forward and a backward at their inputs; ``point`` holds a float64 copy of each input that is differentiated."""

    def __init__(self, forward, backward, inputs):
        self.user_forward, self.user_backward = forward, backward
        self.inputs = inputs if isinstance(inputs, Mapping | list | tuple) else (inputs,)
        floats = {path: leaf for path, leaf in leaves(self.inputs)
                  if isinstance(leaf, float | np.floating | np.ndarray) and np.asarray(leaf).dtype.kind == "f"}
        self.point = {path: np.array(leaf, np.float64, order="C") for path, leaf in floats.items()}
        self.single = {path: leaf for path, leaf in floats.items() if np.asarray(leaf).dtype == np.float32}
        self.names = {path: self._name(path) for path in self.point}

    def _name(self, path):
        first, *rest = path
        rest = "".join(f"[{key!r}]" for key in rest)
        if isinstance(self.inputs, Mapping):
            return f"{first!r}{rest}"
        try:
            parameter = list(inspect.signature(self.user_forward).parameters.values())[first]
            named = parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
        except (ValueError, TypeError, IndexError):
            named = False
        return f"input {first}{rest}" + (f" ({parameter.name})" if named else "")

    def copy(self):
        """A copy of the inputs, for a call that might change them."""
        return {path: x.copy() for path, x in self.point.items()}

    def forward(self, point):
        """(flat outputs, cache, the outputs as they came) at a point; a warning of NumPy's is no verdict here."""
        __tracebackhide__ = True
        inputs = rebuilt(self.inputs, point)
        with np.errstate(all="ignore"):
            result = self.user_forward(**inputs) if isinstance(inputs, Mapping) else self.user_forward(*inputs)
        if not (isinstance(result, tuple) and len(result) == 2):
            raise GradientError(f"forward must return (out, cache), got {type(result).__name__}"
                                + (f" of length {len(result)}" if isinstance(result, tuple) else ""))
        out, cache = result
        for _, leaf in leaves(out):
            dtype = np.asarray(leaf).dtype
            if dtype.kind != "f":
                raise GradientError(f"forward returns an out of dtype {dtype}; only floats have a gradient")
        return flat(out), cache, out

    def shaped(self, vector, out, order="C"):
        """A flat vector in the nest and shapes of ``out``; a plain number where the output is one."""
        values, start = {}, 0
        for path, leaf in leaves(out):
            shape = np.shape(leaf)
            size = int(np.prod(shape))
            part = np.array(vector[start:start + size].reshape(shape), order=order)
            values[path] = part if shape else part.item()
            start += size
        return rebuilt(out, values)

    def backward(self, dout, cache):
        """The gradients as they came, by the path of their input, and copies of them in float64."""
        __tracebackhide__ = True
        with np.errstate(all="ignore"):
            raw = self._by_path(self.user_backward(dout, cache))
        return raw, {path: np.array(value, np.float64) for path, value in raw.items()}

    def _by_path(self, gradients):
        """Check number, names, shapes and dtypes; the gradient of integers, masks and options may be left out or
        None."""
        __tracebackhide__ = True
        wanted, named = list(self.point), isinstance(self.inputs, Mapping)
        if named and not isinstance(gradients, Mapping):
            raise GradientError(f"backward returned a {type(gradients).__name__}, the inputs are a dict")
        if not named:
            live = sorted({path[0] for path in wanted})
            if not isinstance(gradients, list | tuple):
                gradients = (gradients,)
            elif len(live) == 1 and isinstance(gradients, list) and len(gradients) != 1:
                gradients = (np.array(gradients),) if not isinstance(self.inputs[live[0]], list) else (gradients,)
            if len(gradients) not in (len(live), len(self.inputs)):
                raise GradientError(f"backward returned {len(gradients)} gradients for {len(live)} inputs")
            keys = live if len(gradients) == len(live) else range(len(self.inputs))
            gradients = dict(zip(keys, gradients, strict=True))
        found = dict(leaves(gradients))
        missing = [path for path in wanted if found.get(path) is None]
        extra = [path for path in found if path not in self.point and found[path] is not None]
        if missing or (extra and named):
            if missing and all(path in found for path in missing):
                raise GradientError(f"backward returned None for {self.names[missing[0]]}")
            returned, inputs = (sorted((_key(path) for path in paths), key=str) for paths in (found, wanted))
            raise GradientError(f"backward returned gradients for {returned}, inputs are {inputs}")
        return {path: np.asarray(found[path]) for path in wanted}


def _key(path):
    return path[0] if len(path) == 1 else path


def methods(layer, **gradients):
    """A layer whose class keeps its cache and its gradients in attributes, as the pair (forward, backward).

    Parameters
    ----------
    layer : object
        With ``forward(*data) -> out`` and ``backward(dout) -> gradients`` of the data. Its ``zero_grad``, where it has
        one, is called before each backward.
    **gradients : str
        For each parameter's attribute the one in which backward leaves the gradient: ``W="dW", b="db"``.

    Returns
    -------
    forward, backward : callable
        ``forward(*data, *parameters) -> (out, cache)`` and ``backward(dout, cache)``; the cache is a copy of the layer.

    Examples
    --------
    >>> class Scale:
    ...     def __init__(self, W):
    ...         self.W = W
    ...     def forward(self, x):
    ...         self.x = x
    ...         return self.W * x
    ...     def backward(self, dout):
    ...         self.dW = dout * self.x
    ...         return dout * self.W
    >>> from grok_np.gradcheck import check
    >>> scale = Scale(np.array([2.0, 3.0]))
    >>> check(*methods(scale, W="dW"), [np.array([1.0, -1.0]), scale.W]).worst < 1e-8
    True
    """
    def forward(*arguments):
        data = arguments[:len(arguments) - len(gradients)]
        for name, value in zip(gradients, arguments[len(data):], strict=True):
            setattr(layer, name, value)
        return layer.forward(*data), copy.deepcopy(layer)

    def rebuilt(method):
        def backward(dout, layer):
            if hasattr(layer, "zero_grad"):
                layer.zero_grad()
            ddata = method(layer, dout)
            ddata = ddata if isinstance(ddata, list | tuple) else (ddata,)
            return *ddata, *(getattr(layer, name) for name in gradients.values())

        backward.method, backward.rebuilt = method, rebuilt  # for `repair`
        return backward

    parameters = list(inspect.signature(layer.forward).parameters.values())
    own = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in gradients]
    if all(one.kind is one.POSITIONAL_OR_KEYWORD and one.default is one.empty for one in parameters):
        forward.__signature__ = inspect.Signature(parameters + own)
    return forward, rebuilt(type(layer).backward)
