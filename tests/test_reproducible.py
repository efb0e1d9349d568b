"""The same bits from another process, another number of threads, and from config.json alone."""

import hashlib
import json
import os
import shutil
import subprocess
import sys

import pytest

from grok_np import MLP, SGD, AdamW, BitMLP, ModularArithmetic, SparseParity, Transformer, resume, train
from grok_np.networks.deep import DeepMLP, DeepTransformer

OPTIONS = {"steps": 12, "seed": 3, "checkpoint_every": 5, "log_every": 4, "progress": False}
ADDITION = ModularArithmetic(53, train_fraction=0.8, seed=2)  # 2,247 pairs: three shards
RUNS = {
    "MLP": (MLP(53, 8, 12, bias=True), ADDITION, AdamW()),
    "random labels": (MLP(11, 8, 6, "gelu", "untied"), ModularArithmetic(11, "random", seed=4), SGD(momentum=0.9)),
    "corrupted labels": (DeepMLP(11, 8, 6), ModularArithmetic(11, symmetric=True, corrupted_fraction=0.2), AdamW()),
    "transformer": (Transformer(7, 8, 2, 12), ModularArithmetic(7), AdamW(betas=(0.8, 0.9), warmup_steps=5)),
    "two layers": (DeepTransformer(7, 8, 2, 12), ModularArithmetic(7), AdamW()),
    "parity": (BitMLP(9, 6), SparseParity(9, 3, 50, 40), AdamW(penalty="l1", weight_decay=0.01)),
}
JOB = """
import sys
from test_reproducible import OPTIONS, RUNS, digest
from grok_np import train
print(digest(train(*RUNS["MLP"], threads=int(sys.argv[1]), **OPTIONS)))
"""


def digest(run):
    """One number for all parameters and the whole history."""
    arrays = [*run.params.values(), *run.history.values()]
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()


@pytest.mark.parametrize(("threads", "blas_threads"), [(1, 1), (3, 4)])
def test_another_process_has_the_same_bits(threads, blas_threads):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": str(threads),
                                "OMP_NUM_THREADS": str(blas_threads), "OPENBLAS_NUM_THREADS": str(blas_threads)}
    printed = subprocess.run([sys.executable, "-c", JOB, str(threads)], env=environment, check=True,
                             capture_output=True, text=True).stdout
    assert printed.strip() == digest(train(*RUNS["MLP"], threads=2, **OPTIONS))


@pytest.mark.parametrize("name", RUNS)
def test_config_alone_repeats_a_run(tmp_path, name):
    """Nothing else is copied: ``resume`` begins the run that config.json describes."""
    loss = {"loss": "logistic"} if name == "parity" else {}
    run = train(*RUNS[name], out=tmp_path / "run", **OPTIONS, **loss)
    (tmp_path / "again").mkdir()
    shutil.copy(tmp_path / "run/config.json", tmp_path / "again")
    again = resume(tmp_path / "again", progress=False)
    assert digest(again) == digest(run) and again.config == run.config
    for file in ("history.csv", "config.json", "checkpoints/00000012.npz"):
        assert (tmp_path / "again" / file).read_bytes() == (tmp_path / "run" / file).read_bytes()
    assert (again.model, again.task, again.optimizer) == RUNS[name]


def test_versions_are_noted(tmp_path):
    train(*RUNS["random labels"], out=tmp_path / "run", **OPTIONS)
    config = json.loads((tmp_path / "run/config.json").read_text(encoding="utf-8"))
    assert config["versions"].keys() == {"python", "numpy", "scipy"}
