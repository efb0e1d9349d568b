"""How the package says no: one sentence naming the argument, what is allowed, and what it got.

Not a validation framework: `require` is called at public entries only, never inside a training step.
"""

import math
import operator

import numpy as np


class DivergedError(FloatingPointError):
    """The training loss stopped being a finite number; the message names the step."""


def require(condition, name, value, allowed):
    """Raise ``ValueError: NAME must be ALLOWED, got VALUE`` unless the condition holds.

    >>> require(1.5 < 1, "train_fraction", 1.5, "in (0, 1)")
    Traceback (most recent call last):
    ValueError: train_fraction must be in (0, 1), got 1.5
    """
    if not condition:
        raise ValueError(f"{name} must be {allowed}, got {value!r}")


def require_choice(value, name, choices):
    """Raise ``ValueError: NAME must be one of CHOICES, got VALUE`` unless the value is one of these strings.

    >>> require_choice("tanh", "activation", ("relu", "gelu"))
    Traceback (most recent call last):
    ValueError: activation must be one of relu, gelu, got 'tanh'
    """
    require(isinstance(value, str) and value in choices, name, value, f"one of {', '.join(choices)}")


def require_flag(value, name):
    """A TypeError unless the value is True or False: the string "False" would count as true."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {value!r}")


def require_type(value, name, *types):
    """A TypeError unless the value is of one of the types."""
    if not isinstance(value, types):
        raise TypeError(f"{name} must be of type {' or '.join(one.__name__ for one in types)}, got {value!r}")


def require_array(value, name, ndim=None):
    """The value as an array; a TypeError if it is not of real numbers, a ValueError if it has not ``ndim`` axes.

    >>> require_array([[1, 2], [3]], "table")
    Traceback (most recent call last):
    TypeError: table must be an array of real numbers, got [[1, 2], [3]]
    """
    try:
        array = np.asarray(value)
    except ValueError:  # rows of different lengths
        array = np.array(None)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} must be an array of real numbers, got {value!r}")
    require(ndim is None or array.ndim == ndim, f"{name}.shape", array.shape, f"of length {ndim}")
    return array


def require_parameters(shapes):
    """Raise a ValueError if parameters of these shapes are more than 2**30 numbers: no array of them is ever made."""
    count = sum(math.prod(shape) for shape in shapes.values())
    require(count <= 2**30, "shapes of the parameters", shapes, f"of {2**30} numbers at most")


def require_integer(value, name, minimum, maximum=None):
    """The value as an int; a TypeError if it is not a whole number, a ValueError below minimum or above maximum.

    >>> require_integer(1, "p", minimum=2)
    Traceback (most recent call last):
    ValueError: p must be an integer >= 2, got 1
    """
    if isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be an integer >= {minimum}, got {value!r}")
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer >= {minimum}, got {value!r}") from None
    require(number >= minimum, name, number, f"an integer >= {minimum}")
    require(maximum is None or number <= maximum, name, number, f"at most {maximum}")
    return number


def require_number(value, name, allowed, condition):
    """A TypeError if the value is not a real number, a ValueError if ``condition(value)`` is false.

    >>> require_number(0.0, "lr", "a positive finite number", lambda x: 0 < x < float("inf"))
    Traceback (most recent call last):
    ValueError: lr must be a positive finite number, got 0.0
    """
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
        raise TypeError(f"{name} must be {allowed}, got {value!r}")
    require(condition(value), name, value, allowed)
    return value
