"""What all figures share: the colours of Okabe and Ito, which colour-blind readers can tell apart, and how to save."""

from pathlib import Path

BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, RED, PURPLE = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7")
CYCLE = (BLUE, ORANGE, GREEN, PURPLE, RED, SKY, BLACK)
DIVERGING = "PuOr_r"


def save(figure, path, dpi=150):
    """Write the figure as PNG (or whatever the suffix says), making the folder; returns the path."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=dpi)
    return path
