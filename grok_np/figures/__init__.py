"""Every picture: what a reader should notice, in the title.

Functions take plain arrays and the records of `reading`, and return a matplotlib ``Figure`` that belongs to no window
(it renders without a display); `save` writes it. Colours are those of Okabe and Ito, which colour-blind readers can
tell apart; where order matters, lines also differ in style or carry labels. What is not here: any analysis.

Read next: `page`.
"""

from grok_np.figures.clock_pizza import algorithm_plane, circles, correct_logit_maps, transition
from grok_np.figures.moment_law import free_rings, moments_beside_losses, paths_to_the_star, stars_in_training
from grok_np.figures.parity import bit_maps, parity_outputs, weight_paths
from grok_np.figures.rings import contributions, moments, moments_of_many, scores, stars, waves, weight_maps
from grok_np.figures.style import save
from grok_np.figures.sweeps import phase_diagrams, shares
from grok_np.figures.training import accuracies, phases, progress_measures, replacements, swings, training_curves
from grok_np.figures.transformer import ablations, attention, logit_spectrum, neurons, spectra

__all__ = [
    "ablations", "accuracies", "algorithm_plane", "attention", "bit_maps", "circles", "contributions",
    "correct_logit_maps", "free_rings", "logit_spectrum", "moments", "moments_beside_losses", "moments_of_many",
    "neurons", "parity_outputs", "paths_to_the_star", "phase_diagrams", "phases", "progress_measures",
    "replacements", "save", "scores", "shares", "spectra", "stars", "stars_in_training", "swings",
    "training_curves", "transition", "waves", "weight_maps", "weight_paths",
]
