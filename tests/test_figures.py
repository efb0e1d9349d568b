"""Every figure renders without warning or overlap error on a written-down network, and shows what it should."""

import numpy as np
import pytest

from grok_np import Transformer, analytic, figures, reading
from grok_np.reading import progress
from grok_np.tasks import ModularArithmetic

EFFECTIVE = analytic.together(analytic.star(23, 5, 2, activation="relu"), analytic.star(23, 7, 9, activation="relu"))
SPLIT = ModularArithmetic(23).split()
RINGS = reading.rings.find(EFFECTIVE)
HISTORY = {"step": np.array([0, 10, 100, 1000]), "train_accuracy": np.array([0.0, 0.5, 1, 1]),
           "test_accuracy": np.array([0.0, 0.0, 0.1, 1]), "train_loss": np.array([4.0, 1, 1e-3, 1e-5]),
           "test_loss": np.array([4.0, 6, 8, 1e-4])}

LOGITS = analytic.logits(EFFECTIVE, 23)
NEURONS = np.maximum(EFFECTIVE.A[:, None] + EFFECTIVE.B, 0)
MODELS = [Transformer(p=7, d_model=8, n_heads=2, d_mlp=4, layout=layout) for layout in ("a b =", "a b")]
ATTENTION = [model.effective(model.init(np.random.default_rng(0))) for model in MODELS]
TRAIN = np.random.default_rng(0).random((23, 23)) < 0.5
MEASURES = progress.measures(LOGITS, [2, 9], TRAIN, W_E=EFFECTIVE.A, W_L=EFFECTIVE.C, params={"C": EFFECTIVE.C})

FIGURES = {
    "phases": lambda: figures.phases(HISTORY, progress.phases(HISTORY["step"], HISTORY["test_loss"], 23)),
    "progress": lambda: figures.progress_measures([0, 5], 2 * [MEASURES], [2, 9]),
    "attention a b =": lambda: figures.attention(ATTENTION[0], 7),
    "attention a b": lambda: figures.attention(ATTENTION[1], 7),
    "neurons": lambda: figures.neurons(np.moveaxis(NEURONS[..., [0, 6]], 2, 0), [2, 9],
                                       [progress.component_norms(NEURONS[..., i]) for i in (0, 6)]),
    "spectra": lambda: figures.spectra({"W_E": EFFECTIVE.A, "W_L": EFFECTIVE.C.T}, [2, 9]),
    "logit spectrum": lambda: figures.logit_spectrum(progress.component_norms(LOGITS)),
    "ablations": lambda: figures.ablations(progress.ablations(LOGITS, [2, 9], neurons=NEURONS, W_L=EFFECTIVE.C)),
    "training": lambda: figures.training_curves(HISTORY),
    "weights": lambda: figures.weight_maps(EFFECTIVE, RINGS),
    "weights without rings": lambda: figures.weight_maps(EFFECTIVE, []),
    "waves": lambda: figures.waves(EFFECTIVE, RINGS),
    "stars": lambda: figures.stars(RINGS),
    "one star": lambda: figures.stars(RINGS[:1]),
    "moments": lambda: figures.moments(RINGS, (1, 2, 3, 4), 5),
    "moments of many": lambda: figures.moments_of_many(3 * RINGS, (1, 2, 3, 4), 5),
    "contributions": lambda: figures.contributions(EFFECTIVE, RINGS, 3, 4),
    "replacements": lambda: figures.replacements([0, 5], 2 * [reading.rings.scores(EFFECTIVE, SPLIT)]),
    "scores": lambda: figures.scores(reading.rings.scores(EFFECTIVE, SPLIT)),
}


@pytest.mark.parametrize("name", FIGURES)
def test_figures_render(name, tmp_path):
    figure = FIGURES[name]()
    path = figures.save(figure, tmp_path / "new folder" / "figure.png")
    assert path.read_bytes().startswith(b"\x89PNG") and path.stat().st_size > 5_000
    assert figure.get_suptitle()


def test_the_title_of_the_curves_states_the_steps():
    title = "Training pairs all right from step 100, held-out pairs from step 1,000"
    assert FIGURES["training"]().get_suptitle() == title
    unfinished = {name: column[:3] for name, column in HISTORY.items()}
    assert figures.training_curves(unfinished).get_suptitle().endswith("held-out pairs 10% right so far")
    early = {name: column[:2] for name, column in HISTORY.items()}
    assert figures.training_curves(early).get_suptitle() == "Still learning the training pairs"


def test_contributions_add_up_to_the_logits():
    lines = [axis.lines[-1].get_ydata() for axis in FIGURES["contributions"]().axes]
    np.testing.assert_allclose(sum(lines[:-1]), lines[-1], atol=1e-9)
    assert lines[-1].argmax() == 7


def test_moments_shade_what_is_required():
    axis = FIGURES["moments"]().axes[0]
    np.testing.assert_allclose([patch.get_x() + 0.5 for patch in axis.patches], [1, 2, 3, 4])
