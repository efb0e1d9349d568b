"""Every figure, the studies' own too, from a success and from a failure: the titles say which, nothing is cut."""

import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from _circles import circles, isolated_circles
from _phase_diagrams import phase_diagrams
from clock_and_pizza import algorithm_plane, correct_logit_maps, transition
from factorings import shares
from five_neurons import paths_to_the_star, stars_in_training
from matplotlib.axis import Tick
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.text import Text
from mlp_grokking import contributions, replacements
from mlp_seeds import moments_of_many
from moment_law import free_rings
from sparse_parity import bit_maps, parity_outputs, weight_paths
from strange_runs import accuracies, swings
from transformer_grokking import phases, progress_measures
from your_checkpoint import ablation_losses, ablations, logit_spectrum, neuron_maps, spectra

from grok_np import Transformer, analytic, figures, reading
from grok_np.figures import style
from grok_np.reading import clock_pizza, progress
from grok_np.tasks import ModularArithmetic

EXAMPLES = Path(__file__).parents[1] / "examples"
P, RNG = 23, np.random.default_rng(0)
STARS = analytic.together(analytic.star(P, 5, 2, activation="relu"), analytic.star(P, 7, 9, activation="relu"))
RINGS = reading.rings.find(STARS)


def waves_without_law():
    """Five neurons of one frequency whose phases in and out are drawn at random: a ring, but no star."""
    x, phases = 2 * np.pi * 3 * np.arange(P) / P, np.array([[0.1, 0.3, 0.5, 1.9, 2.0], [3.0, 0.2, 5.0, 1.0, 2.2]])
    A, C = (np.cos(x[:, None] - one) for one in phases)
    return replace(STARS, A=A, B=A, bias=np.zeros(5), C=C.T)


LAWLESS = waves_without_law()
NOISE = replace(LAWLESS, A=RNG.normal(size=(P, 5)), B=RNG.normal(size=(P, 5)), C=RNG.normal(size=(5, P)))
BAD_RINGS = reading.rings.find(LAWLESS)
BLURRED = replace(LAWLESS, A=LAWLESS.A + 0.5 * RNG.normal(size=LAWLESS.A.shape))
SPLIT = ModularArithmetic(P).split()

GROKKED = {"step": np.array([0, 10, 100, 1000]), "train_accuracy": np.array([0.0, 0.5, 1, 1]),
           "test_accuracy": np.array([0.0, 0.0, 0.1, 1]), "train_loss": np.array([4.0, 1, 1e-3, 1e-5]),
           "test_loss": np.array([4.0, 6, 8, 1e-4]), "l2_norm": np.array([9.0, 8, 7, 6])}
MEMORISED = {name: column[:3] for name, column in GROKKED.items()}
SWINGING = GROKKED | {"step": np.arange(4), "train_loss": np.array([1, 1e-3, 1, 1e-4])}

LOGITS, WRONG = analytic.logits(STARS, P), analytic.logits(NOISE, P)
NEURONS = np.maximum(STARS.A[:, None] + STARS.B, 0)
TRAIN = RNG.random((P, P)) < 0.5
GOOD_MEASURES, BAD_MEASURES = (
    progress.measures(logits, [2, 9], TRAIN, W_E=one.A, W_L=one.C, params={"C": one.C})
    for logits, one in ((LOGITS, STARS), (WRONG, NOISE)))


def attention(layout, scores=None):
    """Effective weights of a small random transformer, its scores replaced by ``scores(heads, tokens)``."""
    model = Transformer(p=7, d_model=8, n_heads=2, d_mlp=4, layout=layout)
    effective = model.effective(model.init(np.random.default_rng(0)))
    if scores is None:
        return effective
    b = scores(np.arange(7)[:, None], np.arange(1, 3))
    return replace(effective, scores=(np.repeat(b, len(effective.scores[0]) // 7, axis=0), b, *effective.scores[2:]))


EXACT = {"clock": analytic.clock, "pizza": analytic.pizza}
EXACT = {name: analytic.on_circles(build(P, [3, 7]), [3, 7]) for name, build in EXACT.items()}
MAPS = {name: clock_pizza.by_sum_and_difference(clock_pizza.correct_logits(reading.all_logits(*network)))
        for name, network in EXACT.items()}
PIZZA_SCORES = clock_pizza.principal_components(clock_pizza.token_table(*EXACT["pizza"])).scores[:P]
CIRCLES = isolated_circles(*EXACT["pizza"])
CLOUD = (np.repeat(np.linspace(0, 1, 21), 3), np.linspace(1, 0.3, 63), np.linspace(0.2, 0.9, 63))
BITS = np.random.default_rng(1).integers(0, 2, (300, 3)).sum(axis=1)
KEPT, FADED = np.zeros((2, 3, 6, 4))
KEPT[:] = 1
FADED[0], FADED[:, :2] = 1, 1


def cells(values):
    """One size of `free_rings`, of networks with these largest moments; empty if none is right."""
    one = {"alive": [5] * len(values), "M": values, "R": values, "evenness": [1.0] * len(values),
           "ratio": [1.2] * len(values)}
    return {"relu": [{"n": 5, "even_ring": 1.1, "descent": one, "adamw": one},
                     {"n": 6, "even_ring": 2.0, "descent": one, "adamw": one}]}


def moments_in_training(required):
    table = np.full((3, 9), required)
    table[:, 0] = 0.9
    return np.array([1, 10, 100]), table, {"train": np.array([3, 2, 1e-3]), "test": np.array([3, 3, 1e-2])}


def paths(angles):
    """Two steps of neurons that end at these angles in, and at twice the angles out."""
    last = np.stack([np.cos(angles), np.sin(angles)])
    return np.array([0, 50]), np.stack([0.1 * last, last]), np.stack([0.1 * last, last[:, ::-1]])


EVEN = 2 * np.pi * np.arange(5) / 5
GENERALISE, MEMORISE = np.zeros((1, 2, 2, 4)), np.zeros((1, 2, 2, 4))
GENERALISE[..., 0, :, 1] = GENERALISE[..., 1, :, 2] = MEMORISE[..., 1] = 1

# Name of the function: (from a success, what the title says; from a failure, what the title says).
FIGURES = {
    "ablations": (lambda: ablations(ablation_losses(LOGITS, [2, 9], neurons=NEURONS, W_L=STARS.C)),
                  "Loss 1.9e+00 nats with nothing taken out, 1.8e+00 with key",
                  lambda: ablations(ablation_losses(WRONG, [2])), "Loss 5.1e+00 nats"),
    "accuracies": (lambda: accuracies({"scale 1": GROKKED, "scale 9": MEMORISED}), "1,000 (scale 1), never (sc",
                   lambda: accuracies({"scale 9": MEMORISED}), "from step: never (scale 9)"),
    "algorithm_plane": (lambda: algorithm_plane({"rate 0": (0.99, 0.2), "rate 1": (0.3, 0.8)}, CLOUD),
                        "symmetricity 0.30 to 0.99, irrelevance 0.20 to 0.80",
                        lambda: algorithm_plane({"rate 0": (0.5, 0.5)}), "1 networks between"),
    "attention": (lambda: figures.attention(attention("a b =", lambda a, k: np.cos(2 * np.pi * k * a / 7)), 7),
                  "Attention is periodic: the named frequencies hold 100%",
                  lambda: figures.attention(replace(attention("a b"), attention_rate=0), 7), "Attention is flat"),
    "bit_maps": (lambda: bit_maps({"step 0": FADED[0].repeat(30, 1), "step 9": FADED[2]}, 2), "40%, 100%",
                 lambda: bit_maps({"step 0": KEPT[0], "step 9": KEPT[2]}, 2), "40%, 40%"),
    "circles": (lambda: circles(PIZZA_SCORES, CIRCLES), "2 circles of the embedding",
                lambda: circles(PIZZA_SCORES, []), "holds no circle"),
    "contributions": (lambda: contributions(*votes(STARS, RINGS, 3, 4), 3, 4), "largest at c = 7, the answer",
                      lambda: contributions(*votes(LAWLESS, BAD_RINGS, 3, 4), 3, 4), "Wrong: the sum of the"),
    "correct_logit_maps": (lambda: correct_logit_maps(MAPS), "In 1 of 2 networks",
                           lambda: correct_logit_maps({"noise": NOISE.A @ NOISE.C}), "In 0 of 1 networks"),
    "free_rings": (lambda: free_rings(cells([0.02, 0.03]), {"relu": [0.5, 0.4]}, {"relu": 5}), "at most 0.03",
                   lambda: free_rings(cells([]), {"relu": [0.5, 0.4]}, {"relu": 5}), "No network gets all"),
    "logit_spectrum": (lambda: logit_spectrum(progress.component_norms(LOGITS)), "hold 81%",
                       lambda: logit_spectrum(progress.component_norms(WRONG)), "no sum is computed"),
    "moments": (lambda: figures.moments(RINGS, (1, 2, 3, 4), 5), "are at most 0.00 in every ring",
                lambda: figures.moments(BAD_RINGS, (1, 2, 3, 4), 5), "are not, in 1 of 1 rings: up to 0."),
    "moments_beside_losses": (lambda: figures.moments_beside_losses(*moments_in_training(0.01)), "are at most 0.01",
                              lambda: figures.moments_beside_losses(*moments_in_training(0.7)), "not yet zero"),
    "moments_of_many": (lambda: moments_of_many(3 * RINGS, (1, 2, 3, 4), 5), "rings of 5: 1.00 to 1.00",
                        lambda: moments_of_many(3 * BAD_RINGS, (1, 2, 3, 4), 5), "in 3 of 3 rings"),
    "neuron_maps": (lambda: neuron_maps(np.moveaxis(NEURONS[..., [0, 6]], 2, 0), [2, 9],
                                        [progress.component_norms(NEURONS[..., i]) for i in (0, 6)]), "or more of each",
                lambda: neuron_maps(RNG.normal(size=(1, P, P)), [2], RNG.random((1, P, P))), "no single wave"),
    "parity_outputs": (lambda: parity_outputs({"learned": np.where(BITS % 2, 1.0, -1.0) + 0.1 * BITS}, BITS),
                       "one: 100.0% (learned)",
                       lambda: parity_outputs({"learned": np.where(BITS % 2, -1.0, 2.0)}, BITS),
                       "one: 0.0% (learned)"),
    "paths_to_the_star": (lambda: paths_to_the_star(*paths(EVEN)), "72 to 72° apart",
                          lambda: paths_to_the_star(*paths(EVEN**2)), "2 to 266°"),
    "phase_diagrams": (lambda: phase_diagrams({"addition": GENERALISE}, ("weight decay", (0.1, 1.0)),
                                                      ("data", (0.3, 0.6)), ("p =", [67])),
                       "in 2 of 4 settings; in none of those with weight decay 0.1",
                       lambda: phase_diagrams({"addition": MEMORISE}, ("weight decay", (0.1, 1.0)),
                                                      ("data", (0.3, 0.6)), ("p =", [67])), "in 0 of 4 settings"),
    "phases": (lambda: phases(GROKKED, (10, 100, 1000)), "Memorisation ends at step 10, circuit formation ends",
               lambda: phases(MEMORISED, (None, None, None)), "No phase has ended; not grokked by step 100"),
    "progress_measures": (lambda: progress_measures(
        [0, 50], [BAD_MEASURES, GOOD_MEASURES], [2, 9], (10, 20, 30),
        {"excluded_loss": 10, "restricted_loss": 20, "test_loss": 40}), "held-out loss at step 40",
        lambda: progress_measures([0, 5], 2 * [BAD_MEASURES], [2, 9]), "Not grokked: the held-out loss is"),
    "replacements": (lambda: replacements([0, 5], 2 * [reading.rings.scores(STARS, SPLIT)]),
                     "the weights from step 0, the waves read from them",
                     lambda: replacements([0, 5], 2 * [reading.rings.scores(NOISE, SPLIT)]), "Not grokked"),
    "scores": (lambda: figures.scores(reading.rings.scores(STARS, SPLIT)), "100.0% with the learned weights, ",
               lambda: figures.scores(reading.rings.scores(NOISE, SPLIT)), "in which there is no ring"),
    "shares": (lambda: shares([[1.0, 0.5], [0, 0]], ["tied", "one-hot"], ["decay 1", "decay 3"],
                                      [("symmetric", 1), ("not symmetric", 1)]), "in 1 of 2 rows, none in 1",
               lambda: shares([[0.0]], ["tied"], ["decay 1"]), "in 0 of 1 rows"),
    "spectra": (lambda: spectra({"W_E": STARS.A, "W_L": STARS.C.T}, [2, 9]), "hold 100% of W_E, 100% of W_L",
                lambda: spectra({"W_E": NOISE.A}, []), "no key frequency"),
    "stars": (lambda: figures.stars(RINGS), "In 2 of 2 rings the output turns twice as fast",
              lambda: figures.stars(BAD_RINGS), "No star yet"),
    "stars_in_training": (lambda: stars_in_training([(0, BAD_RINGS[0]), (50, RINGS[0])]), "within 0° of twice",
                          lambda: stars_in_training([(50, BAD_RINGS[0])]), "No star at step 50"),
    "swings": (lambda: swings({"beta1 = 0.9": GROKKED}), "with none of these; at rest",
               lambda: swings({"beta1 = 0.9": GROKKED, "beta1 = 0.99": SWINGING}), "beta1 = 0.99 (by a factor"),
    "training_curves": (lambda: figures.training_curves(GROKKED), "right from step 100, held-out data from step 1,000",
                        lambda: figures.training_curves(MEMORISED), "held-out data never all, 10.0% at best"),
    "transition": (lambda: transition([0, 1], [[0.99, 0.2], [0.3, 0.8]], CLOUD), ": from pizza to clock",
                   lambda: transition([0, 1], [[0.5, 0.2], [0.5, 0.8]]), "no way from pizza to clock"),
    "waves": (lambda: figures.waves(STARS, RINGS), "holds 100% or more of each neuron",
              lambda: figures.waves(BLURRED, reading.rings.find(BLURRED)), "Not yet waves"),
    "weight_maps": (lambda: figures.weight_maps(STARS, RINGS), "12 of 12 neurons are waves of 2 frequencies",
                    lambda: figures.weight_maps(NOISE, []), "no three neurons share a frequency"),
    "weight_paths": (lambda: weight_paths([0, 10, 99], FADED, 2, [(10, "memorised"), (20, "end")]),
                     "and 0 at step 99",
                     lambda: weight_paths([0, 10, 99], KEPT, 2), "they have not faded away"),
}
CASES = [(name, good) for name in FIGURES for good in (True, False)]


def votes(effective, rings, a, b):
    """What `contributions` takes."""
    post = np.maximum(effective.A[a] + effective.B[b] + effective.bias, 0)
    return {ring.frequency: post[ring.neurons] @ effective.C[ring.neurons] for ring in rings}, post @ effective.C


@cache
def drawn(name, good=True):
    figure = FIGURES[name][0 if good else 2]()
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return figure, canvas.get_renderer()


def test_every_figure_is_here():
    of_studies = {name for path in EXAMPLES.glob("*.py") for name in
                  re.findall(r"^def (\w+)\(.*\) -> Figure:", path.read_text(encoding="utf-8"), re.M)}
    assert set(FIGURES) == {name for name in figures.__all__ if name != "save"} | of_studies


@pytest.mark.parametrize(("name", "good"), CASES)
def test_the_title_says_what_is_drawn(name, good):
    figure, _ = drawn(name, good)
    title, said, other = (figure.get_suptitle().replace("\n", " "), *FIGURES[name][1 :: 2][:: 1 if good else -1])
    assert said in title
    assert other not in title or other in said


@pytest.mark.parametrize(("name", "good"), CASES)
def test_nothing_is_cut_and_the_title_is_alone(name, good):
    figure, renderer = drawn(name, good)
    assert figure.get_figwidth() <= style.WIDTH
    ticks = {id(text) for tick in figure.findobj(Tick) for text in tick.findobj(Text)}  # in the boxes of the axes
    boxes = {text.get_text(): text.get_window_extent(renderer) for text in figure.findobj(Text)
             if text.get_visible() and text.get_text().strip() and id(text) not in ticks
             and (text.axes is None or text.axes.axison)}
    axes = [axis.get_tightbbox(renderer) for axis in figure.axes if axis.axison]
    boxes |= {f"axis {i}": box for i, box in enumerate(axes)}
    page = figure.bbox.padded(1)
    for name, box in boxes.items():
        assert page.x0 <= box.x0 <= box.x1 <= page.x1 and page.y0 <= box.y0 <= box.y1 <= page.y1, name
    assert min(text.get_fontsize() for text in figure.findobj(Text) if text.get_text().strip()) >= 8
    top = boxes[figure.get_suptitle()].y0
    assert all(box.y1 <= top + 1 for box in axes), "the title overlaps an axis"


@pytest.mark.parametrize(("name", "good"), CASES)
def test_titles_of_panels_do_not_touch(name, good):
    figure, renderer = drawn(name, good)
    boxes = [axis.title.get_window_extent(renderer) for axis in figure.axes if axis.get_title() and axis.axison]
    for i, one in enumerate(boxes):
        assert not any(one.overlaps(other) for other in boxes[:i])


def test_lines_are_seen_on_white():
    """W3C contrast of at least 3:1; fills may be lighter."""
    for colour in (*style.CYCLE, style.BLUE, style.RED, style.DARK_ORANGE, style.GREEN):
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
        assert 1.05 / (np.dot(linear, (0.2126, 0.7152, 0.0722)) + 0.05) >= 3, colour


def test_save_makes_the_folder(tmp_path):
    path = figures.save(FIGURES["stars"][0](), tmp_path / "new folder" / "figure.png")
    assert path == tmp_path / "new folder" / "figure.png" and path.read_bytes().startswith(b"\x89PNG")


def lines(name, panel=0, good=True):
    return [line.get_ydata() for line in drawn(name, good)[0].axes[panel].lines]


def test_curves_are_those_of_the_history():
    np.testing.assert_array_equal(lines("training_curves", 0), [GROKKED["train_accuracy"], GROKKED["test_accuracy"]])
    np.testing.assert_array_equal(lines("training_curves", 1), [GROKKED["train_loss"], GROKKED["test_loss"]])
    np.testing.assert_array_equal(lines("swings", 1), [GROKKED["l2_norm"]])
    np.testing.assert_array_equal(lines("accuracies")[1], GROKKED["test_accuracy"])


def test_a_run_that_fell_back_is_not_called_a_success():
    history = GROKKED | {"test_accuracy": np.array([0.0, 0.0, 1, 0.9])}
    assert "(but 90.0% at the end)" in figures.training_curves(history).get_suptitle().replace("\n", " ")
    early = {name: column[:2] for name, column in GROKKED.items()}
    assert figures.training_curves(early).get_suptitle().startswith("Still learning: 50% of the training")


def test_contributions_add_up_to_the_logits_on_one_scale():
    axes = drawn("contributions")[0].axes
    drawn_lines = [axis.lines[-1].get_ydata() for axis in axes]
    np.testing.assert_allclose(sum(drawn_lines[:-1]), drawn_lines[-1], atol=1e-9)
    assert drawn_lines[-1].argmax() == 7 and len({axis.get_ylim() for axis in axes}) == 1


def test_moments_shade_what_is_required_and_draw_the_moments():
    axis = drawn("moments")[0].axes[0]
    left = [patch.get_extents().transformed(axis.transData.inverted()).x0 for patch in axis.patches]
    np.testing.assert_allclose(np.add(left, 0.5), [1, 2, 3, 4], atol=1e-6)
    np.testing.assert_allclose(axis.lines[0].get_ydata(), RINGS[0].moments[:8])
    assert len(drawn("moments_of_many")[0].axes[0].lines) == 6


def test_stars_come_with_the_small_rings_first_and_the_learned_phases():
    figure, _ = drawn("stars")
    assert [axis.get_title() for axis in figure.axes[:2]] == ["frequency 2:\n5 neurons", "frequency 9:\n7 neurons"]
    np.testing.assert_allclose(figure.axes[0].lines[1].get_xdata()[:5], RINGS[0].input_phases)
    np.testing.assert_allclose(figure.axes[2].lines[1].get_xdata()[:5], RINGS[0].output_phases)


def test_the_learned_weights_are_drawn_as_they_are():
    axis = drawn("weight_maps")[0].axes[0]
    order = np.concatenate([ring.neurons for ring in RINGS])
    np.testing.assert_array_equal(axis.images[0].get_array(), STARS.A.T[order])
    left = drawn("waves")[0].axes[0]
    np.testing.assert_allclose(left.lines[0].get_ydata(), left.lines[-1].get_ydata(), atol=1e-9)  # a star is a cosine


def test_scores_are_drawn_as_points():
    rows = reading.rings.scores(STARS, SPLIT)
    left, right = drawn("scores")[0].axes
    np.testing.assert_allclose(left.lines[0].get_xdata(), [train.loss for _, train, _ in rows])
    np.testing.assert_allclose(right.lines[1].get_xdata(), [test.accuracy for *_, test in rows])


def test_attention_follows_the_rate():
    whole = attention("a b", lambda a, k: 3 * np.cos(2 * np.pi * k * a / 7))
    for rate in (1.0, 0.25):
        picture = figures.attention(replace(whole, attention_rate=rate), 7).axes[2].images[0].get_array()
        order = np.arange(7)  # of head 0, whose frequency is 1
        scores = np.exp(3 * np.cos(2 * np.pi * order / 7))
        expected = rate * scores / (scores + scores[:, None]) + 1 - rate  # [b, a]
        np.testing.assert_allclose(picture, expected, atol=1e-9)
    noise = attention("a b", lambda a, k: np.random.default_rng(0).normal(size=(7, 2)))
    assert "Attention is" in figures.attention(noise, 7).get_suptitle()


def test_attention_of_noise_is_not_called_periodic():
    noise = SimpleNamespace(scores=(RNG.normal(size=(59, 2)), RNG.normal(size=(59, 2))), attention_rate=1.0)
    assert figures.attention(noise, 59).get_suptitle().startswith("Attention is not periodic")


def test_the_transition_names_its_measure():
    axes = drawn("transition")[0].axes
    assert axes[1].get_ylabel() == drawn("algorithm_plane")[0].axes[0].get_ylabel()
    assert axes[1].get_ylabel() == "distance irrelevance\nof the largest wrong logit"
    np.testing.assert_array_equal(axes[1].lines[-1].get_ydata(), [0.2, 0.8])


def test_ends_of_phases_are_drawn_where_they_are():
    for axis in drawn("progress_measures")[0].axes:
        assert {10, 20, 30} <= {line.get_xdata()[0] for line in axis.lines}
    assert len(drawn("phases")[0].axes[0].patches) == 3 and not drawn("phases", False)[0].axes[0].patches


def test_distractors_lie_over_the_other_weights():
    axis = drawn("weight_paths")[0].axes[0]
    colours = [line.get_color() for line in axis.lines if len(line.get_xdata()) == 3]
    assert colours[-1] == "0.35" and colours[0] == style.BLUE


def test_rows_of_shares_are_grouped():
    axis = drawn("shares")[0].axes[0]
    assert {"symmetric", "not symmetric", "100%", "50%", "0%"} <= {text.get_text() for text in axis.texts}
    assert [line.get_ydata()[0] for line in axis.lines] == [0.5, 1.5]


def test_correct_logits_are_told_apart():
    titles = [axis.get_title() for axis in drawn("correct_logit_maps")[0].axes]
    assert titles[0].startswith("clock\nconstant") and titles[1].startswith("pizza\n")


def test_circles_of_more_than_one_row_are_all_there():
    figure = circles(PIZZA_SCORES, 3 * CIRCLES)
    FigureCanvasAgg(figure).draw()
    assert sum(axis.get_title().startswith("frequency") for axis in figure.axes) == 6


def test_spectra_and_ablations_draw_their_numbers():
    bars = [bar.get_height() for bar in drawn("spectra")[0].axes[0].patches]
    assert np.isclose(sum(bars), 1) and np.argsort(bars)[-2:].tolist() == [1, 8]
    losses = ablation_losses(LOGITS, [2, 9], neurons=NEURONS, W_L=STARS.C)
    points = drawn("ablations")[0].axes[0].lines[1]
    np.testing.assert_allclose(points.get_xdata(), list(losses.values()))
