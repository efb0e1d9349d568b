"""Grokking modular addition, taken apart: from-scratch NumPy networks beside exact ones.

Start with `tasks` and read down: tasks, layers, mlp, adamw, training (and runs) are the learning; fourier, analytic,
compare explain what was learned; gradcheck verifies every backward pass; figures and explorer draw.
"""

from grok_np.adamw import SGD, AdamW
from grok_np.errors import DivergedError
from grok_np.mlp import MLP
from grok_np.parity import BitMLP
from grok_np.runs import Run, RunError, load_run
from grok_np.tasks import ModularArithmetic, SparseParity
from grok_np.training import resume, train
from grok_np.transformer import Transformer

__version__ = "0.1.0"
__all__ = ["MLP", "SGD", "AdamW", "BitMLP", "DivergedError", "ModularArithmetic", "Run", "RunError",
           "SparseParity", "Transformer", "load_run", "resume", "train"]
