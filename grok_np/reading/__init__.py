"""What a network has learned: spectra, rings, progress measures, clock or pizza, and weights from elsewhere.

Read in this order: `fourier`, `rings`, `progress`, `clock_pizza`, `published`.
"""

from grok_np.reading import clock_pizza, fourier, progress, published, rings

__all__ = ["clock_pizza", "fourier", "progress", "published", "rings"]
