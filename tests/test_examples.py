"""Every example runs in its quick form, prints what it promises and leaves the files it names."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(tmp_path, name, *arguments):
    """The example's standard output; it is run as a user runs it, from a folder of its own."""
    environment = os.environ | {"MPLBACKEND": "Agg", "MPLCONFIGDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-W", "error", str(EXAMPLES / name), *arguments], cwd=tmp_path,
                          capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_example_is_tested():
    tested = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*examples.py"))
    missing = [path.name for path in EXAMPLES.glob("*.py") if f'"{path.name}"' not in tested]
    assert not missing


def test_mlp_grokking(tmp_path):
    printed = run(tmp_path, "mlp_grokking.py", "--quick", "--out", "run")
    assert "learned weights" in printed and "test acc." in printed
    assert (tmp_path / "run/config.json").exists() and (tmp_path / "run/figures/training.png").stat().st_size > 10_000
    again = run(tmp_path, "mlp_grokking.py", "--quick", "--out", "run")
    assert again.startswith("continuing or loading the run in run")
    assert again.splitlines()[1:] == printed.splitlines()


def test_transformer_grokking_and_your_checkpoint(tmp_path):
    printed = run(tmp_path, "transformer_grokking.py", "--quick", "--out", "run")
    assert "phases end at step" in printed and "half way, on a logarithmic scale, at step" in printed
    drawn = {path.name for path in (tmp_path / "run/figures").iterdir()}
    assert drawn >= {"phases.png", "progress.png", "ablations.png", "attention.png"}
    printed = run(tmp_path, "your_checkpoint.py", "run", "--out", "pictures")
    assert "all pairs: loss" in printed and (tmp_path / "pictures/attention.png").exists()


def test_your_checkpoint_on_the_published_network(tmp_path, reference):
    printed = run(tmp_path, "your_checkpoint.py", str(reference("nanda/wd_0.1.npz")), "--out", "pictures")
    assert "key frequencies of the logits: [6, 23, 37, 39, 41]" in printed
    assert (tmp_path / "pictures/neurons.png").exists()


def test_transformer_seeds(tmp_path):
    printed = run(tmp_path, "transformer_seeds.py", "--seeds", "1", "--steps", "5")
    assert "| 0 | - | - |" in printed and (tmp_path / "runs/transformer_seeds/seed_00/config.json").exists()


def test_mlp_seeds(tmp_path):
    printed = run(tmp_path, "mlp_seeds.py", "--seeds", "2", "--steps", "50")
    assert "0 of 2 seeds grokked" in printed
    assert (tmp_path / "runs/mlp_seeds/seed_01/history.csv").exists()


def test_clock_and_pizza(tmp_path):
    printed = run(tmp_path, "clock_and_pizza.py", "--quick", "--out", "run", "--table", "none.npz")
    assert "exact pizza          1.0000      1.0000" in printed and "rate 1.00" in printed
    assert {path.name for path in (tmp_path / "run/figures").iterdir()} >= {"plane.png", "transition.png",
                                                                            "correct_logits.png", "circles_pizza.png"}


def test_clock_and_pizza_on_published_networks(tmp_path, reference):
    for name in ("p99zdpze5l", "l8k1hzciux"):
        shutil.copy(reference(f"pizza/{name}.npz"), tmp_path)
    printed = run(tmp_path, "clock_and_pizza.py", "--published", ".", "--out", "run",
                  "--table", str(reference("pizza_tables/fixedwidth.npz")))
    assert "Model A              1.0000      0.9938   0.9937       0.1717   0.2218       0.9978   pizza" in printed
    assert "frequency 25: 9.9% right; explained by accompanying 97.6%; accompanies 17" in printed


def test_sparse_parity(tmp_path):
    printed = run(tmp_path, "sparse_parity.py", "--quick", "--out", "run")
    assert "2.00    2.00    2.00   -5.00   12.00" in printed
    assert {path.name for path in (tmp_path / "run/figures").iterdir()} == {"maps.png", "outputs.png", "training.png",
                                                                            "weights.png"}


def test_follow_published(tmp_path, reference):
    printed = run(tmp_path, "follow_published.py", "--quick", "--published", str(reference("pair")), "--out", "run")
    assert "five neurons, from the published log: below 1e-09 to step 300" in printed
    assert "the main network, from the published log: below 1e-09 to step 0, below 1e-05 to step 100" in printed
    assert "reverse grokking, embedding in float32, as the authors': held-out pairs right" in printed
    assert (tmp_path / "run/followed.png").stat().st_size > 10_000


def test_strange_runs(tmp_path):
    printed = run(tmp_path, "strange_runs.py", "--quick", "--out", "run")
    assert "1. reverse grokking" in printed and "2. random labels" in printed and "4. beta1 = 0.99" in printed
    assert len(list((tmp_path / "run/figures").iterdir())) == 4


def test_factorings(tmp_path):
    printed = run(tmp_path, "factorings.py", "--steps", "3", "--seeds", "1")
    assert "| two_embeddings | embeddings separate | shared | direct | - | - | - |" in printed
    assert (tmp_path / "runs/factorings/table.jsonl").read_text(encoding="utf-8").count("\n") == 30


def test_check_your_own_layer(tmp_path):
    printed = run(tmp_path, "check_your_own_layer.py")
    assert "is right" in printed and "gradient of input 0 at" in printed and "central differences say" in printed


def test_addition_sweep(tmp_path):
    printed = run(tmp_path, "addition_sweep.py", "--steps", "2", "--seeds", "1")
    assert printed.count("decay 0.3             0%      0%      0%      0%      0%") == 2
    assert (tmp_path / "runs/addition_sweep/init_scale.png").exists()


def test_sparse_parity_sweep(tmp_path):
    arguments = ("sparse_parity_sweep.py", "--seeds", "1", "--steps", "2", "--published", "none.json")
    printed = run(tmp_path, *arguments)
    assert "75 networks" in printed and "decay 1                100.0%" in printed
    table = tmp_path / "runs/sparse_parity_sweep/table.jsonl"
    before = table.read_bytes()
    run(tmp_path, *arguments)
    assert table.read_bytes() == before


@pytest.mark.parametrize("script", sorted((EXAMPLES / "benchmarks").glob("*.py")), ids=lambda path: path.name)
def test_benchmarks_compile(script):
    """They need PyTorch and JAX and are run by hand; here only that they are valid Python."""
    compile(script.read_text(encoding="utf-8"), str(script), "exec")


def test_the_index_lists_every_example():
    index = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    scripts = {path.relative_to(EXAMPLES).as_posix() for path in EXAMPLES.rglob("*.py")}
    assert {name for name in scripts if f"({name})" not in index} <= {"benchmarks/contestants.py"}
