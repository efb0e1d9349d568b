"""Sections 0, 4 and 5 of the page: what they show is what Python computes, and every control does what it says."""

import re
import shlex
import subprocess
import sys
import time

import numpy as np
import pytest
from browser import Page

from grok_np import analytic
from grok_np.layers import LOSSES
from grok_np.networks.mlp import Effective, mix_forward
from grok_np.page import build
from grok_np.tasks import all_pairs


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(build.page(build.collect([])), encoding="utf-8")
    return path


@pytest.fixture
def opened(driver, file):
    driver.get_log("browser")
    yield lambda state: Page(driver, file, state)
    assert driver.get_log("browser") == []


def ran(command):
    """What a command of the page prints, run with this Python."""
    words = shlex.split(command)
    assert words[:2] == ["python", "-c"]
    return subprocess.run([sys.executable, "-c", words[2]], capture_output=True, check=True, encoding="utf-8").stdout


def floats(text):
    return [float(number) for number in re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", text.replace("−", "-").replace(",", ""))]


# Section 4


def ring_shown(page):
    """Phases and weights with all their digits; the URL has them rounded."""
    ring = page.script("return page.lopsided()")
    phases, weights = np.array(ring["phases"]), np.array(ring["weights"])
    if page.state("shape"):
        words = np.transpose([[float(x) for x in pair.split(":")] for pair in page.state("shape").split("_")])
        np.testing.assert_allclose(np.exp(1j * np.radians(words[0])), np.exp(1j * phases), atol=1e-5)
        np.testing.assert_allclose(words[1] / words[1].sum(), weights / weights.sum(), atol=2e-3)
    return phases, weights


def lopsided(phases, weights, p, wave):
    """Share of right pairs, least margin of the whole weight, loss at weight p², by the package."""
    network = analytic.ring(p, phases, 1, weights, "relu")
    if wave == "learned":
        t = 2 * np.pi / p * np.arange(p)[:, None] - phases
        A = 0.09 + np.cos(t) - 0.12 * np.cos(2 * t)
        network = Effective(A, A, network.bias, network.C, "relu")
    logits = analytic.logits(network, p)
    margins = analytic.margins(logits)
    scaled = (p * p / weights.sum() * logits).reshape(p * p, p)
    loss = LOSSES["cross_entropy"].forward(scaled, all_pairs(p).sum(axis=1) % p)[0]
    return (margins > 0).mean(), margins.min() / weights.sum(), loss


def check_lopsided(page):
    """What is said of the ring is what Python says of it."""
    phases, weights = ring_shown(page)
    p, wave = int(page.state("mod")), page.state("wave")
    share, margin, loss = lopsided(phases, weights, p, wave)
    shown = floats(page.text("#fig-drag .pictures + p"))
    assert shown[0] == pytest.approx(100 * share, abs=0.06)
    assert shown[-2] == pytest.approx(loss, rel=6e-3)
    known = page.script("return page.lopsided()")
    assert known["right"] == pytest.approx(share, abs=1e-12)
    assert known["margin"] == pytest.approx(margin, abs=1e-12)
    assert known["loss"] == pytest.approx(loss, rel=1e-10)
    np.testing.assert_allclose(known["sizes"], np.abs(analytic.moments(phases, weights, 8)), atol=1e-12)
    return share, known


def test_the_regular_hexagon_fails_and_a_lopsided_one_works(opened):
    page = opened("lopsided")
    assert page.says("drag").startswith("48.4 % of the pairs are right: M₆ = 1.00 hurts most")
    page.set(lean=0.8)
    share, known = check_lopsided(page)
    assert share == 1 and known["sizes"][4] == pytest.approx(0.8, abs=1e-3)
    assert page.says("drag") == "Lopsided, and yet all 961 pairs are right: M₅ = 0.80 and M₇ = 0.29 are not felt."
    page.set(wave="learned")  # which feels M_5
    share, known = check_lopsided(page)
    assert share < 0.8 and known["blame"] == 5
    assert page.says("drag").startswith(f"{100 * share:.1f} % of the pairs are right: M₅ = 0.80 hurts most")


OCTAGON = "_".join(f"{angle}:100" for angle in range(0, 360, 45))


@pytest.mark.parametrize(("state", "share"), [
    ("lopsided&shape=0:100_80:50_200:150_290:90&mod=13", None), (f"lopsided&shape={OCTAGON}&wave=learned", 1)])
def test_a_ring_in_the_url(opened, state, share):
    page = opened(state)
    page.settle()
    assert len(ring_shown(page)[0]) == page.state("neurons") == state.count(":")
    found, _ = check_lopsided(page)
    assert share is None or found == share


def test_dragging_and_the_keyboard_move_one_neuron(opened):
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.keys import Keys

    page = opened("lopsided")
    page.press("make it regular")
    phases, _ = ring_shown(page)
    knobs = page.driver.find_elements("css selector", "#fig-drag .knob")
    assert len(knobs) == 6 and knobs[1].get_attribute("role") == "slider"
    assert knobs[1].get_attribute("aria-valuetext") == "60 degrees, weight 1.00"
    page.script("arguments[0].scrollIntoView({block: 'center'})", knobs[1])
    ActionChains(page.driver).click_and_hold(knobs[1]).move_by_offset(30, -20).release().perform()
    page.settle()
    moved, heavier = ring_shown(page)
    np.testing.assert_allclose(np.delete(moved, 1), np.delete(phases, 1), atol=1e-6)
    assert moved[1] != pytest.approx(phases[1], abs=0.02) and heavier[1] > 1.1
    check_lopsided(page)
    knobs[1].send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_DOWN)
    page.settle()
    turned, lighter = ring_shown(page)
    assert np.degrees(turned[1] - moved[1]) == pytest.approx(2, abs=1e-2)
    assert lighter[1] - heavier[1] == pytest.approx(-0.05, abs=1e-3)
    check_lopsided(page)


@pytest.mark.parametrize("state", ["lopsided&neurons=8", "lopsided&neurons=9&wave=learned"])
def test_a_lopsided_ring_that_works_is_found(opened, state):
    page = opened(state)
    page.press("find a lopsided ring")
    share, known = check_lopsided(page)
    phases, weights = ring_shown(page)
    assert share == 1 and max(known["sizes"][:4]) < 1e-3
    gaps = np.diff(np.sort(phases), append=np.min(phases) + 2 * np.pi)
    assert np.ptp(np.degrees(gaps)) > 5 or np.ptp(weights) > 0.1
    assert page.says("drag").startswith("Lopsided, and yet all 961 pairs are right")


def test_five_neurons_have_nothing_lopsided_to_find(opened):
    page = opened("lopsided")
    page.set(neurons=5)
    page.press("find a lopsided ring")
    assert page.says("drag").startswith("With five neurons or fewer only the regular pentagon")


def test_cancelling_and_going_downhill(opened):
    page = opened("lopsided&shape=0:120_50:80_110:100_200:90_250:100_310:70_20:50")
    before = check_lopsided(page)[1]["loss"]
    page.press("cancel")
    _, known = check_lopsided(page)
    assert max(known["sizes"][:4]) < 1e-3
    page.press("downhill")
    page.until(lambda: not page.script("return page.lopsided().running"), 60)
    page.settle()
    check_lopsided(page)
    assert page.script("return page.lopsided().loss") < min(before, known["loss"])


def test_the_commands_of_the_rings_print_what_is_shown(opened):
    for state in ("lopsided&lean=0.8", "lopsided&lean=0.3&wave=learned&mod=13"):
        page = opened(state)
        page.set(lean=0.5)
        known = page.script("return page.lopsided()")
        share, margin, *sizes = floats(ran(page.text("#fig-drag .made code")))
        assert share == pytest.approx(known["right"], abs=1e-9) and margin == pytest.approx(known["margin"], rel=1e-3)
        np.testing.assert_allclose(sizes, known["sizes"], atol=1e-4)


# Section 5


@pytest.mark.parametrize(("size", "modulus", "act"), [
    (3, 67, "square"), (4, 67, "square"), (5, 20, "square"), (6, 21, "relu"), (6, 23, "relu"), (3, 13, "abs"),
    (5, 119, "relu"), (1, 5, "relu")])
def test_stars_written_down(opened, size, modulus, act):
    page = opened(f"written&size={size}&modulus={modulus}&act={act}")
    page.settle()
    network = analytic.star(modulus, size, activation=act, allow_inexact=True)
    check_written(page, network)
    needed = [n for n in analytic.required_moments(act) if n % size == 0]
    for n in needed:
        assert f"M{'₀₁₂₃₄₅₆₇₈₉'[n]}" in page.says("written")
    assert ("not vanish" in page.says("written")) == bool(needed)


@pytest.mark.parametrize(("size", "modulus", "winding"), [(6, 67, 4), (6, 20, 4), (6, 13, 3), (7, 12, 3)])
def test_untied_stars_written_down(opened, size, modulus, winding):
    page = opened(f"written&form=untied&size={size}&modulus={modulus}&winding={winding}")
    page.settle()
    check_written(page, analytic.untied_star(modulus, size, (1, winding), allow_inexact=True))
    exact = analytic.certificate(size, (1, winding)).exact
    assert ("N divides none" in page.says("written")) == exact


def check_written(page, network):
    p = len(network.A)
    share = (analytic.margins(analytic.logits(network, p)) > 0).mean()
    says = page.says("written")
    if share == 1:
        assert f"all {p * p:,} pairs are right" in says
    else:
        assert floats(says.split(": ")[1].split("%")[0])[0] == pytest.approx(100 * share, abs=0.06)
    assert float(ran(page.text("#fig-written .made code"))) == pytest.approx(share, abs=1e-12)


def test_the_two_pentagons_reach_where_the_decagon_does_not(opened):
    page = opened("written&form=pentagons&act=relu&modulus=67")
    page.settle()
    assert page.says("written").endswith("It adds for every odd p up to 1,025.")
    assert float(ran(page.text("#fig-written .made code"))) == 1
    page.set(form="regular", size=10)
    assert page.says("written").endswith("It adds for every odd p up to 117.")
    page.set(size=6)
    assert "M₆ is the first error left" in page.says("written")
    assert page.says("written").endswith(f"for every odd p up to {analytic.largest_modulus(6)}.")


# Section 0


def test_a_network_memorises_and_groks_in_the_page(opened):
    page = opened("watch")
    page.until(lambda: page.says("watch"))
    assert page.says("watch").startswith("Nothing learned yet")
    page.press("▶ start")
    page.until(lambda: page.script("return page.training().grokked"), 120)
    page.until(lambda: not page.script("return page.training().running"), 120)
    found = page.script("const {now, history, memorised, grokked} = page.training();"
                        "return {history, memorised, grokked, step: now.step, A: Array.from(now.A),"
                        "C: Array.from(now.C), right: Array.from(now.right)}")
    p, h = 31, 24
    A, C = np.reshape(found["A"], (p, h)), np.reshape(found["C"], (h, p))
    logits, _ = mix_forward(Effective(A, A, np.zeros(h), C, "relu"), all_pairs(p))
    right = logits.argmax(axis=1) == all_pairs(p).sum(axis=1) % p
    np.testing.assert_array_equal(right, np.array(found["right"], bool))
    assert 0 < found["memorised"] < found["grokked"] <= found["step"]
    steps, test = found["history"]["step"], found["history"]["test"]
    assert steps == sorted(steps) and test[steps.index(found["grokked"])] == 1 > test[steps.index(found["memorised"])]
    assert re.match(rf"Grokked: at step {found['grokked']:,} every pair is right", page.says("watch"))


def test_without_decay_it_stays_with_what_it_knows(opened):
    page = opened("watch")
    page.press("never grok")
    assert page.state("decay") == 0
    page.until(lambda: page.script("return page.training().memorised"), 60)
    page.until(lambda: page.script("return page.training().now.step") > 400, 60)
    page.press("stop")
    step = page.script("return page.training().now.step")
    assert page.script("return page.training().history.test.at(-1)") < 0.5
    assert "by heart" in page.says("watch")
    time.sleep(0.3)
    assert page.script("return page.training().now.step") == step
    page.press("let it grok")
    assert page.state("decay") == 1 and page.script("return page.training().running")


def test_the_command_of_the_training_can_be_run(opened):
    page = opened("watch&known=50&decay=0.5")
    page.until(lambda: page.text("#fig-watch .made code"))
    words = shlex.split(page.text("#fig-watch .made code"))[2]
    words = re.sub(r", \d+\)$", ", 2, progress=False)", words)
    assert "train_fraction=0.5" in words and "weight_decay=0.5" in words
    ran(f"python -c {shlex.quote(words)}")


def test_keys_of_the_sections_differ():
    """They share one state and one URL."""
    keys = []
    for path in sorted((build.resources.files("grok_np.page") / "sections").iterdir(), key=lambda path: path.name):
        for found in re.findall(r"keys: \{([^}]*)\}", path.read_text(encoding="utf-8")):
            keys += re.findall(r"(\w+):", found)
    assert len(keys) > 20 and len(keys) == len(set(keys))
