"""The circles of an embedding one by one: what the network computes with each alone, and a picture of them."""

from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from grok_np import analytic
from grok_np.errors import require, require_array, require_choice, require_integer, require_number
from grok_np.figures.style import CYCLE, WIDTH, title
from grok_np.reading import all_logits, clock_pizza, fourier
from grok_np.reading.every_pair import accuracy, grid


class Circle(NamedTuple):
    """Two principal components of one frequency. ``components`` counts from 0; ``share`` is of the two's own power."""

    frequency: int
    components: tuple[int, int]
    share: float


def find_circles(table, least_share=0.9, p=None):
    """The circles of an embedding table (n, d), strongest first: pairs of principal components of one frequency.

    The first two components whose strongest frequency is the same make a circle if that frequency holds ``least_share``
    of the power of both together over the first ``p`` rows, by default all, and they hold 1 % of the variance. (The
    paper pairs neighbours; circles of nearly the same size come interleaved.)
    """
    require_number(least_share, "least_share", "in [0, 1]", lambda x: 0 <= x <= 1)
    parts = clock_pizza.principal_components(table)
    p = len(parts.scores) if p is None else require_integer(p, "p", minimum=2)
    require(2 <= p <= len(parts.scores), "p", p, f"from 2 to the number of rows of the table, {len(parts.scores)}")
    strongest = 1 + fourier.power(parts.scores[:p])[1:].argmax(axis=0)
    found = []
    for frequency in dict.fromkeys(strongest.tolist()):
        pair = np.flatnonzero(strongest == frequency)[:2]
        if len(pair) == 2 and parts.share[pair].sum() >= 0.01:
            power = fourier.power(parts.scores[:p, pair]).sum(axis=1)[1:]
            circle = Circle(frequency, tuple(pair.tolist()), float(power.max() / max(power.sum(), 1e-300)))
            if circle.share >= least_share:
                found.append(circle)
    return found


def isolate(model, params, components):
    """Parameters whose W_E keeps only these principal components, and the mean (the paper's circle isolation).

    The components are those of `clock_pizza.token_table`: of one or more circles, to leave these alone.
    """
    parts = clock_pizza.principal_components(clock_pizza.token_table(model, params))
    require("W_E" in params, "params", sorted(params), "with an embedding W_E")
    chosen = np.unique(require_array(components, "components", ndim=1))
    require(len(chosen) and np.isin(chosen, np.arange(len(parts.directions))).all(), "components", chosen.tolist(),
            f"one or more of 0 to {len(parts.directions) - 1}")
    kept = parts.mean + parts.scores[:, chosen.astype(int)] @ parts.directions[chosen.astype(int)]
    W_E = params["W_E"]
    return params | {"W_E": np.concatenate([kept.astype(W_E.dtype), W_E[len(kept):]])}


def formula_agreement(logits, frequency, formula):
    """How well logits (p, p, n) follow a formula of one frequency: 2 r - 1, r their correlation, so from -3 to 1.

    It is 1 - mean of (logits - formula)², each with mean 0 and variance 1, which Zhong et al. 2023 call the fraction of
    variance explained. 1 is the formula itself; no relation (r = 0) gives -1, as constant logits do; its negative -3.
    ``formula``: one of `analytic.FORMULAS`, "clock", "pizza", "pizza'" or "accompanying".
    """
    require_choice(formula, "formula", analytic.FORMULAS)
    logits = grid(logits)
    p = len(logits)
    require_integer(frequency, "frequency", minimum=1)
    logits, target = logits[..., :p].astype(np.float64, copy=False), analytic.clock_pizza.formula(formula, p, frequency)
    return float(2 * np.corrcoef(logits.ravel(), target.ravel())[0, 1] - 1) if logits.std() > 0 else -1.0


class Isolated(NamedTuple):
    """A circle with what the network does when nothing else is left of its embedding.

    ``agreement`` with each of `analytic.FORMULAS` (`formula_agreement`) is at the circle's own frequency, but for
    "accompanying" at that of the stronger circle whose frequency k has 2 k = +-its own mod p, NaN if there is none.
    """

    circle: Circle
    accuracy: float  # over all p² pairs
    agreement: dict[str, float]
    accompanies: int | None  # that k, if the agreement is above 1/2


def isolated_circles(model, params, least_share=0.9):
    """Each circle of the embedding on its own (Zhong et al. 2023, sections 3 and 4), as a list of `Isolated`.

    *Accompanying pizzas*: a pizza of frequency k is weak where a - b is near p / 2 on its circle. In the paper's Model
    A each strong circle has a weaker companion of frequency 2 k that makes up for it, linearly: see
    `analytic.accompanying_logits`.
    """
    found = []
    for circle in find_circles(clock_pizza.token_table(model, params), least_share, model.p):
        logits = all_logits(model, isolate(model, params, circle.components))
        lead = next((k for k in (one.circle.frequency for one in found)
                     if circle.frequency in (2 * k % model.p, -2 * k % model.p)), None)
        frequency = dict.fromkeys(analytic.FORMULAS, circle.frequency) | {"accompanying": lead}
        agreement = {name: np.nan if k is None else formula_agreement(logits, k, name)
                     for name, k in frequency.items()}
        found.append(Isolated(circle, accuracy(logits), agreement, lead if agreement["accompanying"] > 0.5 else None))
    return found


def circles(scores, isolated) -> Figure:
    """Each circle of the embedding with its tokens in order, and what the network computes with it alone.

    scores (p, r) of `clock_pizza.principal_components`; isolated from `isolated_circles`.
    """
    lines = max(1, -(-len(isolated) // 4))
    columns = max(1, -(-len(isolated) // lines))
    figure = Figure(figsize=(WIDTH if columns > 2 else 6, 0.9 + 4.6 * lines), layout="constrained")
    axes = figure.subplots(2 * lines, columns, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for i, one in enumerate(isolated):
        top, bottom = axes[2 * (i // columns), i % columns], axes[2 * (i // columns) + 1, i % columns]
        for axis in (top, bottom):
            axis.set_axis_on()
        k, (x, y) = one.circle.frequency, one.circle.components
        order = np.argsort(k * np.arange(len(scores)) % len(scores))
        order = np.append(order, order[0])
        size = np.abs(scores[:, [x, y]]).max()
        top.plot(scores[order, x] / size, scores[order, y] / size, "-", color="0.8", lw=0.8)
        top.plot(scores[:, x] / size, scores[:, y] / size, ".", color=CYCLE[0], ms=4)
        top.set(aspect="equal", xticks=[], yticks=[], xlim=(-1.3, 1.3), ylim=(-1.3, 1.3))
        role = f"\naccompanies {one.accompanies}" if one.accompanies else ""
        top.set_title(f"frequency {k}\nalone {one.accuracy:.0%} right{role}", fontsize=9)
        values = np.maximum(np.nan_to_num(list(one.agreement.values()), nan=0), 0)
        bottom.barh(range(len(values))[::-1], values, color="0.45")
        bottom.set(yticks=range(len(values))[::-1], xlim=(0, 1.05), xticks=(0, 0.5, 1))
        bottom.set_yticklabels(list(one.agreement) if i % columns == 0 else [], fontsize=9)
        bottom.set_xlabel("agreement", fontsize=9)
    winners = [max(one.agreement, key=lambda name: np.nan_to_num(one.agreement[name], nan=-9)) for one in isolated
               if np.nan_to_num(list(one.agreement.values()), nan=-9).max() > 0.5]
    found = ", ".join(f"{winners.count(name)} {name}" for name in dict.fromkeys(winners))
    if isolated:
        title(figure, f"{len(isolated)} circles of the embedding. Formula that agrees best with a circle's own logits: "
                      f"{found or 'none above one half'}",
              "pizza': the pizza's second formula. accompanying: a second circle that helps where the first is weak")
    else:
        title(figure, "The embedding holds no circle: no two principal components share a frequency")
    return figure
