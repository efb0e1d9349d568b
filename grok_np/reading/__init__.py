"""What a network has learned: spectra, rings, progress measures, clock or pizza, and weights from elsewhere.

`all_logits` and `all_activations` are the one way to what a network says at every pair; everything here takes their
arrays, or effective weights. Read in this order: `every_pair`, `fourier`, `groups`, `rings`, `progress`,
`clock_pizza`, `published`.
"""

from grok_np.reading import clock_pizza, fourier, groups, progress, published, rings
from grok_np.reading.every_pair import all_activations, all_logits

__all__ = ["all_activations", "all_logits", "clock_pizza", "fourier", "groups", "progress", "published", "rings"]
