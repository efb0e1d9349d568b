"""Every example runs in its quick form, as a script and as a notebook, and says nothing that is not so."""

import os
import re
import shutil
import signal
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from commands import EXAMPLES, refused, run, start

SHARED = {path.name: path for path in sorted(EXAMPLES.glob("[!_]*.py"))
          if path.read_text(encoding="utf-8").startswith("# %% [markdown]")}


def pictures(printed, tmp_path):
    """Names of the pictures in the list of what to look at; each is there, and has a phrase."""
    listed = printed[printed.index("Look at:"):].splitlines()[1:]
    found = {line.strip(): phrase.strip() for line, phrase in pairwise(listed)
             if line.endswith(".png")}
    for path, phrase in found.items():
        assert (tmp_path / path).read_bytes().startswith(b"\x89PNG") and len(phrase.split()) >= 3, path
    return {Path(path).stem for path in found}


def test_every_example_is_run_by_a_test():
    tests = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    run_by = set(re.findall(r'(?:run\([^"()]*|arguments = \(|EXAMPLES / |/ "examples" / )"(\w+\.py)"', tests))
    run_by |= set(re.findall(r'/ "examples/(\w+\.py)"', tests))
    assert not {path.name for path in EXAMPLES.glob("[!_]*.py")} - run_by, "no test runs these"


def test_the_index_lists_every_example():
    index = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    scripts = {path.relative_to(EXAMPLES).as_posix() for path in EXAMPLES.rglob("[!_]*.py")}
    assert {name for name in scripts if f"({name})" not in index} <= {"benchmarks/contestants.py"}


def test_examples_do_not_import_each_other():
    names = "|".join(path.stem for path in EXAMPLES.glob("[!_]*.py"))
    for path in EXAMPLES.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(rf"^(from|import) ({names})\b", text, re.M), path.name
        assert "cache[-1]" not in text and "sched_getaffinity" not in text, path.name


def test_mlp_grokking(tmp_path):
    printed = run(tmp_path, "mlp_grokking.py", "--quick")
    assert "learned weights" in printed and "It has not grokked: at step 300" in printed
    assert pictures(printed, tmp_path) >= {"training", "weights", "learned_against_exact", "replacements"}
    assert printed.splitlines()[-1].split() == ["python", "-m", "grok_np.page",
                                                str(Path("runs/mlp_grokking_quick"))]
    assert run(tmp_path, "mlp_grokking.py", "--quick") == printed
    assert not (tmp_path / "runs/mlp_grokking").exists()
    assert "with steps = 300, not 35000" in refused(tmp_path, "mlp_grokking.py", "--out", "runs/mlp_grokking_quick")


def test_five_neurons_does_not_mix_runs(tmp_path):
    printed = run(tmp_path, "five_neurons.py", "--quick")
    assert "0 of 2 seeds have grokked by step 300." in printed
    assert pictures(printed, tmp_path) == {"training", "paths", "stars", "star", "moments"}
    assert not (tmp_path / "runs/five_neurons").exists()
    run(tmp_path, "moving_picture.py", "--run", "runs/five_neurons_quick/seed_00", "--out", "it.gif", "--frames", "3")
    assert (tmp_path / "it.gif").read_bytes().startswith(b"GIF89a")
    quick = ("--out", "runs/five_neurons_quick", "--seeds", "2")
    assert "holds a run with checkpoint_every = 2, not 100" in refused(tmp_path, "five_neurons.py", *quick)


def test_transformer_grokking_and_your_checkpoint(tmp_path):
    printed = run(tmp_path, "transformer_grokking.py", "--quick")
    assert "phases end at step" in printed and "It has not grokked: at step 20" in printed
    assert pictures(printed, tmp_path) == {"phases", "progress", "training", "attention"}
    assert "with steps = 20, not 15000" in refused(tmp_path, "transformer_grokking.py", "--out",
                                                   "runs/transformer_grokking_quick")
    printed = run(tmp_path, "your_checkpoint.py", "runs/transformer_grokking_quick")
    assert "all pairs: loss" in printed and "clock or pizza: neither" in printed
    assert "attention" in pictures(printed, tmp_path)
    assert "holds no run" in refused(tmp_path, "your_checkpoint.py", "runs")
    assert "nothing.npz" in refused(tmp_path, "your_checkpoint.py", "nothing.npz")


def test_your_checkpoint_on_networks_written_down_and_published(tmp_path, reference):
    assert "clock or pizza: pizza" in run(tmp_path, "your_checkpoint.py")
    printed = run(tmp_path, "your_checkpoint.py", str(reference("nanda/wd_0.1.npz")), "--out", "pictures")
    assert "key frequencies of the logits: [6, 23, 37, 39, 41]" in printed
    assert (tmp_path / "pictures/wd_0.1/neurons.png").exists()
    printed = run(tmp_path, "your_checkpoint.py", str(reference("yagent/p23_relu_full.npz")))
    assert "trained on all pairs, so no pair was held out" in printed
    printed = run(tmp_path, "your_checkpoint.py", str(reference("pizza/p99zdpze5l.npz")))
    assert "clock or pizza: pizza (gradient symmetricity 0.99, distance irrelevance of the right logit 0.17" in printed
    assert "attention" not in pictures(printed, tmp_path)  # its attention rate is 0: there is none to draw


def test_transformer_seeds(tmp_path):
    printed = run(tmp_path, "transformer_seeds.py", "--quick")
    assert "| 0 | - | - |" in printed and "0 of 1 seeds have grokked by step 5." in printed
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["transformer_seeds_quick"]


def test_mlp_seeds(tmp_path):
    printed = run(tmp_path, "mlp_seeds.py", "--quick")
    assert "0 of 2 seeds have grokked by step 100." in printed and "No ring to look at" in printed
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["mlp_seeds_quick"]
    assert "100, not 60" in refused(tmp_path, "mlp_seeds.py", "--out", "runs/mlp_seeds_quick", "--seeds", "2",
                                    "--steps", "60")


def test_clock_and_pizza(tmp_path):
    printed = run(tmp_path, "clock_and_pizza.py", "--quick", "--table", "none.npz")
    assert "exact pizza          1.0000        1.0000" in printed and "1 clock, 1 pizza, 3 neither" in printed
    assert pictures(printed, tmp_path) == {"plane", "transition", "correct_logits", "circles_pizza", "circles_clock"}
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["clock_and_pizza_quick"]


def test_clock_and_pizza_on_published_networks(tmp_path, reference):
    for name in ("p99zdpze5l", "l8k1hzciux"):
        shutil.copy(reference(f"pizza/{name}.npz"), tmp_path)
    printed = run(tmp_path, "clock_and_pizza.py", "--published", ".", "--out", "run",
                  "--table", str(reference("pizza_tables/fixedwidth.npz")))
    assert "distance irrelevance" in printed and "of the largest wrong logit" in printed
    assert "Model A              1.0000        0.9938                        0.2218        0.9978   pizza" in printed
    assert "frequency 25: 9.9% right; agrees with accompanying 97.6%; accompanies 17" in printed


def test_strange_runs(tmp_path):
    printed = run(tmp_path, "strange_runs.py", "--quick")
    assert "1. reverse grokking" in printed and "2. random labels" in printed and "4. beta1 = 0.99" in printed
    assert pictures(printed, tmp_path) == {"reverse", "random", "scale", "swings"}
    assert "with checkpoint_every = 50, not 20000" in refused(tmp_path, "strange_runs.py", "--out",
                                                             "runs/strange_runs_quick")


def test_factorings(tmp_path):
    printed = run(tmp_path, "factorings.py", "--quick")
    assert "| two_embeddings | embeddings separate | shared | direct | - | - | - |" in printed
    assert "0 of 10 factorings generalise within 3 steps." in printed and pictures(printed, tmp_path) == {"shares"}
    assert (tmp_path / "runs/factorings_quick/table.jsonl").read_text(encoding="utf-8").count("\n") == 30


def test_addition_sweep(tmp_path):
    printed = run(tmp_path, "addition_sweep.py", "--quick")
    assert printed.count("decay 0.3             0%      0%      0%      0%      0%") == 2
    assert pictures(printed, tmp_path) == {"train_fraction", "init_scale"}
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["addition_sweep_quick"]


def test_sparse_parity(tmp_path):
    printed = run(tmp_path, "sparse_parity.py", "--quick", "--out", "run")
    assert "2.00    2.00    2.00   -5.00   12.00" in printed
    assert {path.name for path in (tmp_path / "run/figures").iterdir()} == {"maps.png", "outputs.png", "training.png",
                                                                            "weights.png"}


def test_follow_published(tmp_path, reference):
    printed = run(tmp_path, "follow_published.py", "--quick", "--published", str(reference("pair")), "--out", "run")
    assert "five neurons, from the published log: below 1e-09 to step 300" in printed
    assert "the main network, from the published log: below 1e-09 to step 0, below 1e-05 to step 100" in printed
    assert "reverse grokking, embedding in float32: held-out pairs right" in printed
    assert (tmp_path / "run/followed.png").stat().st_size > 10_000


def test_sparse_parity_sweep(tmp_path):
    arguments = ("--quick", "--published", "none.json")
    printed = run(tmp_path, "sparse_parity_sweep.py", *arguments)
    assert "75 networks" in printed and "decay 1                100.0%" in printed
    table = tmp_path / "runs/sparse_parity_sweep_quick/table.jsonl"
    before = table.read_bytes()
    run(tmp_path, "sparse_parity_sweep.py", *arguments)
    assert table.read_bytes() == before


def test_classes_that_only_one_parity_diagram_has(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    import sparse_parity_sweep as parity
    other = np.zeros((3, 5, 5, 4))
    other[..., 0] = 1  # all fail
    diagram = other.copy()
    diagram[1, 2, 3] = (0.5, 0, 0.5, 0)
    assert parity.new_classes(diagram, other) == ["50% grok (decay 0.1, 1250 examples, 128 neurons)"]
    assert parity.new_classes(other, diagram) == []


def test_check_your_own_layer(tmp_path):
    printed = run(tmp_path, "check_your_own_layer.py")
    for words in ("every gradient is right", "it is right with sum for mean", "not summed over all uses", "a new mask"):
        assert words in printed


@pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl-C to every process of the console, pytest too")
@pytest.mark.parametrize(("name", "sign"), [("mlp_grokking.py", "history.csv"), ("five_neurons.py", "history.csv")])
def test_ctrl_c_takes_one_line(tmp_path, name, sign):
    process = start(tmp_path, name, start_new_session=True)
    waited = time.monotonic()
    while not any((tmp_path / "runs").rglob(sign)) and process.poll() is None and time.monotonic() - waited < 120:
        time.sleep(0.1)
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert re.match("stopped", errors.replace("\r", "\n").splitlines()[-1])


SLOW = {"transformer_grokking.py", "transformer_seeds.py", "clock_and_pizza.py", "moment_law.py", "addition_sweep.py",
        "factorings.py", "strange_runs.py"}


@pytest.mark.filterwarnings("ignore")  # those of Jupyter's own packages
@pytest.mark.parametrize("name", SHARED)
def test_examples_are_notebooks(tmp_path, name):
    jupytext, nbclient = pytest.importorskip("jupytext"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    if name in SLOW and not os.environ.get("CI"):
        pytest.skip("in CI only: it takes over ten seconds")
    notebook = jupytext.reads(SHARED[name].read_text(encoding="utf-8"), fmt="py:percent")
    kinds = [cell.cell_type for cell in notebook.cells]
    assert kinds[0] == "markdown" and kinds.count("markdown") >= 2 and kinds.count("code") >= 3
    # The kernel's own arguments stay, as they are there when a reader opens the notebook in examples/.
    first = f"import sys; sys.path.insert(0, {str(EXAMPLES)!r}); sys.argv += ['--quick']"
    if name == "your_checkpoint.py":
        first = first.replace("['--quick']", "[]")
    notebook.cells.insert(0, jupytext.reads(first, fmt="py:percent").cells[0])
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3",
                            resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    shown = sum("image/png" in output.get("data", {}) for output in outputs)
    if name not in ("transformer_seeds.py", "mlp_seeds.py"):  # which have nothing to draw after a few steps
        assert shown == len(list(tmp_path.rglob("*.png"))) > 0
    before_the_last = [cell for cell in notebook.cells if cell.cell_type == "code"][:-1]
    assert any(cell.outputs for cell in before_the_last)


@pytest.mark.parametrize("script", sorted((EXAMPLES / "benchmarks").glob("*.py")), ids=lambda path: path.name)
def test_benchmarks_compile(script):
    """They need PyTorch and JAX and are run by hand; here only that they are valid Python."""
    compile(script.read_text(encoding="utf-8"), str(script), "exec")
