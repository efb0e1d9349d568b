"""The page in a real browser: what its sections say is what Python computes, and every control works."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from browser import Page

from grok_np import MLP, AdamW, BitMLP, ModularArithmetic, SparseParity, Transformer, load_run, reading, train
from grok_np.learning.runs import RunError
from grok_np.networks.mlp import mix_forward
from grok_np.page import build, collect
from grok_np.reading import clock_pizza, fourier
from grok_np.tasks import all_pairs

P = 11
QUIET = {"progress": False, "threads": 1}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Runs of every kind, each tiny: the first groks, "fades" loses what it knew, "stopped" was interrupted."""
    out = tmp_path_factory.mktemp("runs")
    adds = ModularArithmetic(P, train_fraction=0.6)
    quick = AdamW(lr=0.02, weight_decay=0.1)
    train(MLP(P, n_hidden=16, activation="square", factoring="one_hot", bias=True), adds, quick, 600, 0, out / "first",
          checkpoint_every=50, **QUIET)
    train(MLP(P, 8, 12), replace(adds, operation="multiply"), quick, 200, 1, out / "second", checkpoint_every=100,
          **QUIET)
    for seed in (0, 1):
        train(MLP(P, d_embed=2, n_hidden=5, factoring="circular"), ModularArithmetic(P, train_fraction=0.5,
              symmetric=True), AdamW(1e-2, (0.9, 0.98), eps=P * 1e-8), 300, seed, out / f"circle_{seed}",
              checkpoint_every=20, **QUIET)
    train(BitMLP(8, 12, coding="bits"), SparseParity(8, 2, 100, 100), AdamW(1e-2), 120, 0, out / "parity",
          loss="logistic", checkpoint_every=30, **QUIET)
    train(Transformer(P, d_model=8, n_heads=2, d_mlp=16), adds, AdamW(1e-2), 120, 0, out / "transformer",
          checkpoint_every=30, **QUIET)
    rows = [{"setting": {"decay": decay, "size": size}, "rows": [
        {"seed": 0, "memorised": 100, "generalised": 1000 * size if decay else None},
        {"seed": 1, "memorised": None, "generalised": None}]} for decay in (0.0, 1.0) for size in (1, 2, 3)]
    (out / "table.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    # A cross: decay over size at scale 1, and decay over scale at size 2; what becomes of a network hangs on the scale.
    points = [(size, 1.0) for size in (1, 2, 3)] + [(2, scale) for scale in (0.5, 4.0)]
    rows = [{"setting": {"decay": decay, "size": size, "scale": scale, "seeds": 2}, "rows": [
        {"seed": seed, "class": "grok" if scale == 1 else "fail"} for seed in (0, 1)]}
        for decay in (0.0, 1.0) for size, scale in points]
    (out / "cross").mkdir()
    (out / "cross/table.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    rng = np.random.default_rng(0)
    np.savez(out / "seeds.npz", freqs=np.tile([1, 4, 0, 0, 0, 0], (9, 1)), step=np.arange(5) * 1000,
             freqs_neurons=np.tile([9, 8, 0, 0, 0, 0], (9, 1)), train_loss=rng.random((9, 5)),
             eval_loss=rng.random((9, 5)))
    return out


@pytest.fixture(scope="module")
def strange(folder):
    """A run whose history is that of reverse grokking: it knew more than it knows."""
    run = load_run(folder / "first")
    run.history["test_accuracy"][-1] = run.history["test_accuracy"].max() - 0.2
    return run


@pytest.fixture(scope="module")
def file(folder, strange, tmp_path_factory):
    names = ("first", "second", "circle_0", "circle_1", "parity", "transformer", "table.jsonl", "cross/table.jsonl",
             "seeds.npz")
    data = collect.collect([folder / name for name in names]) | {"strange": [collect.of_strange(strange)]}
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(build.page(data), encoding="utf-8")
    return path


@pytest.fixture
def opened(driver, file):
    driver.get_log("browser")
    return Page(driver, file)


def percent(share):
    """As the page writes it."""
    if share in (0, 1):
        return f"{share:.0%}".replace("%", " %")
    if share > 0.9999:
        return "over 99.99 %"
    return f"{100 * share:.{2 if share > 0.995 or share < 0.01 else 1}f} %"


def network(folder, place, name="first"):
    """The effective weights at one of the page's checkpoints, and which pairs they have right."""
    run = load_run(folder / name)
    effective = run.model.effective(run.checkpoint(run.checkpoint_steps()[place]))
    answers = mix_forward(effective, all_pairs(P))[0].argmax(axis=1)
    labels, training = collect.pair_tables(run.task)
    return effective, answers.reshape(P, P), labels, training


def test_weights_come_back_to_half_a_step_of_their_scale(opened, folder):
    for place in (0, 7, len(load_run(folder / "first").checkpoint_steps()) - 1):
        effective = network(folder, place)[0]
        for name, table in (("A", effective.A.T), ("B", effective.B.T), ("C", effective.C)):
            shown = np.array(opened.value("learned(0).at(arguments[0])[arguments[1]]", place, name))
            step = np.abs(table).max(axis=1, keepdims=True) / 127
            assert (np.abs(shown - table) <= 0.501 * step).all()
        np.testing.assert_allclose(opened.value("learned(0).at(arguments[0]).bias", place), effective.bias, rtol=1e-6)


def test_right_and_wrong_are_those_of_the_true_weights(opened, folder):
    steps = load_run(folder / "first").checkpoint_steps()
    assert opened.value("learned(0).steps") == steps
    for place in (0, len(steps) // 2, len(steps) - 1):
        _, answers, labels, training = network(folder, place)
        right = answers == labels
        opened.set(step=place, a=3, b=9)
        shown = opened.value("Array.from({length: 11}, (_, a) => Array.from({length: 11}, (_, b) => "
                             "learned(0).right(arguments[0], a, b) + 2 * learned(0).training(a, b)))", place)
        np.testing.assert_array_equal(shown, right + 2 * training)
        assert opened.says("time").startswith(
            f"Step {steps[place]}: {percent(right[training].mean())} of the training pairs and "
            f"{percent(right[~training].mean())} of those it never saw are right")
        assert f"{percent(right.mean())} of all 121 pairs are right. 3 + 9: it says" in opened.says("pairs")
        assert ("right." if right[3, 9] else "but 1 is right.") in opened.says("pairs")
    assert network(folder, -1)[1][3, 9] == 1


def test_other_operations_have_other_answers(opened, folder):
    _, answers, labels, _ = network(folder, -1, "second")
    opened.set(net=1, step=10**6, a=3, b=5)
    shown = opened.value("Array.from({length: 11}, (_, a) => Array.from({length: 11}, (_, b) => "
                         "learned(1).label(a, b)))")
    np.testing.assert_array_equal(shown, np.outer(np.arange(P), np.arange(P)) % P)
    assert f"{percent((answers == labels).mean())} of all 121 pairs are right. 3 · 5: it says" in opened.says("pairs")


def test_waves_are_those_of_reading(opened, folder):
    effective = network(folder, -1)[0]
    last = len(load_run(folder / "first").checkpoint_steps()) - 1
    rings = reading.rings.find(effective)
    assert rings and opened.value("learned(0).raw.rings.map(ring => ring.frequency)") == [r.frequency for r in rings]
    for i, ring in enumerate(rings):
        assert opened.value("learned(0).raw.rings[arguments[0]].neurons", i) == ring.neurons.tolist()
        for part, expected in (("input", ring.input_phases), ("second", ring.second_input_phases),
                               ("output", ring.output_phases)):
            shown = opened.value("ringAt(learned(0), learned(0).groups[arguments[0]], arguments[1]).map(one => "
                                 "one[arguments[2]].phase)", i, last, part)
            np.testing.assert_allclose(np.exp(1j * np.array(shown)), np.exp(1j * expected), atol=0.02)
    shares = fourier.power(effective.A)[1:].max(axis=0) / fourier.power(effective.A)[1:].sum(axis=0)
    np.testing.assert_allclose(opened.value("learned(0).at(arguments[0]).shares.map(row => Math.max(...row))", last),
                               shares, atol=0.01)
    opened.see("star")
    opened.set(step=last)
    errors = [np.median(np.abs(ring.phase_errors)) for ring in rings]
    formed = [error for error in errors if error < 15]
    assert (f"In {len(formed)} of {len(rings)} ring" if formed else "No stars yet") in opened.says("stars")


def test_votes_are_the_logits(opened, folder):
    effective, answers, _, _ = network(folder, -1)
    last = len(load_run(folder / "first").checkpoint_steps()) - 1
    opened.see("star")
    for a, b in ((3, 4), (9, 2)):
        opened.set(step=last, a=a, b=b)
        logits = mix_forward(effective, np.array([[a, b]]))[0][0]
        shown = opened.value("logits(learned(0).at(arguments[0]), arguments[1], arguments[2], [...Array(16).keys()])",
                             last, a, b)
        np.testing.assert_allclose(shown, logits, atol=0.02 * np.abs(logits).max())
        answer = (a + b) % P
        verdict = "which is right" if answers[a, b] == answer else f"but {answer} is right"
        assert opened.says("votes").startswith(f"{a} + {b}: ")
        assert opened.says("votes").endswith(f" {answers[a, b]}, {verdict}.")


def test_the_fold_sends_opposite_directions_to_one(opened):
    opened.see("star")
    opened.set(turned=100)
    assert opened.says("fold").startswith("100° and 280° become one: 200°.")


def test_five_neurons_are_read_as_python_reads_them(opened, folder):
    opened.see("five")
    for seed in (0, 1):
        run = load_run(folder / f"circle_{seed}")
        steps = run.checkpoint_steps()
        for place in (3, len(steps) - 1):
            params = run.checkpoint(steps[place])
            into, out = params["W_in"].T @ [1, 1j], params["W_out"] @ [1, 1j]
            angles = np.sort(np.angle(into))
            uneven = np.abs(np.degrees(np.diff(np.append(angles, angles[0] + 2 * np.pi))) - 72).max()
            off = np.abs(np.degrees(np.angle(out / into**2))).max()
            opened.set(five=seed, fstep=place)
            shown = opened.value("Object.values((({uneven, off}) => ({uneven, off}))(page.fiveReading(page.five("
                                 "arguments[0]).at(arguments[1]))))", seed, place)
            np.testing.assert_allclose(shown, [uneven, off], atol=0.3)
            right = run.history["test_accuracy"][run.history["step"] == steps[place]][0]
            assert opened.says("five").endswith(f"{percent(right)} of the held-out pairs are right.")
            assert f"circle {seed}, step {steps[place]}" in opened.says("five")


def test_a_table_of_a_sweep_is_counted(opened):
    opened.see("when")
    assert opened.says("sweep").startswith("12 networks: 50.0 % learn nothing, 25.0 % only memorise, 25.0 % grok.")
    opened.set(cell=4)
    assert opened.says("sweep").endswith("At decay 0, size 3: 1 learn nothing, 1 only memorise.")
    opened.set(across="size", up="decay", cell=5)
    assert opened.says("sweep").endswith("At size 3, decay 1: 1 learn nothing, 1 grok.")


def test_a_third_setting_is_held(driver, file):
    """A field of the picture never counts networks of two of its values; first that of most networks."""
    opened = Page(driver, file, "when&sweep=1&across=size&up=decay&cell=1")
    assert opened.says("sweep") == "12 networks at scale 1: 100 % grok. At size 2, decay 0: 2 grok."
    held = "[...document.querySelectorAll('#fig-sweep [name]:checked')].at(-1).parentNode.textContent"
    assert opened.value(held) == "scale 1"
    opened.set(held=2)
    assert opened.says("sweep") == "4 networks at scale 4: 100 % learn nothing. At size 2, decay 0: 2 learn nothing."
    assert opened.value(held) == "scale 4"
    opened.set(cell=0)
    assert opened.says("sweep").endswith("At size 1, decay 0: none was trained.")
    opened.set(across="scale", held=-1, cell=3)
    assert opened.says("sweep") == ("12 networks at size 2: 66.7 % learn nothing, 33.3 % grok. "
                                    "At scale 0.5, decay 1: 2 learn nothing.")


def test_choosing_a_network_changes_the_first_sections(opened, folder):
    opened.see("seeds")
    right = [(answers == labels).mean() for _, answers, labels, _ in (network(folder, -1, "first"),
                                                                      network(folder, -1, "second"))]
    assert f"{sum(share == 1 for share in right)} of the 2 networks" in opened.says("seeds")
    opened.script("document.querySelectorAll('#fig-seeds .tile')[1].click()")
    opened.settle()
    assert opened.state("net") == 1
    assert opened.script("return document.querySelectorAll('#fig-seeds .tile[aria-pressed=true]').length") == 1
    assert opened.says("published") == ("0 of the 9 settled on three frequencies, 0 on four; the chosen one on "
                                        "1 (9 neurons), 4 (8 neurons).")


def test_parity_weights(opened, folder):
    opened.see("parity")
    run = load_run(folder / "parity")
    for place in (0, len(run.checkpoint_steps()) - 1):
        W_in = run.checkpoint(run.checkpoint_steps()[place])["W_in"][:-1] ** 2
        opened.set(bstep=place)
        assert f"Step {run.checkpoint_steps()[place]}: the 2 coins that count hold " in opened.says("parity")
        shown = float(re.search(r"hold ([\d.]+) %", opened.says("parity"))[1]) / 100
        assert shown == pytest.approx(W_in[:2].sum() / W_in.sum(), abs=0.01)


def test_clock_and_pizza(opened, folder):
    opened.see("transformer")
    run = load_run(folder / "transformer")
    opened.set(ta=10, tb=39)
    assert opened.says("dial").startswith("10 + 39 = 49: the clock says it at full strength, the pizza at "
                                          f"{percent(abs(np.cos(np.pi * 29 / 59)))}")
    symmetric = clock_pizza.gradient_symmetricity(run.model, run.params, clock_pizza.paper_triples(P))
    irrelevant = clock_pizza.distance_irrelevance(run.model, run.params)
    assert f"symmetricity {symmetric:.2f}, irrelevance {irrelevant:.2f}" in opened.says("plane")
    heads = opened.value("page.data.transformers[0].head_frequencies")
    assert len(heads) == 2
    if opened.value("page.data.transformers[0].measures.train_loss.length"):
        assert "Half way, the excluded loss is at step" in opened.says("losses")


def test_strange_runs_say_what_was_lost(opened, strange):
    opened.see("strange")
    best, last = strange.history["test_accuracy"].max(), strange.history["test_accuracy"][-1]
    assert f"first: {percent(best)} of the held-out examples are right" in opened.says("strange")
    assert f"only {percent(last)} at the end" in opened.says("strange")
    assert collect.is_strange(strange)


def test_the_state_is_in_the_url_and_comes_back(driver, file):
    opened = Page(driver, file, "star&step=4&a=7&b=2")
    assert opened.value("[page.state.step, page.state.a, page.state.b]") == [4, 7, 2]
    assert "7 + 2: " in opened.says("votes")
    opened.set(a=5)
    opened.until(lambda: "a=5" in opened.script("return location.hash"))
    kept = opened.script("return location.hash")
    again = Page(driver, file, kept[1:])
    assert again.value("[page.state.step, page.state.a, page.state.b]") == [4, 5, 2]


def test_the_chart_is_the_axis_of_time(opened, folder):
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.keys import Keys

    steps = load_run(folder / "first").checkpoint_steps()
    knob = opened.driver.find_element("css selector", "#fig-time .knob")
    before = opened.value("page.place(page.state)")
    knob.send_keys(Keys.ARROW_LEFT)
    opened.settle()
    assert opened.state("step") == before - 1
    assert knob.get_attribute("aria-valuetext") == f"step {steps[before - 1]}"
    opened.set(a=3, b=9)
    pair = opened.driver.find_element("css selector", "#fig-pairs .knob")
    pair.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_UP, Keys.ARROW_UP)
    opened.settle()
    assert opened.value("[page.state.a, page.state.b]") == [4, 0]
    opened.set(step=before - 1)
    chart = opened.driver.find_element("css selector", "#fig-time canvas")
    actions = ActionChains(opened.driver).move_to_element_with_offset(chart, -chart.size["width"] // 2 + 50, 0)
    actions.click_and_hold().move_by_offset(-4, 0).release().perform()
    opened.settle()
    assert opened.state("step") == 0
    opened.script("[...document.querySelectorAll('#learned .jump')].at(-1).click()")  # "end"
    opened.settle()
    assert opened.state("step") == len(steps) - 1


def test_every_control_has_a_name_and_a_size(opened):
    for name in opened.value("page.sections.map(one => one.id)"):
        opened.see(name)
    selector = "input, select, button, [role=slider], [role=img]"
    controls = [one for one in opened.driver.find_elements("css selector", selector) if one.is_displayed()]
    assert len(controls) > 60
    assert [one.get_attribute("outerHTML")[:90] for one in controls if not one.accessible_name] == []
    low = opened.script("return [...document.querySelectorAll('button, input, select, .choice span, .knob, nav a')]"
                        ".filter(one => one.offsetParent && one.getBoundingClientRect().height < 43.5)"
                        ".map(one => one.outerHTML.slice(0, 90))")
    assert low == []
    assert opened.script("return document.querySelectorAll('[role=status], [aria-live], output').length") == 1


def test_nothing_is_fetched_and_nothing_goes_wrong(opened, file):
    for name in opened.value("page.sections.map(one => one.id)"):
        opened.see(name)
    messages = [json.loads(entry["message"])["message"] for entry in opened.driver.get_log("performance")]
    asked = {message["params"]["request"]["url"] for message in messages
             if message["method"] == "Network.requestWillBeSent"}
    assert not [url for url in asked if not url.startswith((file.as_uri(), "about:", "data:", "blob:"))]
    assert opened.driver.get_log("browser") == []


@pytest.mark.parametrize("width", [320, 375, 768, 1280])
def test_nothing_is_wider_than_the_screen(driver, file, width):
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                           {"width": width, "height": 812, "deviceScaleFactor": 1, "mobile": width < 500})
    try:
        opened = Page(driver, file)
        for name in opened.value("page.sections.map(one => one.id)"):
            opened.see(name)
        assert opened.script("return document.documentElement.scrollWidth") <= width
    finally:
        driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def luminance(colour):
    """Relative luminance of "#rrggbb" (WCAG 2.2)."""
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_contrast_of_lines_and_of_right_and_wrong(driver, file, theme):
    features = [{"name": "prefers-color-scheme", "value": theme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    try:
        opened = Page(driver, file)
        names = ["paper", "card", "ink", "soft", "accent", "right", "right-known", "wrong", "wrong-known",
                 *(f"f{i}" for i in range(5))]
        colours = dict(zip(names, opened.value("arguments[0].map(colour)", names), strict=True))
    finally:
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert (luminance(colours["paper"]) > 0.5) == (theme == "light")
    for name in ("f0", "f1", "f2", "f3", "f4"):
        assert contrast(colours[name], colours["card"]) >= 3
    for name in ("ink", "soft", "accent"):
        assert contrast(colours[name], colours["card"]) >= 4.5
    for right in ("right", "right-known"):
        for wrong in ("wrong", "wrong-known"):
            assert contrast(colours[right], colours[wrong]) >= 3


def test_a_reader_who_wants_no_motion_gets_none(driver, file):
    features = [{"name": "prefers-reduced-motion", "value": "reduce"}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    try:
        assert Page(driver, file).value("page.reduced") is True
    finally:
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


@pytest.mark.parametrize("kind", ["second", "circle_0", "parity", "transformer", "published", "stopped",
                                  "all_pairs", "all_pairs_transformer"])
def test_a_page_of_any_one_run(driver, folder, tmp_path, kind):
    """Every section is there: with figures, or with the command that would make its data."""
    path = folder / kind
    if kind == "published":
        path = tmp_path / "other.npz"
        rng = np.random.default_rng(0)
        np.savez(path, embed=rng.normal(size=(P, 6)), hidden_w=rng.normal(size=(6, 9)), out_w=rng.normal(size=(9, 6)))
    if kind.startswith("all_pairs"):
        model = MLP(P, 8, 12) if kind == "all_pairs" else Transformer(P, d_model=8, n_heads=2, d_mlp=16)
        train(model, ModularArithmetic(P, train_fraction=1), AdamW(1e-2), 20, 0, path, **QUIET)
    if kind == "stopped":
        train(MLP(P, 8, 12), ModularArithmetic(P), AdamW(1e-2), 20, 0, path, checkpoint_every=5, **QUIET)
        for step in (15, 20):
            (path / f"checkpoints/{step:08d}.npz").unlink()
    driver.get_log("browser")
    opened = Page(driver, build.write([path], tmp_path / "page.html"), "yours")
    for name in opened.value("page.sections.map(one => one.id)"):
        opened.see(name)
        figures, missing = opened.script(
            "const one = document.getElementById(arguments[0]);"
            "return [one.querySelectorAll('figure').length, one.querySelector('.missing code')?.textContent]", name)
        assert (figures > 0) != (missing is not None), name
        assert missing is None or missing.startswith("python examples/")
    assert driver.get_log("browser") == []
    assert "NaN" not in opened.script("return document.body.innerText")
    if kind == "stopped":
        assert opened.value("learned(0).steps") == [0, 5, 10]


def test_steps_are_chosen_by_the_logarithm_and_around_grokking():
    steps = list(range(0, 1001, 10))
    accuracy = (np.array(steps) >= 500).astype(float)
    history = {"step": np.array(steps), "train_accuracy": np.ones(101), "test_accuracy": accuracy}
    chosen = collect.choose(steps, history, 20)
    assert len(chosen) == 20 and chosen[0] == 0 and chosen[-1] == 1000 and {490, 500} <= set(chosen)
    assert np.diff(chosen)[0] < np.diff(chosen)[-1]
    assert collect.choose(steps[:5], history, 20) == steps[:5]
    assert collect.choose(steps, history, 1) == [1000]


def test_as_many_checkpoints_as_there_is_room_for(folder):
    run = load_run(folder / "first")
    each = 3 * 16 * P + P**2 // 8
    assert len(collect.of_mlp(run, 10 * each)["steps"]) == 10
    shared = load_run(folder / "second")
    assert len(collect.of_mlp(shared, 5 * (2 * 12 * P + P**2 // 8))["steps"]) == 5


def test_unordered_pairs_are_known_in_both_orders():
    task = ModularArithmetic(7, symmetric=True)
    labels, training = collect.pair_tables(task)
    np.testing.assert_array_equal(labels, np.add.outer(np.arange(7), np.arange(7)) % 7)
    np.testing.assert_array_equal(training, training.T)
    assert np.triu(training).sum() == len(task.split().train_inputs)


def test_experiments_in_one_table_are_told_apart(tmp_path):
    """As where `sparse_parity_sweep.py` has appended its networks of the exact loss to those of the clipped one."""
    lines = [{"setting": {"size": size, "steps": 20, "seeds": seeds, "loss": loss},
              "rows": [{"seed": seed, "class": kind} for seed in range(seeds)]}
             for loss, seeds, kind in (("clipped_one", 3, "grok"), ("exact", 1, "fail")) for size in (1, 2)]
    (tmp_path / "both").mkdir()
    (tmp_path / "both/table.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    clipped, exact = collect.collect([tmp_path / "both/table.jsonl"])["sweeps"]
    assert (clipped["name"], exact["name"]) == ("both, loss clipped one, seeds 3", "both, loss exact, seeds 1")
    assert clipped["axes"] == exact["axes"] == {"size": [1, 2]}
    grok, fail = (collect.FATES.index(kind) for kind in ("grok", "fail"))
    assert clipped["rows"] == [[0, grok, None, None]] * 3 + [[1, grok, None, None]] * 3
    assert exact["rows"] == [[0, fail, None, None], [1, fail, None, None]]


def test_what_became_of_a_network_of_a_sweep():
    rows = [{"class": "grok"}, {"memorised": None, "generalised": None}, {"memorised": 9, "generalised": None},
            {"memorised": 9, "generalised": 99}, {"memorised": 9, "generalised": 999}, {"generalised": 9},
            {"generalised": None}]
    assert list(map(collect.fate, rows)) == ["grok", "fail", "memorise_only", "generalise", "grok", "understood",
                                             "not_understood"]


def test_the_command(folder, tmp_path, monkeypatch, capsys):
    def call(*arguments):
        monkeypatch.setattr("sys.argv", ["page", *map(str, arguments)])
        build.main()

    call(folder / "second", "--out", tmp_path / "new" / "page.html")
    assert "page.html: " in capsys.readouterr().out
    assert (tmp_path / "new/page.html").stat().st_size < 1.5e6
    call(folder / "second")
    assert (folder / "second/page.html").exists()
    (folder / "second/page.html").unlink()
    with pytest.raises(SystemExit, match="holds no run"):
        call(tmp_path)
    with pytest.raises(SystemExit, match="does not exist"):
        call(tmp_path / "nothing.npz")


def test_what_the_page_cannot_show_is_refused(folder, tmp_path):
    train(MLP(P, 8, 12, activation="gelu"), ModularArithmetic(P), AdamW(1e-2), 2, 0, tmp_path / "gelu", **QUIET)
    with pytest.raises(ValueError, match="activation must be one of square, relu, abs for the page, got 'gelu'"):
        collect.collect([tmp_path / "gelu"])
    train(Transformer(P, d_model=8, n_heads=2, d_mlp=16), ModularArithmetic(P, "multiply"), AdamW(1e-2), 2, 0,
          tmp_path / "other", **QUIET)
    with pytest.raises(ValueError, match="holds a run of Transformer on ModularArithmetic.*: the page shows"):
        collect.collect([tmp_path / "other"])
    with pytest.raises(RunError, match="holds no run"):
        collect.collect([tmp_path])
