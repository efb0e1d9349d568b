"""What a training run leaves behind: a folder of plain files, written so that a crash never leaves half of one.

    config.json                  model, task, optimizer, steps, seed, dtype, versions: enough to run it again
    history.csv                  one row per logged step
    checkpoints/NNNNNNNN.npz     parameters after that many steps; the newest two also hold the optimizer's moments

Every file is written to a temporary name, flushed to disk and renamed, which the file system does at once or not at
all. No pickle is written, and none is ever loaded. Not here: how a run is made or continued, see `training`.
"""

import contextlib
import csv
import io
import json
import os
import platform
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy

from grok_np.errors import require, require_choice, require_integer, require_type
from grok_np.layers import BINARY_LOSSES, LOSSES
from grok_np.learning.adamw import OPTIMIZERS, FlatVector
from grok_np.networks.bits import BitMLP
from grok_np.networks.deep import DeepMLP, DeepTransformer
from grok_np.networks.mlp import MLP
from grok_np.networks.transformer import Transformer
from grok_np.tasks import ModularArithmetic, SparseParity

FORMAT = 1
MODELS = {model.__name__: model for model in (MLP, BitMLP, DeepMLP, Transformer, DeepTransformer)}
TASKS = {task.__name__: task for task in (ModularArithmetic, SparseParity)}
HISTORY_COLUMNS = ("step", "train_loss", "test_loss", "train_accuracy", "test_accuracy", "l1_norm", "l2_norm")


class RunError(ValueError):
    """A file of a run is missing, damaged, not ours, or cannot be written; the message names it and what to do."""


def to_config(model, task, optimizer, **settings):
    """The dict behind config.json: the three objects by type and fields, the other settings as they are.

    NumPy's numbers become Python's here already, so that a resumed run computes with the same ones.
    """
    def describe(name, thing, types):
        require_type(thing, name, *types.values())
        return {"type": type(thing).__name__, **asdict(thing)}

    versions = {"python": platform.python_version(), "numpy": np.__version__, "scipy": scipy.__version__}
    config = {"format": FORMAT, "model": describe("model", model, MODELS), "task": describe("task", task, TASKS),
              "optimizer": describe("optimizer", optimizer, OPTIMIZERS), **settings, "versions": versions}
    return json.loads(json.dumps(config, default=lambda number: number.item()))


def from_config(config):
    """Model, task and optimizer as `to_config` described them."""
    def build(kind, types):
        require(isinstance(config[kind], dict), kind, config[kind], "a dict of a type and its fields")
        fields = dict(config[kind])
        require_choice(fields["type"], f"{kind}'s type", types)
        return types[fields.pop("type")](**fields)

    return build("model", MODELS), build("task", TASKS), build("optimizer", OPTIMIZERS)


def check_settings(model, task, *, steps, seed, loss, dtype, checkpoint_every, log_every):
    """ValueError or TypeError if a run cannot have these settings; see `training.train` for what they mean."""
    require_integer(steps, "steps", minimum=1, maximum=10**12)
    require_integer(seed, "seed", minimum=0)
    require_integer(checkpoint_every, "checkpoint_every", minimum=1, maximum=10**12)
    require_integer(log_every, "log_every", minimum=1, maximum=10**12)
    kinds = BINARY_LOSSES if isinstance(task, SparseParity) else LOSSES
    require_choice(loss, "loss", kinds)
    require_choice(dtype, "dtype", ("float32", "float64"))
    require_type(model, "model", *MODELS.values())
    require_type(task, "task", *TASKS.values())
    size = "n_bits" if isinstance(task, SparseParity) else "p"
    require(getattr(model, size, None) == getattr(task, size), f"model.{size}", getattr(model, size, None),
            f"the task's {size} = {getattr(task, size)}")


SETTINGS = ("steps", "seed", "loss", "dtype", "checkpoint_every", "log_every")


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


def load_run(path: str | Path) -> Run:
    """The `Run` in a folder, at its newest readable checkpoint.

    Raises
    ------
    RunError
        If the folder holds no run, or no readable checkpoint.
    """
    config = read_config(path)
    path = Path(path)
    model, task, optimizer = from_config(config)
    history = read_history(path)
    step, params, _ = newest_checkpoint(path, model, history)
    kept = history["step"] <= step
    return Run(model, task, optimizer, params, {name: column[kept] for name, column in history.items()}, config, path)


def make_folder(path):
    """The folder of a run and that of its checkpoints, where they are not there yet."""
    try:
        (path / "checkpoints").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{path} cannot be made: {error.strerror}; choose another folder") from None


def create_folder(path, config):
    """Make a new run folder with its config.json; FileExistsError if there is a run already."""
    path = Path(path)
    make_folder(path)
    if (path / "config.json").exists():
        raise FileExistsError(f"{path} already holds a run: load it with load_run, continue it with resume, "
                              "or choose another folder")
    write_atomically(path / "config.json", lambda file: file.write(json.dumps(config, indent=2).encode()))
    return path


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
    try:
        model, task, _ = from_config(config)
        check_settings(model, task, **{name: config[name] for name in SETTINGS})
    except KeyError as error:
        raise RunError(f"{path}/config.json describes no run: {error} is missing or unknown") from None
    except (ValueError, TypeError) as error:
        raise RunError(f"{path}/config.json describes no run: {error}") from None
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
        steps = columns[0]
        if not (len(rows) and steps[0] == 0 and steps[-1] < 2**53 and (np.diff(steps) >= 1).all()):
            raise ValueError("its steps do not rise from 0")
    except (OSError, ValueError, csv.Error) as error:
        raise RunError(f"{path}/history.csv is missing or damaged: {error}") from None
    history = dict(zip(HISTORY_COLUMNS, columns, strict=True))
    return history | {"step": steps.astype(np.int64)}


def checkpoint_steps(path):
    """Steps of the checkpoints in a run folder, ascending."""
    return sorted(int(file.stem) for file in (path / "checkpoints").glob("[0-9]*.npz") if file.stem.isdecimal())


def write_checkpoint(path, step, params, moments):
    """Save parameters and moments after ``step`` steps, and drop the moments of all but the newest two."""
    def save(step, params, moments):
        arrays = {f"params.{name}": array for name, array in params.items()}
        arrays |= {f"moments.{name}": array for name, array in moments.items()}
        write_atomically(_checkpoint_file(path, step), lambda file: np.savez(file, **arrays))

    save(step, params, moments)
    for old in checkpoint_steps(path)[-3:-2]:
        try:
            old_params, _ = _read_arrays(_checkpoint_file(path, old))
        except RunError:  # damaged since: no reason to stop
            continue
        save(old, old_params, {})


def read_checkpoint(path, step, model):
    """Parameters and moments (flat vectors by name; empty in an old checkpoint) after ``step`` steps."""
    file = _checkpoint_file(path, step)
    params, moments = _read_arrays(file)
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


def write_atomically(path, write):
    """Call ``write(file)`` on a temporary file beside ``path``, then put it in place of ``path`` in one go.

    RunError if that fails; then ``path`` is whole all the same, old or new, and the temporary file is gone.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with open(temporary, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        folder = os.open(path.parent, os.O_RDONLY)  # the rename itself must reach the disk too
        os.fsync(folder)
        os.close(folder)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise RunError(f"{path} cannot be written: {error.strerror}; what was saved before is intact, so put that "
                       "right (free space, say) and call resume on the run's folder") from None


def _checkpoint_file(path, step):
    return Path(path) / "checkpoints" / f"{step:08d}.npz"


def _read_arrays(file):
    try:
        arrays = read_npz(file)
    except (OSError, ValueError) as error:
        raise RunError(f"{file} is missing or damaged: {error}") from None

    def part(prefix):
        return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}

    return part("params."), part("moments.")


def read_npz(path):
    """The arrays of an .npz file by name, which may be damaged or hostile; ValueError where something is wrong.

    Unlike `numpy.load`, which makes room for whatever a header claims, it takes no more memory than the file has bytes
    (packed ones unpacked). Nothing is unpickled: an array of objects cannot be made from bytes.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return {name.removesuffix(".npy"): _array(bytearray(archive.read(name))) for name in archive.namelist()}
    except OSError:
        raise
    except Exception as error:  # zipfile, zlib and numpy.lib.format raise a dozen kinds on damaged bytes
        raise ValueError(str(error)) from None


def _array(data):
    """The array that these bytes of an .npy file hold; they become its memory."""
    file = io.BytesIO(data)
    version = np.lib.format.read_magic(file)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran_order, dtype = read_header(file)
    return np.frombuffer(data, dtype, offset=file.tell()).reshape(shape, order="F" if fortran_order else "C")
