"""What a training run leaves behind: a folder of plain files, written so that a crash never leaves half of one.

    config.json                  model, task, optimizer, steps, seed, dtype, versions: enough to run it again
    history.csv                  one row per logged step
    checkpoints/NNNNNNNN.npz     parameters after that many steps; the newest two also hold the optimizer's moments

Every file is written to a temporary name, flushed to disk and renamed, which the file system does at once or not at
all. No pickle is written, and none is ever loaded. Not here: how a run is made or continued, see `training`.
"""

import csv
import json
import os
import platform
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy

from grok_np.adamw import OPTIMIZERS
from grok_np.deep import DeepMLP, DeepTransformer
from grok_np.mlp import MLP
from grok_np.parity import BitMLP
from grok_np.tasks import ModularArithmetic, SparseParity
from grok_np.transformer import Transformer

FORMAT = 1
MODELS = {model.__name__: model for model in (MLP, BitMLP, DeepMLP, Transformer, DeepTransformer)}
TASKS = {task.__name__: task for task in (ModularArithmetic, SparseParity)}
HISTORY_COLUMNS = ("step", "train_loss", "test_loss", "train_accuracy", "test_accuracy", "l1_norm", "l2_norm")


class RunError(ValueError):
    """A run folder, or a file in it, is missing, damaged or not ours; the message names the file and what to do."""


def to_config(model, task, optimizer, **settings):
    """The dict behind config.json: the three objects by type and fields, the other settings as they are."""
    def describe(thing):
        return {"type": type(thing).__name__, **asdict(thing)}

    versions = {"python": platform.python_version(), "numpy": np.__version__, "scipy": scipy.__version__}
    return {"format": FORMAT, "model": describe(model), "task": describe(task), "optimizer": describe(optimizer),
            **settings, "versions": versions}


def from_config(config):
    """Model, task and optimizer as `to_config` described them."""
    def build(kind, types):
        fields = dict(config[kind])
        return types[fields.pop("type")](**fields)

    return build("model", MODELS), build("task", TASKS), build("optimizer", OPTIMIZERS)


@dataclass
class Run:
    """A finished or interrupted training run.

    Attributes
    ----------
    model, task, optimizer
        What was trained, on what, and how.
    params : dict of ndarray
        Parameters after the last step.
    history : dict of ndarray
        Equally long arrays: step, train_loss and test_loss (nats per example, mean), train_accuracy and
        test_accuracy (fractions in [0, 1]), l1_norm and l2_norm of all parameters.
    config : dict
        All settings, as in config.json.
    path : Path or None
        The run folder; None if the run was kept in memory only.
    """

    model: Any
    task: Any
    optimizer: Any
    params: dict
    history: dict
    config: dict
    path: Path | None = None

    def checkpoint_steps(self) -> list[int]:
        """Steps at which parameters were saved, ascending; empty without a folder."""
        return checkpoint_steps(self.path) if self.path else []

    def checkpoint(self, step: int) -> dict[str, np.ndarray]:
        """The parameters after ``step`` steps, one of `checkpoint_steps`."""
        if step not in self.checkpoint_steps():
            raise RunError(f"no checkpoint at step {step} in {self.path}; there are {self.checkpoint_steps()}")
        return read_checkpoint(self.path, step, self.model)[0]

    def explore(self, out: str | Path | None = None) -> Path:
        """Write the explorable page, an HTML file, by default into the run's folder; see `explorer.explore`."""
        from grok_np.explorer import explore  # here, because showing imports learning and not the other way round

        return explore(self, out)


def load_run(path: str | Path) -> Run:
    """The `Run` in a folder, at its newest readable checkpoint.

    Raises
    ------
    RunError
        If the folder holds no run, or no readable checkpoint.
    """
    path = Path(path)
    config = read_config(path)
    model, task, optimizer = from_config(config)
    step, params, _ = newest_checkpoint(path, model)
    history = read_history(path)
    kept = history["step"] <= step
    return Run(model, task, optimizer, params, {name: column[kept] for name, column in history.items()}, config, path)


def create_folder(path, config):
    """Make a new run folder with its config.json; FileExistsError if there is a run already."""
    path = Path(path)
    if (path / "config.json").exists():
        raise FileExistsError(f"{path} already holds a run: load it with load_run, continue it with resume, "
                              "or choose another folder")
    (path / "checkpoints").mkdir(parents=True, exist_ok=True)
    write_atomically(path / "config.json", lambda file: file.write(json.dumps(config, indent=2).encode()))
    return path


def read_config(path):
    """The settings of a run; RunError if the folder holds none."""
    try:
        config = json.loads((Path(path) / "config.json").read_text())
    except FileNotFoundError:
        raise RunError(f"{path} holds no run: there is no config.json") from None
    except ValueError as error:
        raise RunError(f"{path}/config.json is damaged: {error}") from None
    if not isinstance(config, dict) or config.get("format") != FORMAT:
        raise RunError(f"{path}/config.json is not of format {FORMAT}, the one that this version reads")
    return config


def write_history(path, history):
    """Replace history.csv by these rows; floats are written so that they read back to the same bits."""
    def write(file):
        rows = zip(*(history[name] for name in HISTORY_COLUMNS), strict=True)
        lines = [",".join(HISTORY_COLUMNS)]
        lines += [",".join([str(int(row[0])), *(repr(float(value)) for value in row[1:])]) for row in rows]
        file.write(("\n".join(lines) + "\n").encode())

    write_atomically(path / "history.csv", write)


def read_history(path):
    """The columns of history.csv as arrays; RunError if it is missing or damaged."""
    try:
        with open(path / "history.csv", newline="") as file:
            header, *rows = csv.reader(file)
        if tuple(header) != HISTORY_COLUMNS:
            raise ValueError(f"its header is {header}")
        columns = np.array(rows, dtype=np.float64).reshape(-1, len(HISTORY_COLUMNS)).T
    except (OSError, ValueError) as error:
        raise RunError(f"{path}/history.csv is missing or damaged: {error}") from None
    history = dict(zip(HISTORY_COLUMNS, columns, strict=True))
    return history | {"step": history["step"].astype(np.int64)}


def checkpoint_steps(path):
    """Steps of the checkpoints in a run folder, ascending."""
    return sorted(int(file.stem) for file in (path / "checkpoints").glob("[0-9]*.npz"))


def write_checkpoint(path, step, params, moments):
    """Save parameters and moments after ``step`` steps, and drop the moments of all but the newest two."""
    def save(step, params, moments):
        arrays = {f"params.{name}": array for name, array in params.items()}
        arrays |= {f"moments.{name}": array for name, array in moments.items()}
        write_atomically(_checkpoint_file(path, step), lambda file: np.savez(file, **arrays))

    save(step, params, moments)
    for old in checkpoint_steps(path)[-3:-2]:
        old_params, _ = _read_arrays(_checkpoint_file(path, old))
        save(old, old_params, {})


def read_checkpoint(path, step, model):
    """Parameters and moments (flat vectors by name; empty in an old checkpoint) after ``step`` steps."""
    file = _checkpoint_file(path, step)
    params, moments = _read_arrays(file)
    shapes = {name: array.shape for name, array in params.items()}
    if shapes != model.shapes:
        raise RunError(f"{file} does not fit the model in config.json: it has {shapes}, the model {model.shapes}")
    return params, moments


def newest_checkpoint(path, model, with_moments=False):
    """Step, parameters and moments of the newest checkpoint that can be read; RunError if there is none."""
    failures = []
    for step in reversed(checkpoint_steps(path)):
        try:
            params, moments = read_checkpoint(path, step, model)
        except RunError as error:
            failures.append(str(error))
            continue
        if moments or not with_moments:
            return step, params, moments
    raise RunError("; ".join([f"{path} has no checkpoint to {'resume from' if with_moments else 'load'}", *failures]))


def write_atomically(path, write):
    """Call ``write(file)`` on a temporary file beside ``path``, then put it in place of ``path`` in one go."""
    temporary = path.with_name(f".{path.name}.tmp")
    with open(temporary, "wb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    folder = os.open(path.parent, os.O_RDONLY)  # the rename itself must reach the disk too
    os.fsync(folder)
    os.close(folder)


def _checkpoint_file(path, step):
    return Path(path) / "checkpoints" / f"{step:08d}.npz"


def _read_arrays(file):
    try:
        with open(file, "rb") as opened, np.load(opened, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise RunError(f"{file} is missing or damaged: {error}") from None

    def part(prefix):
        return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}

    return part("params."), part("moments.")
