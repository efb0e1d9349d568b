"""The pictures of rings, of a run and of attention: what a reader should notice, in the title.

Functions take plain arrays and the records of `reading`, and return a matplotlib ``Figure`` that belongs to no window
(it renders without a display); `save` writes it. Colours are those of Okabe and Ito, which colour-blind readers can
tell apart; where order matters, lines also differ in style or carry labels. What is not here: any analysis, and a
study's own pictures, which are in its script under ``examples/``.

Read next: `page`.
"""

from grok_np.figures.rings import moments, moments_beside_losses, scores, stars, waves, weight_maps
from grok_np.figures.style import save
from grok_np.figures.training import training_curves
from grok_np.figures.transformer import attention

__all__ = ["attention", "moments", "moments_beside_losses", "save", "scores", "stars", "training_curves", "waves",
           "weight_maps"]
