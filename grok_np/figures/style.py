"""What all figures share: width, colours, the title, and how to save.

Colours are those of Okabe and Ito, which colour-blind readers can tell apart. One rule: blue is training, red is held
out, and `CYCLE` tells frequencies (or runs) apart, in the order in which they are given. Lines on white need a contrast
of 3:1, so what is drawn as a line or a small mark has the darker orange and purple; light colours only fill areas.
"""

from pathlib import Path
from textwrap import wrap

BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, RED, PURPLE = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7")
DARK_ORANGE, DARK_PURPLE, GREY, BROWN = "#B27700", "#A8558A", "#858585", "#6B3E1E"
CYCLE = (GREEN, DARK_PURPLE, DARK_ORANGE, GREY, BROWN, BLACK)
DIVERGING = "PuOr_r"

WIDTH = 8.4  # inches: a page of a README is some 840 pixels wide, so that letters of 9 points keep 12 pixels


def title(figure, *sentences):
    """Write the sentences over the figure, each on lines of its own that fit its width."""
    letters = int(figure.get_figwidth() * 72 / 5.9)  # a letter of 11 points is some 5.5 points wide
    figure.suptitle("\n".join(line for sentence in sentences for line in wrap(sentence, letters)), fontsize=11)


def save(figure, path, dpi=150):
    """Write the figure as PNG (or whatever the suffix says), making the folder; returns the path."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=dpi)
    return path
