"""What a training run leaves behind: a folder of plain files, written so that a crash never leaves half of one.

    config.json                  network, task, optimizer, steps, seed, dtype, versions: enough to run it again
    initial.npz                  the first weights, where they were given
    history.csv                  one row per logged step
    checkpoints/NNNNNNNN.npz     parameters after that many steps; the newest two also hold the optimizer's moments

Every file is written to a temporary name, flushed to disk and renamed (`files`). Not here: how a run is made, continued
or loaded, see `training`.

Read next: `sweep`.
"""

import csv
import json
import platform
from dataclasses import asdict, dataclass, is_dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import scipy

from grok_np.errors import require, require_type
from grok_np.files import read_npz, write_atomically
from grok_np.groups import Composition
from grok_np.learning.adamw import SGD, AdamW
from grok_np.networks.bits import BitMLP
from grok_np.networks.deep import DeepMLP, DeepTransformer
from grok_np.networks.flat import FlatVector
from grok_np.networks.mlp import MLP
from grok_np.networks.transformer import Transformer
from grok_np.tasks import ModularArithmetic, SparseParity, Split

FORMAT = 2
CLASSES = (MLP, BitMLP, DeepMLP, Transformer, DeepTransformer, ModularArithmetic, SparseParity, Composition, AdamW,
           SGD)
SETTINGS = ("steps", "seed", "loss", "dtype", "checkpoint_every", "log_every")
HISTORY_COLUMNS = ("step", "train_loss", "test_loss", "train_accuracy", "test_accuracy", "l1_norm", "l2_norm")


class RunError(ValueError):
    """A file of a run is missing, damaged, not ours, or cannot be written; the message names it and what to do."""


def to_config(model, task, optimizer, *, initial=None, **settings):
    """The dict behind config.json: the three objects by type and fields, the other settings as they are."""
    def describe(thing):
        fields = asdict(thing) if is_dataclass(thing) else getattr(thing, "__dict__", {})
        return {**fields, "type": type(thing).__name__}

    versions = {"python": platform.python_version(), "numpy": np.__version__, "scipy": scipy.__version__}
    config = {"format": FORMAT, "model": describe(model), "task": describe(task), "optimizer": describe(optimizer),
              "initial": "drawn" if initial is None else "given", **settings, "versions": versions}
    try:
        return json.loads(json.dumps(config, default=np.generic.item))  # NumPy's numbers become Python's
    except (TypeError, AttributeError, ValueError):
        raise TypeError("model, task and optimizer must have fields that JSON can hold: numbers, strings, lists and "
                        f"dicts, got {model!r}, {task!r}, {optimizer!r}") from None


def from_config(config, classes=()):
    """Model, task and optimizer as `to_config` described them; ``classes`` are looked for besides the package's own."""
    known = {one.__name__: one for one in (*CLASSES, *classes)}

    def build(kind):
        require(isinstance(config[kind], dict), kind, config[kind], "a dict of a type and its fields")
        fields = dict(config[kind])
        name = fields["type"]
        require(isinstance(name, str) and name in known, f"{kind}'s type", name,
                f"one of {', '.join(known)}, or of the classes that are given (classes=[...])")
        return known[fields.pop("type")](**fields)

    return build("model"), build("task"), build("optimizer")


def require_rebuildable(config, classes):
    """TypeError, before anything is trained, if the objects of a run could not be made again from its config.json."""
    try:
        from_config(config, classes)
    except (TypeError, ValueError) as error:
        raise TypeError("model, task and optimizer must be what their type makes of their fields, as a dataclass is: "
                        f"{error}") from None


def require_same(path, config, initial=None):
    """RunError, naming the first difference, unless the run in the folder has these settings and first weights."""
    def differences(found, asked, name=""):
        for key in sorted(set(found) | set(asked)):
            here, there = found.get(key), asked.get(key)
            if isinstance(here, dict) and isinstance(there, dict):
                yield from differences(here, there, f"{name}{key}.")
            elif here != there and not (here != here and there != there):  # NaN is the same as NaN here
                yield f"{name}{key} = {here!r}, not {there!r}"

    found = read_config(path)
    different = next(differences({k: v for k, v in found.items() if k != "versions"},
                                 {k: v for k, v in config.items() if k != "versions"}), None)
    if different:
        raise RunError(f"{path} holds a run with {different}: choose another folder, or delete that one")
    if initial is not None:
        found = _read_arrays(path / "initial.npz")
        if not all(np.array_equal(found[name], array) for name, array in initial.items()):
            raise RunError(f"{path} holds a run with other first weights: choose another folder, or delete that one")


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

    @cached_property
    def split(self) -> Split:
        """Training and test examples, made once."""
        return self.task.split()

    def checkpoint_steps(self) -> list[int]:
        """Steps at which parameters were saved, ascending; empty without a folder."""
        return checkpoint_steps(self.path) if self.path else []

    def checkpoint(self, step: int) -> dict[str, np.ndarray]:
        """The parameters after ``step`` steps, one of `checkpoint_steps`."""
        if step not in self.checkpoint_steps():
            raise RunError(f"no checkpoint at step {step} in {self.path}; there are {self.checkpoint_steps()}")
        return read_checkpoint(self.path, step, self.model)[0]


def open_run(path, config, model, task, optimizer):
    """The `Run` in a folder, at its newest readable checkpoint, with these objects."""
    history = read_history(path)
    step, params, _ = newest_checkpoint(path, model, history)
    kept = history["step"] <= step
    return Run(model, task, optimizer, params, {name: column[kept] for name, column in history.items()}, config, path)


def columns(rows):
    """The history, array by name, of rows of `HISTORY_COLUMNS`."""
    history = dict(zip(HISTORY_COLUMNS, np.array(rows, dtype=np.float64).T, strict=True))
    return history | {"step": history["step"].astype(np.int64)}


def make_folder(path):
    """The folder of a run and that of its checkpoints, where they are not there yet."""
    try:
        (path / "checkpoints").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{path} cannot be made: {error.strerror}; choose another folder") from None


def create_folder(path, config, initial=None):
    """Make a new run folder with its config.json; FileExistsError if there is a run already."""
    make_folder(path)
    if (path / "config.json").exists():
        raise FileExistsError(f"{path} already holds a run: load it with load_run, continue it with resume, "
                              "or choose another folder")
    if initial is not None:
        _write(path / "initial.npz", lambda file: np.savez(file, **initial))
    _write(path / "config.json", lambda file: file.write(json.dumps(config, indent=2).encode()))


def read_initial(path, config, model):
    """The first weights that a run was given, or None if they were drawn."""
    if config["initial"] == "drawn":
        return None
    params = _read_arrays(path / "initial.npz")
    if {name: array.shape for name, array in params.items()} != model.shapes:
        raise RunError(f"{path / 'initial.npz'} does not fit the model in config.json")
    return params


def read_config(path):
    """The settings of a run, checked; RunError if the folder holds none."""
    require_type(path, "path", str, Path)
    try:
        config = json.loads((Path(path) / "config.json").read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise RunError(f"{path} holds no run: there is no config.json") from None
    except OSError as error:
        raise RunError(f"{path}/config.json cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise RunError(f"{path}/config.json is damaged: {error}") from None
    if not isinstance(config, dict) or config.get("format") != FORMAT:
        raise RunError(f"{path}/config.json is not of format {FORMAT}, the one that this version reads")
    missing = [name for name in ("model", "task", "optimizer", "initial", *SETTINGS) if name not in config]
    if missing:
        raise RunError(f"{path}/config.json describes no run: {missing[0]!r} is missing")
    return config


def write_history(path, history):
    """Replace history.csv by these rows; floats are written so that they read back to the same bits."""
    def write(file):
        rows = zip(*(history[name] for name in HISTORY_COLUMNS), strict=True)
        lines = [",".join(HISTORY_COLUMNS)]
        lines += [",".join([str(int(row[0])), *(repr(float(value)) for value in row[1:])]) for row in rows]
        file.write(("\n".join(lines) + "\n").encode())

    _write(path / "history.csv", write)


def read_history(path):
    """The columns of history.csv as arrays; RunError if it is missing or damaged."""
    try:
        with open(path / "history.csv", newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file)
        if tuple(header) != HISTORY_COLUMNS:
            raise ValueError(f"its header is {header}")
        table = np.array(rows, dtype=np.float64).reshape(-1, len(HISTORY_COLUMNS)).T
        steps = table[0]
        if not (len(rows) and steps[0] == 0 and steps[-1] < 2**53 and (np.diff(steps) >= 1).all()):
            raise ValueError("its steps do not rise from 0")
    except (OSError, ValueError, csv.Error) as error:
        raise RunError(f"{path}/history.csv is missing or damaged: {error}") from None
    history = dict(zip(HISTORY_COLUMNS, table, strict=True))
    return history | {"step": steps.astype(np.int64)}


def checkpoint_steps(path):
    """Steps of the checkpoints in a run folder, ascending."""
    return sorted(int(file.stem) for file in (path / "checkpoints").glob("[0-9]*.npz") if file.stem.isdecimal())


def write_checkpoint(path, step, params, moments):
    """Save parameters and moments after ``step`` steps, and drop the moments of all but the newest two."""
    def save(step, params, moments):
        arrays = {f"params.{name}": array for name, array in params.items()}
        arrays |= {f"moments.{name}": array for name, array in moments.items()}
        _write(_checkpoint_file(path, step), lambda file: np.savez(file, **arrays))

    save(step, params, moments)
    for old in checkpoint_steps(path)[-3:-2]:
        try:
            old_params, _ = _read_checkpoint(_checkpoint_file(path, old))
        except RunError:  # damaged since: no reason to stop
            continue
        save(old, old_params, {})


def read_checkpoint(path, step, model):
    """Parameters and moments (flat vectors by name; empty in an old checkpoint) after ``step`` steps."""
    file = _checkpoint_file(path, step)
    params, moments = _read_checkpoint(file)
    shapes = {name: array.shape for name, array in params.items()}
    if shapes != model.shapes:
        raise RunError(f"{file} does not fit the model in config.json: it has {shapes}, the model {model.shapes}")
    kinds = {array.dtype.name for array in [*params.values(), *moments.values()]}
    if kinds not in ({"float32"}, {"float64"}):
        raise RunError(f"{file} must hold float32 or float64 throughout, it has {', '.join(sorted(kinds))}")
    return params, moments


def newest_checkpoint(path, model, history, optimizer=None):
    """Step, parameters and moments of the newest checkpoint that is whole and belongs to the history.

    With ``optimizer`` its moments must be there too. RunError, with all that was wrong, if there is none.
    """
    failures = []
    for step in reversed(checkpoint_steps(path)):
        try:
            params, moments = read_checkpoint(path, step, model)
            _check_norm(_checkpoint_file(path, step), params, history["l2_norm"][history["step"] == step])
        except RunError as error:
            failures.append(str(error))
            continue
        if optimizer is None:
            return step, params, moments
        theta = FlatVector(params).vector
        if {name: m.shape for name, m in moments.items()} == dict.fromkeys(optimizer.init(theta), theta.shape):
            return step, params, moments
        failures.append(f"{_checkpoint_file(path, step)} has no moments of {type(optimizer).__name__}")
    raise RunError("; ".join([f"{path} has no checkpoint to {'resume from' if optimizer else 'load'}", *failures]))


def _check_norm(file, params, logged):
    """The history knows the norm of the weights of each step: a checkpoint of another step or run has another one."""
    norm = np.linalg.norm(FlatVector(params).vector.astype(np.float64))
    if not (len(logged) == 1 and np.isclose(norm, logged[0], rtol=1e-5)):
        raise RunError(f"{file} is not of this run and step: its weights have l2_norm {norm:g}, history.csv says "
                       f"{logged.tolist()}")


def _write(path, write):
    """`write_atomically`, with what to do about a failure."""
    try:
        write_atomically(path, write)
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror}; what was saved before is intact, so put that "
                       "right (free space, say) and call resume on the run's folder") from None


def _checkpoint_file(path, step):
    return Path(path) / "checkpoints" / f"{step:08d}.npz"


def _read_arrays(file):
    try:
        return read_npz(file)
    except (OSError, ValueError) as error:
        raise RunError(f"{file} is missing or damaged: {error}") from None


def _read_checkpoint(file):
    """Parameters and moments in a file."""
    arrays = _read_arrays(file)
    return tuple({name.removeprefix(part): array for name, array in arrays.items() if name.startswith(part)}
                 for part in ("params.", "moments."))
