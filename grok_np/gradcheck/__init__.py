"""The gradient kit: is a hand-written backward the gradient of its forward, and if not, what is the mistake?

`check` takes any layer, ours or yours, and needs NumPy alone. `layer_test` makes a property test of a layer from the
letters of its shapes and needs hypothesis.

Read next: `check`, `contract`, `differences`, `diagnosis`, `strategies`.
"""

from grok_np.gradcheck.calls import GradientError, methods
from grok_np.gradcheck.check import Report, check

__all__ = ["GradientError", "Report", "check", "layer_test", "methods"]


def __getattr__(name):
    if name == "layer_test":  # hypothesis is needed for this alone
        try:
            from grok_np.gradcheck.strategies import layer_test
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(f'layer_test needs hypothesis: pip install -e ".[test]" ({error})') from error
        return layer_test
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
