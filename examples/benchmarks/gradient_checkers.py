"""How many planted mistakes does a gradient checker find, and does its message name them? Ours beside PyTorch's.

    python examples/benchmarks/gradient_checkers.py            # some minutes; torch is optional
    python examples/benchmarks/gradient_checkers.py --every 10 # a tenth of the mutants

The cases are those of tests/gradcheck_zoo.py: right layers under a dozen conditions, mistakes planted by hand, and
mutants (one operator, axis, constant or term of a right backward changed). "Named" means that the message holds one of
the words that were written down beside the mistake; "misnamed" that it names something else; the rest of the found are
generic: worst entry only. "without source" hides the backward's source from us, as for a function made by `exec`.
"""

import argparse
import sys
import time
import unittest.mock
from pathlib import Path

import numpy as np

from grok_np.gradcheck import GradientError, check, diagnosis

sys.path.append(str(Path(__file__).parents[2] / "tests"))
import gradcheck_zoo as zoo


def ours(forward, backward, inputs):
    check(forward, backward, inputs)


def without_source(forward, backward, inputs):
    with unittest.mock.patch.object(diagnosis, "repair", lambda *arguments: None):
        try:
            check(forward, backward, inputs)
        except GradientError as error:
            str(error)  # the diagnosis is made when it is read
            raise


def pytorch(forward, backward, inputs):
    """torch.autograd.gradcheck, defaults, on the two functions wrapped as one autograd.Function."""
    import torch

    class Wrapped(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *tensors):
            out, ctx.cache = forward(*(tensor.detach().numpy() for tensor in tensors))
            return torch.as_tensor(out)

        @staticmethod
        def backward(ctx, dout):
            gradients = backward(dout.numpy() if dout.ndim else dout.item(), ctx.cache)
            gradients = gradients if isinstance(gradients, tuple) else (gradients,)
            tensors = [None if gradient is None else torch.as_tensor(np.asarray(gradient)) for gradient in gradients]
            return *tensors, *[None] * (len(inputs) - len(tensors))

    tensors = [torch.tensor(x, requires_grad=x.dtype.kind == "f") for x in inputs]
    torch.autograd.gradcheck(Wrapped.apply, tensors)


def verdict(checker, mistake):
    """missed, named, line (the words are not there, but the line is), misnamed or generic."""
    try:
        with np.errstate(all="ignore"):
            checker(mistake.forward, mistake.backward, mistake.inputs)
        return "missed"
    except GradientError as error:
        message = str(error)
        first = message.split("\n")[0]
        bare = message == first and any(word in first for word in (" has shape ", " has dtype "))
        generic = first.endswith("is wrong") or bare
        if "it is right with" in message and not any(word in message for word in mistake.words):
            return "line"
    except Exception as error:
        message, generic = str(error), True
    return "named" if any(word in message for word in mistake.words) else "generic" if generic else "misnamed"


def false_alarms(checker, seeds):
    """(number of calls on right layers that raise, number of calls)."""
    alarms = calls = 0
    for kind in zoo.LAYERS.values():
        for condition in zoo.conditions().values():
            for seed in range(seeds):
                rng = np.random.default_rng(seed)
                inputs = zoo.under(condition, rng, kind.draw(rng))
                calls += 1
                try:
                    with np.errstate(all="ignore"):
                        checker(kind.forward, kind.backward, inputs)
                except Exception:
                    alarms += 1
    return alarms, calls


def row(*cells):
    print("|", " | ".join(map(str, cells)), "|", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=1, help="take every n-th mutant")
    parser.add_argument("--seeds", type=int, default=1, help="draws of the inputs for each right layer and condition")
    arguments = parser.parse_args()
    checkers = {"grok_np": ours, "grok_np, without source": without_source}
    try:
        import torch
        checkers[f"torch {torch.__version__} gradcheck"] = pytorch
    except ImportError:
        print("torch is not installed: ours alone")
    row("checker", "cases", "of", "found", "named", "line", "misnamed", "seconds")
    row(*["---"] * 8)
    for name, checker in checkers.items():
        for kind, cases in (("planted by hand", zoo.planted()), ("mutants", zoo.mutants())):
            cases = [case for i, case in enumerate(cases) if kind != "mutants" or i % arguments.every == 0]
            started = time.monotonic()
            verdicts = [verdict(checker, case) for case in cases]
            counts = [len(cases), len(cases) - verdicts.count("missed")]
            counts += [verdicts.count(one) for one in ("named", "line", "misnamed")]
            row(name, kind, *counts, f"{time.monotonic() - started:.0f}")
        started = time.monotonic()
        alarms, calls = false_alarms(checker, arguments.seeds)
        row(name, "right layers", calls, f"{alarms} false alarms", "", "", "", f"{time.monotonic() - started:.0f}")


if __name__ == "__main__":
    main()
