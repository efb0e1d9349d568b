"""Whatever is in the files: the package's own error or the true content, never code that runs, never a deep crash.

    GROK_NP_BROKEN=100000 pytest tests/test_broken_files.py        100,000 mutated files instead of 700
"""

import io
import json
import os
import shutil
import time
import tracemalloc
import zipfile
from collections import Counter

import numpy as np
import pytest

from grok_np import MLP, SGD, AdamW, ModularArithmetic, RunError, load_run, resume, train
from grok_np.files import read_npz
from grok_np.learning import runs
from grok_np.learning.sweep import read_table
from grok_np.reading import published
from grok_np.reading.published import PublishedError

BROKEN = int(os.environ.get("GROK_NP_BROKEN", "700"))
MODEL, TASK = MLP(5, 3, 4), ModularArithmetic(5)
DEEP = "[" * 100_000 + "]" * 100_000


@pytest.fixture(scope="session")
def originals(tmp_path_factory):
    """A run of six steps with checkpoints at 0, 2, 4, 6; its weights published in two formats; a sweep's table."""
    folder = tmp_path_factory.mktemp("originals")
    for seed, name in enumerate(("run", "seed")):
        train(MODEL, TASK, AdamW(), 6, seed, folder / name, checkpoint_every=2, progress=False)
    params = load_run(folder / "run").params
    weights = {"embed": params["W_E"], "hidden_w": params["W_in"], "out_w": params["W_out"],
               "train_mask": np.eye(5, dtype=bool)}
    np.savez(folder / "stored.npz", config='{"p": 5}', **weights)
    np.savez_compressed(folder / "packed.npz", config='{"p": 5}', **weights)
    write_safetensors(folder / "weights.safetensors", weights | {"train_mask": None})
    lines = [{"setting": {"p": p, "name": "a"}, "rows": [{"loss": 0.5}, {"loss": p}]} for p in range(3)]
    (folder / "table.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return folder


def write_safetensors(path, arrays, **changes):
    header, body = {"__metadata__": {"config": '{"p": 5}'}}, b""
    for name, array in arrays.items():
        if array is not None:
            start, body = len(body), body + array.astype("<f4").tobytes()
            header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [start, len(body)]}
    text = json.dumps(header | changes).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + body)


@pytest.fixture
def run(originals, tmp_path):
    return shutil.copytree(originals / "run", tmp_path / "run")


def same(first, second):
    return first.keys() == second.keys() and all(np.array_equal(first[name], second[name]) for name in first)


# Checkpoints: the one before is used


class Bomb:
    """Unpickling it makes a folder."""

    def __reduce__(self):
        return os.mkdir, (os.environ["GROK_NP_BOMB"],)


def rezip(file, edit):
    """The same .npz with ``edit(name, bytes) -> bytes`` done to its members, and sums that are right."""
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, edit(name, data))


def claim(shape):
    """Edit the headers: the numbers stay, the shape is another."""
    def edit(name, data):
        claimed = io.BytesIO()
        np.lib.format.write_array_header_1_0(claimed, {"descr": "<f4", "fortran_order": False, "shape": shape})
        return claimed.getvalue() + data[128:]

    return lambda file: rezip(file, edit)


def flip_a_bit(file):
    data = bytearray(file.read_bytes())
    data[200] ^= 1
    file.write_bytes(data)


def replace_weights(change):
    def replace(file):
        with np.load(file) as archive:
            np.savez(file, **{name: change(archive[name]) for name in archive.files})

    return replace


CHECKPOINTS = {
    "empty": lambda file: file.write_bytes(b""),
    "cut off": lambda file: file.write_bytes(file.read_bytes()[:-30]),
    "a bit flipped": flip_a_bit,
    "no zip": lambda file: file.write_bytes(b"rubbish" * 100),
    "a folder": lambda file: (file.unlink(), file.mkdir()),
    "pickles": lambda file: np.savez(file, **{"params.W_E": np.array([Bomb()], dtype=object)}),
    "1e12 numbers claimed": claim((10**12,)),
    "2e9 numbers claimed": claim((2 * 10**9,)),
    "more axes than NumPy has": claim((1,) * 65),
    "negative shape": claim((-1, 5)),
    "other names": lambda file: np.savez(file, **{"params.../../../etc/passwd": np.zeros(3)}),
    "words": replace_weights(lambda array: array.astype("U3")),
    "complex": replace_weights(lambda array: array.astype(complex)),
    "of an earlier step": lambda file: shutil.copy(file.with_name("00000002.npz"), file),
    "of another seed": lambda file: shutil.copy(file.parents[2] / "seed/checkpoints/00000006.npz", file),
    "of another model": lambda file: np.savez(file, **{"params.W_E": np.zeros((7, 3), np.float32)}),
}


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_the_checkpoint_before_is_used(run, originals, monkeypatch, name):
    monkeypatch.setenv("GROK_NP_BOMB", str(run / "exploded"))
    shutil.copytree(originals / "seed", run.parent / "seed")
    expected = load_run(run)
    before = expected.checkpoint(4)
    CHECKPOINTS[name](run / "checkpoints/00000006.npz")
    tracemalloc.start()
    loaded = load_run(run)
    assert tracemalloc.get_traced_memory()[1] < 2e7
    tracemalloc.stop()
    assert loaded.history["step"][-1] == 4 and same(loaded.params, before)
    assert not (run / "exploded").exists()
    if name != "a folder":  # that is not ours to remove: the last save fails, and says so
        assert same(resume(run, progress=False).params, expected.params)


def test_a_flipped_bit_is_found_by_the_sum_in_the_zip(run):
    """Every bit of the numbers of a stored array: 8 x 4 bytes."""
    file = run / "checkpoints/00000006.npz"
    whole = file.read_bytes()
    start = whole.index(load_run(run).params["W_E"].tobytes()[:16])
    for position in range(start, start + 4):
        for bit in range(8):
            data = bytearray(whole)
            data[position] ^= 1 << bit
            file.write_bytes(data)
            with pytest.raises(ValueError, match="CRC"):
                read_npz(file)


def test_with_no_checkpoint_left_all_are_named(run):
    for file in (run / "checkpoints").iterdir():
        file.write_bytes(b"")
    with pytest.raises(RunError, match=r"no checkpoint to load; .*06.npz is missing or damaged: .*; .*00.npz is"):
        load_run(run)


def test_moments_of_another_optimizer_are_not_gone_on_with(run):
    """Before the first step the weights are the same under any optimizer, so only the moments tell."""
    for file in (run / "checkpoints").iterdir():
        file.unlink()
    train(MODEL, TASK, SGD(), 1, 0, run.parent / "sgd", progress=False)
    shutil.copy(run.parent / "sgd/checkpoints/00000000.npz", run / "checkpoints")
    assert load_run(run).history["step"].tolist() == [0]
    with pytest.raises(RunError, match="00000000.npz has no moments of AdamW"):
        resume(run, progress=False)


def test_files_of_other_names_are_no_checkpoints(run):
    expected = load_run(run)
    for name in ("7x.npz", "00000009 (copy).npz", ".00000008.npz.tmp", "notes.txt"):
        (run / "checkpoints" / name).write_bytes(b"")
    assert expected.checkpoint_steps() == load_run(run).checkpoint_steps() == [0, 2, 4, 6]


# Settings and history: the run is refused, and the sentence says why


def setting(*path, **to):
    """Edit config.json: ``setting("model", p=7)``; a value of `KeyError` removes the entry."""
    def edit(file):
        config = json.loads(file.read_text(encoding="utf-8"))
        place = config[path[0]] if path else config
        for name, value in to.items():
            place[name] = value
            if value is KeyError:
                del place[name]
        file.write_text(json.dumps(config), encoding="utf-8")

    return edit


CONFIGS = {
    "empty": (lambda file: file.write_bytes(b""), "damaged"),
    "cut off": (lambda file: file.write_bytes(file.read_bytes()[:-30]), "damaged"),
    "no text": (lambda file: file.write_bytes(b"\xff\x00\xfe"), "damaged"),
    "nested 100,000 deep": (lambda file: file.write_text(DEEP, encoding="utf-8"), "damaged"),
    "a number of 5,000 digits": (lambda file: file.write_text("9" * 5000, encoding="utf-8"), "damaged"),
    "a list": (lambda file: file.write_text("[1]", encoding="utf-8"), "not of format 2"),
    "another format": (setting(format=1), "not of format 2"),
    "no model": (setting(model=KeyError), "'model' is missing"),
    "a model that is a number": (setting(model=3), "model must be a dict of a type and its fields, got 3"),
    "an unknown model": (setting("model", type="os.system"), "model.s type must be one of MLP, .* got .os.system."),
    "a type that is a list": (setting("model", type=["MLP"]), "model.s type must be one of"),
    "an unknown field": (setting("model", colour=1), "unexpected keyword argument 'colour'"),
    "a p of words": (setting("model", p="7"), "p must be an integer >= 2, got '7'"),
    "a p that is no number": (setting("model", p=float("nan")), "p must be an integer >= 2, got nan"),
    "a model too large": (setting("model", n_hidden=10**12), "shapes of the parameters must be of 1073741824 numbers"),
    "a task too large": (setting("task", p=10**9), "p must be at most"),
    "another p": (setting("task", p=7), "model.p must be the task's p = 7, got 5"),
    "an infinite lr": (setting("optimizer", lr=float("inf")), "lr must be a positive finite number, got inf"),
    "betas that are a number": (setting("optimizer", betas=3), "betas must be two numbers in .0, 1., got 3"),
    "an activation that is a list": (setting("model", activation=[]), "activation must be one of .* got .."),
    "no steps": (setting(steps=KeyError), "'steps' is missing"),
    "too many steps": (setting(steps=10**400), "steps must be at most 9007199254740992"),
    "a negative seed": (setting(seed=-1), "seed must be an integer >= 0, got -1"),
    "an unknown loss": (setting(loss="hinge"), "loss must be one of cross_entropy"),
    "another dtype": (setting(dtype="object"), "dtype must be one of float32, float64, got 'object'"),
    "never logged": (setting(log_every=0), "log_every must be an integer >= 1, got 0"),
}


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("entry", [load_run, resume])
def test_settings_that_describe_no_run(run, entry, name):
    edit, message = CONFIGS[name]
    edit(run / "config.json")
    with pytest.raises(RunError, match=f"config.json .*{message}"):
        entry(run)


def rows(change):
    """Edit the lines of history.csv."""
    def edit(file):
        lines = file.read_text(encoding="utf-8").splitlines()
        file.write_text("\n".join(change(lines)) + "\n", encoding="utf-8")
    return edit


HISTORIES = {
    "missing": (lambda file: file.unlink(), "missing or damaged"),
    "empty": (lambda file: file.write_bytes(b""), "missing or damaged"),
    "a NUL": (lambda file: file.write_bytes(file.read_bytes()[:-9] + b"\0\n"), "missing or damaged"),
    "no row": (rows(lambda lines: lines[:1]), "its steps do not rise from 0"),
    "another header": (rows(lambda lines: ["step,loss", *lines[1:]]), "its header is"),
    "words": (rows(lambda lines: [*lines[:-1], lines[-1].replace("6,", "six,", 1)]), "could not convert"),
    "a short row": (rows(lambda lines: [*lines[:-1], lines[-1][:20]]), "missing or damaged"),
    "no steps": (rows(lambda lines: [*lines[:-1], lines[-1].replace("6,", "nan,", 1)]), "do not rise"),
    "rows out of order": (rows(lambda lines: [lines[0], *lines[:0:-1]]), "do not rise"),
    "of another run": (lambda file: shutil.copy(file.parents[1] / "seed/history.csv", file), "not of this run"),
}


@pytest.mark.parametrize("name", HISTORIES)
@pytest.mark.parametrize("entry", [load_run, resume])
def test_histories_that_are_none(run, originals, entry, name):
    shutil.copytree(originals / "seed", run.parent / "seed")
    edit, message = HISTORIES[name]
    edit(run / "history.csv")
    with pytest.raises(RunError, match=message):
        entry(run)


def test_a_history_that_ends_before_the_checkpoint(run):
    rows(lambda lines: lines[:-1])(run / "history.csv")
    assert load_run(run).history["step"][-1] == 4


# Networks of others, and tables of sweeps

NETWORKS = {
    "pickles.npz": lambda file: np.savez(file, embed=np.array([Bomb()], dtype=object)),
    "claim.npz": lambda file: (np.savez(file, embed=np.zeros(3, np.float32)), claim((10**12,))(file)),
    "words.npz": lambda file: np.savez(file, embed=np.full((5, 3), "a"), hidden_w=np.full((3, 4), "a"),
                                       out_w=np.full((4, 3), "a")),
    "flat.npz": lambda file: np.savez(file, embed=np.zeros(5), hidden_w=np.zeros(3), out_w=np.zeros(3)),
    "scalar.npz": lambda file: np.savez(file, embed=1.0, hidden_w=1.0, out_w=1.0),
    "mask.npz": lambda file: np.savez(file, embed=np.zeros((5, 3)), hidden_w=np.zeros((3, 4)), out_w=np.zeros((4, 3)),
                                      train_mask=np.zeros(3)),
    "names.npz": lambda file: np.savez(file, **{"blocks.0.attn.W_O": np.zeros((2, 2)), "blocks.x": np.zeros(2)}),
    "config.npz": lambda file: np.savez(file, embed=np.zeros(3), config=DEEP),
    "list.npz": lambda file: np.savez(file, embed=np.zeros(3), config="[1]"),
    "deep.safetensors": lambda file: file.write_bytes(len(DEEP).to_bytes(8, "little") + DEEP.encode()),
    "long.safetensors": lambda file: file.write_bytes(b"\xff" * 20),
    "list.safetensors": lambda file: file.write_bytes((2).to_bytes(8, "little") + b"[]"),
    "shape.safetensors": lambda file: write_safetensors(file, {}, embed={
        "dtype": "F32", "shape": [10**12], "data_offsets": [0, 0]}),
    "offsets.safetensors": lambda file: write_safetensors(file, {}, embed={
        "dtype": "F32", "shape": [1], "data_offsets": ["a", None]}),
    "entry.safetensors": lambda file: write_safetensors(file, {}, embed=[], **{"__metadata__": 3}),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_published_files_that_are_refused(tmp_path, monkeypatch, name):
    monkeypatch.setenv("GROK_NP_BOMB", str(tmp_path / "exploded"))
    NETWORKS[name](tmp_path / name)
    tracemalloc.start()
    with pytest.raises(PublishedError):
        published.load(tmp_path / name)
    assert tracemalloc.get_traced_memory()[1] < 2e7 and not (tmp_path / "exploded").exists()
    tracemalloc.stop()


@pytest.mark.parametrize("config", [3, {"p": "five"}, {"p": 10**30}, {"p": [5]}, {"p": 5, "attn_coeff": "much"}])
def test_settings_of_others_that_are_refused(config):
    arrays = {"embed.W_E": np.zeros((4, 6)), "pos_embed.W_pos": np.zeros((3, 4)), "unembed.W_U": np.zeros((4, 6))}
    arrays |= {f"blocks.0.attn.{name}": np.zeros((2, 2, 4)) for name in ("W_Q", "W_K", "W_V")}
    arrays |= {"blocks.0.attn.W_O": np.zeros((4, 4))}
    assert published.load(arrays, {"p": 5}).model.d_model == 4
    with pytest.raises(PublishedError):
        published.load(arrays, config)


TABLES = {
    "rubbish": b"rubbish\n", "no text": b"\xff\xfe\n", "a list": b"[]\n", "a number": b"3\n",
    "nested deep": DEEP.encode() + b"\n", "no rows": b'{"setting": {}}\n', "rows of numbers":
    b'{"setting": {}, "rows": [3]}\n', "a setting that is a list": b'{"setting": [1], "rows": []}\n',
    "somebody's notes": b"do not erase me",
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_that_are_refused_and_left_as_they_are(tmp_path, name):
    whole = b'{"setting": {"p": 5}, "rows": []}\n' + TABLES[name]
    (tmp_path / "table.jsonl").write_bytes(whole)
    with pytest.raises(ValueError, match="table.jsonl line 2 is no row of a sweep"):
        read_table(tmp_path / "table.jsonl")
    assert (tmp_path / "table.jsonl").read_bytes() == whole


# Mutations of real files

VALUES = [None, True, False, -1, 0, 1, 2, 7, 10**9, 10**30, 1.5, -0.0, 1e308, float("nan"), float("inf"), "", "x",
          "MLP", "SGD", "relu", "float64", [], [1, 2], [[]], {}, {"type": "MLP"}, json.loads("[" * 50 + "]" * 50)]


def mutate(data, rng):
    """One or two bits flipped (half of the time); or bytes cut off, overwritten, taken out, doubled or exchanged."""
    bits = bytearray(data)
    for _ in range(rng.integers(1, 3)):
        bits[rng.integers(len(bits))] ^= 1 << rng.integers(8)
    start, end = sorted(rng.integers(0, len(data) + 1, 2))
    before, middle, after = data[:start], data[start : min(end, start + 64)], data[min(end, start + 64) :]
    others = [before, before + rng.bytes(len(middle)) + after, before + after, before + 2 * middle + after,
              data[end:] + data[:end]]
    return bytes(bits) if rng.random() < 0.5 else others[rng.integers(len(others))]


def overwrite(tree, rng):
    """One value somewhere in a JSON tree replaced by one of `VALUES`, or removed."""
    place = tree
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = keys[rng.integers(len(keys))]
        if not (isinstance(place[key], dict | list) and place[key]) or rng.random() < 0.2:
            break
        place = place[key]
    if rng.random() < 0.1:
        del place[key]
    else:
        place[key] = VALUES[rng.integers(len(VALUES))]
    return tree


def overwrite_json(data, rng):
    return json.dumps(overwrite(json.loads(data), rng)).encode()


def overwrite_line(data, rng):
    lines = data.splitlines()
    i = rng.integers(len(lines))
    return b"\n".join([*lines[:i], overwrite_json(lines[i], rng), *lines[i + 1 :], b""])


def overwrite_header(data, rng):
    size = int.from_bytes(data[:8], "little")
    header = overwrite_json(data[8 : 8 + size], rng)
    return len(header).to_bytes(8, "little") + header + data[8 + size :]


def rezipped(data, rng):
    """A member of the .npz mutated, most often in its first 128 bytes, with the sum made right again."""
    file = io.BytesIO(data)
    with zipfile.ZipFile(file) as archive:
        chosen = archive.namelist()[rng.integers(len(archive.namelist()))]
    rezip(file, lambda name, member: member if name != chosen else mutate(member, rng) if rng.random() < 0.2
          else mutate(member[:128], rng) + member[128:])
    return file.getvalue()


def read(folder, name):
    """Go through `load_run` and the reading of `resume`, `published.load` or `read_table`: loaded weights, and step."""
    if name.endswith(".jsonl"):
        return read_table(folder / name), None
    if not name.startswith("run/"):
        return published.load(folder / name).params, 6
    run = load_run(folder / "run")
    runs.newest_checkpoint(run.path, run.model, runs.read_history(run.path), run.optimizer)
    return run.params, run.history["step"][-1]


TARGETS = [("run/config.json", mutate), ("run/config.json", overwrite_json), ("run/history.csv", mutate),
           ("run/checkpoints/00000006.npz", mutate), ("run/checkpoints/00000006.npz", rezipped),
           ("stored.npz", mutate), ("stored.npz", rezipped), ("packed.npz", mutate), ("packed.npz", rezipped),
           ("weights.safetensors", mutate), ("weights.safetensors", overwrite_header),
           ("table.jsonl", mutate), ("table.jsonl", overwrite_line)]


@pytest.mark.filterwarnings("default")  # NumPy warns of headers that it had to mend, zipfile of names given twice
def test_mutated_files(originals, tmp_path):
    folder, outcomes, rng = shutil.copytree(originals, tmp_path / "files"), Counter(), np.random.default_rng(0)
    run = load_run(folder / "run")
    expected = {step: run.checkpoint(step) for step in run.checkpoint_steps()}
    started = time.monotonic()
    for i in range(BROKEN):
        name, mutation = TARGETS[i % len(TARGETS)]
        whole = (originals / name).read_bytes()
        (folder / name).write_bytes(mutation(whole, rng))
        try:
            content, step = read(folder, name)
            # Weights with a wrong sum are never read. (Rezipped ones have the right sum.)
            assert mutation is not mutate or not name.endswith(".npz") or same(content, expected[step]), (i, name)
            outcome = "read"
        except (RunError, PublishedError) as error:
            outcome = type(error).__name__
        except ValueError as error:
            assert "is no row of a sweep" in str(error), (i, name)
            outcome = "no row"
        outcomes[name, mutation.__name__, outcome] += 1
        (folder / name).write_bytes(whole)
    for outcome, count in sorted(outcomes.items()):
        print(*outcome, count)
    print(f"{BROKEN} mutated files in {time.monotonic() - started:.0f} s")
    assert sum(count for (*_, kind), count in outcomes.items() if kind != "read") > BROKEN / 2
