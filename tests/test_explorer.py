"""The explorable page, opened in a real headless browser: what is drawn agrees with NumPy, and every control works."""

import base64
import json
import shutil
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from grok_np import MLP, AdamW, BitMLP, ModularArithmetic, SparseParity, analytic, reading, train
from grok_np.networks.mlp import mix_forward
from grok_np.page import explorer
from grok_np.reading import fourier

P = 11


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Six hundred steps of a tiny network with two input tables; it ends with the training pairs right."""
    model = MLP(P, n_hidden=16, activation="square", factoring="one_hot", bias=True)
    return train(model, ModularArithmetic(P, train_fraction=0.6), AdamW(lr=0.02, weight_decay=0.1), 600, 0,
                 tmp_path_factory.mktemp("explorer") / "tiny", checkpoint_every=50, progress=False)


@pytest.fixture(scope="module")
def page(run):
    pytest.importorskip("plotly", reason='plotly is not installed: pip install -e ".[explorer]"')
    return explorer.explore(run)


@pytest.fixture(scope="module")
def driver():
    """Headless Chromium, asked to keep its console and the requests that it makes."""
    webdriver = pytest.importorskip("selenium.webdriver", reason='no selenium: pip install -e ".[browser]"')
    chromium, chromedriver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and chromedriver):
        pytest.skip("no browser: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1280,900"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(chromedriver))
    yield driver
    driver.quit()


class Page:
    """The page in the browser, through what a reader uses (sliders, tabs, text) and what plotly.js has drawn."""

    def __init__(self, driver):
        self.driver = driver
        self.script = driver.execute_script

    def set(self, name, value):
        """Move a slider or make a choice, as the browser tells the page of it, and wait until all is drawn."""
        self.script("const control = document.getElementById(arguments[0]); control.value = arguments[1];"
                    "control.dispatchEvent(new Event('input'))", name, str(value))
        self.settle()

    def settle(self):
        deadline = time.monotonic() + 20
        while self.script("return waiting.size"):
            assert time.monotonic() < deadline, "pictures are still waiting to be drawn"
            time.sleep(0.01)

    def tab(self, name):
        self.script("document.querySelector(`input[value=${arguments[0]}]`).click()", name)
        self.settle()

    def text(self, name):
        return self.script("return document.getElementById(arguments[0]).textContent", name)

    def value(self, name):
        return int(self.script("return document.getElementById(arguments[0]).value", name))

    def lines(self, name, field):
        """{trace name: array} of a picture."""
        data = self.script("return document.getElementById(arguments[0]).data.map(trace => [trace.name,"
                           "Array.from(trace[arguments[1]] ?? [], x => Array.from(x?.length ? x : [x]).flat())])",
                           name, field)
        return {trace: np.squeeze(np.array(values, float)) for trace, values in data if trace}

    def mark(self, name):
        return self.script("return document.getElementById(arguments[0]).layout.shapes.at(-1)", name)


@pytest.fixture
def opened(driver, page):
    driver.get_log("browser"), driver.get_log("performance")
    driver.set_window_size(1280, 900)
    driver.get(page.as_uri())
    opened = Page(driver)
    opened.settle()
    return opened


def parts_of(effective, a, b):
    """What each ring, the other neurons, and all of them add to the logits of (a, b), each less its mean."""
    rings = reading.rings.find(effective)
    activate = {"square": np.square}[effective.activation]
    votes = activate(effective.A[a] + effective.B[b] + effective.bias)[:, None] * effective.C
    parts = {f"k = {ring.frequency}": votes[ring.neurons].sum(axis=0) for ring in rings}
    rest = np.setdiff1d(np.arange(len(votes)), np.concatenate([ring.neurons for ring in rings]))
    if len(rest):
        parts["rest"] = votes[rest].sum(axis=0)
    return {name: part - part.mean() for name, part in (parts | {"sum": votes.sum(axis=0)}).items()}


def test_the_logits_drawn_are_those_of_the_run(opened, run):
    effective = run.model.effective(run.params)
    for a, b in ((3, 4), (9, 2)):
        opened.set("a", a)
        opened.set("b", b)
        drawn, expected = opened.lines("contributions", "customdata"), parts_of(effective, a, b)
        assert drawn.keys() - {"says"} == expected.keys()
        for name, part in expected.items():
            np.testing.assert_allclose(drawn[name], part, atol=1e-4 * np.abs(expected["sum"]).max())
        said = int(expected["sum"].argmax())
        assert opened.lines("contributions", "x")["says"] == said
        assert np.mean([opened.mark("contributions")[end] for end in ("x0", "x1")]) == (a + b) % P
        assert f"{a} + {b} = {(a + b) % P} (mod {P}); the network says {said}" in opened.text("verdict")
        assert opened.mark("pairs")["xanchor"] == a and opened.mark("pairs")["yanchor"] == b


def test_right_and_wrong_over_training(opened, run):
    """Some pair is wrong at step 0 and right at the end, and the page says so in words, in the map and by the mark."""
    steps, pairs = run.checkpoint_steps(), np.stack(np.divmod(np.arange(P * P), P), axis=1)
    answers = [mix_forward(run.model.effective(run.checkpoint(step)), pairs)[0].argmax(axis=1) for step in steps]
    right = np.array(answers) == pairs.sum(axis=1) % P
    a, b = pairs[np.flatnonzero(~right[0] & right[-1])[0]].tolist()
    opened.set("a", a)
    opened.set("b", b)
    marks = []
    for place in (0, len(steps) - 1):
        opened.set("step", place)
        assert opened.text("step-value") == str(steps[place])
        assert ("✓ right" if place else "✗ wrong") in opened.text("verdict")
        assert opened.lines("contributions", "x")["says"] == answers[place][a * P + b]
        codes = np.array(opened.script("return document.getElementById('pairs').data[0].z"))
        np.testing.assert_array_equal(codes.T > 1, right[place].reshape(P, P))
        marks.append(opened.mark("training")["x0"])
    assert marks == [0.8, steps[-1]]
    assert right[-1].mean() > 0.5 > 0.3 > right[0].mean()


def test_weights_spectra_and_waves(opened, run):
    place = len(run.checkpoint_steps()) // 2
    opened.set("step", place)
    effective = run.model.effective(run.checkpoint(run.checkpoint_steps()[place]))
    rings = reading.rings.find(run.model.effective(run.params))
    order = np.concatenate([ring.neurons for ring in rings])
    order = np.concatenate([order, np.setdiff1d(np.arange(16), order)])
    drawn = opened.lines("weights", "z")
    for name, table in (("A", effective.A.T), ("B", effective.B.T), ("C", effective.C)):
        np.testing.assert_allclose(drawn[name], table[order], rtol=1e-6)
        power = fourier.power(table[order].astype(float), axis=1)
        np.testing.assert_allclose(drawn[f"{name} by frequency"], np.sqrt(power), atol=1e-5)
    for ring in rings:
        waves = fourier.strongest_waves(effective.A, np.full(16, ring.frequency))
        for neuron in ring.neurons:
            wave = opened.script("return wave(networkAt(arguments[0]).A[arguments[1]], arguments[2])",
                                 place, int(neuron), ring.frequency)
            np.testing.assert_allclose([wave["amplitude"], wave["phase"]],
                                       [waves.amplitude[neuron], waves.phase[neuron]], rtol=1e-5)
        in_turn = np.argsort(ring.frequency * np.arange(P) % P)
        line = opened.lines("waves", "y")[f"C {ring.frequency}"][:P]  # the first neuron's, at the scale of the panel
        assert np.corrcoef(line, effective.C[ring.neurons[0]][in_turn])[0, 1] > 1 - 1e-6


def test_stars_are_drawn_at_the_phases_of_the_rings(opened, run):
    """Of each ring: closed polygons of its neurons in the order of their input phases, output below input."""
    x, y = opened.lines("stars", "x"), opened.lines("stars", "y")
    rings = reading.rings.find(run.model.effective(run.params))
    assert rings
    for column, ring in enumerate(rings):
        colour, n = explorer.COLOURS["CYCLE"][column], ring.n_neurons
        for start, middle, phases, radii in (
                (0, 0, ring.input_phases, ring.input_amplitudes),
                (n + 2, -2.7, ring.second_input_phases, ring.second_input_amplitudes),
                (2 * n + 4, -5.4, ring.output_phases, ring.output_amplitudes)):
            corners = (x[colour] - 2.4 * column + 1j * (y[colour] - middle))[start : start + n + 1]
            expected = radii / (1.15 * radii.max()) * np.exp(1j * phases)
            np.testing.assert_allclose(corners, [*expected, expected[0]], atol=1e-4)
    errors = [np.median(np.abs(ring.phase_errors)) for ring in rings]
    formed = [error for error in errors if error < 15]
    assert (f"In {len(formed)} of {len(rings)} rings" if formed else "No stars yet") in opened.text("stars-title")
    assert "the sum of both input phases" in opened.text("stars-title")


def test_stars_of_a_network_that_subtracts_follow_its_law(opened, run):
    """C - A + B: the same weights, read as those of a network that subtracts."""
    rings = reading.rings.find(run.model.effective(run.params), "subtract")
    errors = [np.median(np.abs(ring.phase_errors)) for ring in rings]
    opened.script("run.rings.forEach(ring => ring.sign = -1); drawStars()")
    title, formed = opened.text("stars-title"), [error for error in errors if error < 15]
    assert "the difference of both input phases" in title
    assert (f"within {max(formed):.1f}°" if formed else f"are {min(errors):.0f}° or more off") in title
    task = replace(run.task, operation="subtract")
    assert {ring["sign"] for ring in explorer.describe(replace(run, task=task))["rings"]} == {-1}


@pytest.mark.parametrize("p, N, k, activation", [(67, 3, 1, "square"), (67, 4, 1, "square"), (20, 5, 3, "square"),
                                                 (21, 6, 2, "relu"), (15, 5, 3, "relu"), (13, 3, 1, "abs")])
def test_stars_written_down_are_those_of_analytic(opened, p, N, k, activation):
    opened.tab("written")
    for name, value in (("activation", activation), ("p", p), ("k", k), ("N", N)):
        opened.set(name, value)
    check_written(opened, analytic.star(p, N, k, activation=activation, allow_inexact=True))


@pytest.mark.parametrize("p, N, winding", [(67, 6, 4), (20, 6, 4), (13, 6, 3), (12, 7, 3)])
def test_untied_stars_are_those_of_analytic(opened, p, N, winding):
    opened.tab("written")
    for name, value in (("network", "untied"), ("p", p), ("winding", winding), ("N", N)):
        opened.set(name, value)
    check_written(opened, analytic.untied_star(p, N, (1, winding), allow_inexact=True))


def check_written(opened, network):
    """The logits of a pair, all margins, the share of right pairs and what is said agree with NumPy's."""
    p = len(network.A)
    a, b = 2, p - 4
    opened.set("written-a", a)
    opened.set("written-b", b)
    logits = analytic.logits(network, p)
    expected = analytic.margins(logits)
    np.testing.assert_allclose(opened.lines("votes", "customdata")["sum"],
                               logits[a, b] - logits[a, b].mean(), atol=1e-10)
    np.testing.assert_allclose(np.array(opened.script("return written.table")), expected, atol=1e-10)
    colours = np.array(opened.script("return document.getElementById('margins').data[0].z")).T
    np.testing.assert_array_equal(colours > 0, expected > 0)
    share = float(f"{opened.text('share').split(':')[1].split('%')[0]}") / 100
    assert share == pytest.approx((expected > 0).mean(), abs=1e-3)
    assert (share == 1) == bool((expected > 0).all())
    assert ("✓" if expected[a, b] > 0 else "✗") in opened.text("written-verdict")


def test_four_neurons_fail_and_three_work(opened):
    opened.tab("written")
    assert opened.text("share") == "N = 3: 100 % of the pairs are right"
    assert opened.text("margins-title") == "All 4,489 pairs are decided rightly"
    opened.set("N", 4)
    assert opened.text("share") == "N = 4: 1.5 % of the pairs are right"
    assert "N = 4 divides the order of M₄" in opened.text("reason")
    assert opened.text("rings-title") == "Neurons: 4; different output phases: only 2"


def test_the_keyboard_moves_a_focused_slider_and_the_tabs(opened):
    from selenium.webdriver.common.keys import Keys

    slider = opened.driver.find_element("id", "step")
    last = opened.value("step")
    slider.send_keys(Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    opened.settle()
    assert opened.value("step") == last - 2
    assert opened.mark("training")["x0"] == opened.script("return run.steps")[last - 2]
    assert slider.get_attribute("aria-valuetext") == f"step {opened.script('return run.steps')[last - 2]}"
    opened.driver.find_element("id", "a").send_keys(Keys.HOME)
    opened.settle()
    assert opened.value("a") == opened.mark("pairs")["xanchor"] == 0
    opened.driver.find_element("css selector", "input[value=learned]").send_keys(Keys.ARROW_RIGHT)
    opened.settle()
    assert opened.driver.find_element("id", "written").is_displayed()
    opened.driver.find_element("id", "N").send_keys(Keys.ARROW_RIGHT)
    assert opened.text("N-value") == "4"


def test_every_control_has_a_name(opened):
    for tab in ("learned", "written"):
        opened.tab(tab)
        controls = [control for control in opened.driver.find_elements("css selector", "input, select, button")
                    if control.is_displayed()]
        assert len(controls) >= 6 and all(control.accessible_name for control in controls)
        pictures = [picture for picture in opened.driver.find_elements("css selector", "[role=img]")
                    if picture.is_displayed()]
        assert len(pictures) >= 4 and all(picture.accessible_name for picture in pictures)


def test_a_click_on_the_map_chooses_a_pair(opened):
    from selenium.webdriver import ActionChains

    opened.set("a", 0)
    opened.set("b", 0)
    ActionChains(opened.driver).move_to_element(opened.driver.find_element("css selector", "#pairs .nsewdrag")).click(
        ).perform()
    opened.settle()
    assert (opened.value("a"), opened.value("b")) == (P // 2, P // 2)
    assert opened.text("verdict").startswith(f"{P // 2} + {P // 2}")


def test_play_runs_to_the_end_and_stops(opened):
    opened.driver.find_element("id", "play").click()  # at the last step it begins again
    assert opened.value("step") == 0 and "pause" in opened.text("play")
    deadline = time.monotonic() + 30
    while "pause" in opened.text("play"):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert opened.value("step") == len(opened.script("return run.steps")) - 1


def test_nothing_is_fetched_and_nothing_goes_wrong(opened, page):
    opened.set("step", 0)
    opened.tab("written")
    opened.set("N", 5)
    assert opened.script("return performance.getEntriesByType('resource').map(entry => entry.name)") == []
    messages = [json.loads(entry["message"])["message"] for entry in opened.driver.get_log("performance")]
    asked = {message["params"]["request"]["url"] for message in messages
             if message["method"] == "Network.requestWillBeSent"}
    assert page.as_uri() in asked
    assert not [url for url in asked if not url.startswith((page.as_uri(), "data:", "blob:"))]
    assert opened.driver.get_log("browser") == []


def test_a_phone_shows_one_column_and_does_not_scroll_sideways(opened, page):
    phone = {"width": 375, "height": 812, "deviceScaleFactor": 2, "mobile": True}
    opened.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    try:
        opened.driver.get(page.as_uri())
        for tab in ("learned", "written"):
            opened.tab(tab)
            opened.settle()
            assert opened.script("return [innerWidth, document.documentElement.scrollWidth]") == [375, 375]
            left = opened.script(f"return [...document.querySelectorAll('#{tab} section')]"
                                 ".map(section => section.getBoundingClientRect().left)")
            assert len(set(left)) == 1
            widest = opened.script(f"return Math.max(...[...document.querySelectorAll('#{tab} .main-svg')]"
                                   ".map(svg => svg.getBoundingClientRect().right))")
            assert widest <= 375
    finally:
        opened.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_pictures_keep_their_height_when_the_window_is_resized(opened):
    def size():
        return opened.script("const {width, height} = document.querySelector('#training .main-svg')"
                             ".getBoundingClientRect(); return [width, height]")

    _, height = size()
    for window in (1000, 900):  # plotly.js may lose a height that it was given at the second time only
        before = size()[0]
        opened.driver.set_window_size(window, 700)
        deadline = time.monotonic() + 10
        while size()[0] == before:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert size()[0] < before and size()[1] == height


def test_a_run_without_rings_shows_the_rest(driver, page, run, tmp_path):
    file = tmp_path / "page.html"
    file.write_text(explorer.page(explorer.describe(run) | {"rings": []}), encoding="utf-8")
    driver.get(file.as_uri())
    opened = Page(driver)
    opened.settle()
    assert "no three neurons share a frequency" in opened.text("summary")
    shown = [section.is_displayed() for section in driver.find_elements("css selector", "#learned section")]
    assert shown == [True, True, True, False, False, True]
    assert opened.lines("contributions", "x").keys() == {"all", "sum", "says"}
    assert driver.get_log("browser") == []


def test_the_page_knows_the_run(run):
    known = explorer.describe(run)
    assert known["steps"] == run.checkpoint_steps()
    A, B, C = (np.frombuffer(base64.b64decode(known[name]), "<f4").reshape(-1, 16, P) for name in "ABC")
    for place, step in enumerate(known["steps"]):
        effective = run.model.effective(run.checkpoint(step))
        np.testing.assert_array_equal(A[place].T, effective.A)
        np.testing.assert_array_equal(B[place].T, effective.B)
        np.testing.assert_array_equal(C[place], effective.C)
    training = np.array(known["training"], bool)
    assert {tuple(pair) for pair in np.argwhere(training)} == {tuple(pair) for pair in run.task.split().train_inputs}


def test_unordered_pairs_are_known_in_both_orders():
    task = ModularArithmetic(7, symmetric=True)
    labels, training = explorer.pair_tables(task)
    np.testing.assert_array_equal(labels, np.add.outer(np.arange(7), np.arange(7)) % 7)
    np.testing.assert_array_equal(training, training.T)
    assert np.triu(training).sum() == len(task.split().train_inputs)


def test_many_or_large_checkpoints_are_thinned_out(run, monkeypatch):
    monkeypatch.setattr(explorer, "CHECKPOINT_BYTES", 5 * (4 * P * 16 * 3 + P * P))
    steps = explorer.describe(run)["steps"]
    assert len(steps) == 5 and steps[0] == 0 and steps[-1] == 600
    assert explorer.spread([1, 2, 3], 0) == [3]


def test_other_runs_are_refused(run):
    parity = replace(run, model=BitMLP(), task=SparseParity())
    with pytest.raises(ValueError, match="must be of an MLP on ModularArithmetic to be explored, got BitMLP on Sparse"):
        explorer.explore(parity)
    with pytest.raises(ValueError, match="activation must be one of square, relu, abs to be explored, got 'gelu'"):
        explorer.explore(replace(run, model=replace(run.model, activation="gelu")))
    with pytest.raises(ValueError, match="run must have checkpoints to be explored: give train a folder"):
        explorer.explore(replace(run, path=None))


def test_without_plotly_the_message_says_what_to_install_and_nothing_is_written(run, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "plotly.offline", None)
    with pytest.raises(ImportError, match=r'the explorable page needs plotly: pip install -e "\.\[explorer\]"'):
        explorer.explore(run, tmp_path / "page.html")
    assert not list(tmp_path.iterdir())


def test_the_command(run, page, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["explorer", str(run.path), "--out", str(tmp_path / "new" / "page.html")])
    explorer.main()
    assert "page.html: " in capsys.readouterr().out
    assert (tmp_path / "new" / "page.html").read_bytes() == page.read_bytes()
    assert page.stat().st_size < 15e6
    monkeypatch.setattr(sys, "argv", ["explorer", str(tmp_path)])
    with pytest.raises(SystemExit, match="holds no run"):
        explorer.main()
