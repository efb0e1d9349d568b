"""Grokking modular addition, taken apart: from-scratch NumPy networks beside exact ones.

Read in this order: `tasks`, `groups` and `layers`; `networks`, the forward and backward passes; `learning`, the
optimizer, the loop and the runs; `analytic`, networks that are written down; `reading`, what a network has learned;
`figures`; `page`. `gradcheck` verifies every backward pass.
"""

from grok_np.errors import DivergedError
from grok_np.groups import Composition
from grok_np.learning.adamw import SGD, AdamW
from grok_np.learning.runs import Run, RunError
from grok_np.learning.training import load_run, resume, train
from grok_np.networks.bits import BitMLP
from grok_np.networks.mlp import MLP
from grok_np.networks.transformer import Transformer
from grok_np.tasks import ModularArithmetic, SparseParity

__version__ = "0.2.0"
__all__ = ["MLP", "SGD", "AdamW", "BitMLP", "Composition", "DivergedError", "ModularArithmetic", "Run",
           "RunError", "SparseParity", "Transformer", "load_run", "resume", "train"]
