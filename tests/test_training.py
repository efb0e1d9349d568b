"""The loop on small real tasks: it learns, logs, saves, stops cleanly and resumes to the same bits."""

import _thread
import json
import threading
import time

import numpy as np
import pytest

from grok_np import (
    MLP,
    SGD,
    AdamW,
    DivergedError,
    ModularArithmetic,
    RunError,
    SparseParity,
    load_run,
    resume,
    train,
)
from grok_np.layers import LOSSES, cross_entropy_backward, cross_entropy_forward
from grok_np.learning import machine, runs, training
from grok_np.learning.training import loss_and_gradients, make_shards
from grok_np.streams import generator

MODEL = MLP(p=11, d_embed=16, n_hidden=20)
TASK = ModularArithmetic(11, train_fraction=0.6, seed=1)


def short_run(out=None, steps=60, **options):
    return train(MODEL, TASK, AdamW(lr=3e-3), steps, out=out, **{"progress": False, "checkpoint_every": 20} | options)


def same(first, second):
    return first.keys() == second.keys() and all(np.array_equal(first[name], second[name]) for name in first)


def test_it_memorises():
    run = short_run(steps=400)
    assert run.history["train_accuracy"][0] < 0.3 and run.history["train_accuracy"][-1] == 1.0
    np.testing.assert_allclose(run.history["train_loss"][0], np.log(11), rtol=0.2)
    assert run.history["train_loss"][-1] < 0.05 and run.path is None


def test_history_is_what_the_parameters_say():
    run = short_run()
    train_x, train_y, test_x, test_y = TASK.split()
    for name, x, y in (("train", train_x, train_y), ("test", test_x, test_y)):
        logits, _ = MODEL.forward(run.params, x)
        np.testing.assert_allclose(run.history[f"{name}_loss"][-1], cross_entropy_forward(logits, y)[0], rtol=1e-5)
        assert run.history[f"{name}_accuracy"][-1] == np.mean(logits.argmax(1) == y)
    flat = np.concatenate([w.ravel() for w in run.params.values()])
    np.testing.assert_allclose(run.history["l1_norm"][-1], np.abs(flat).sum(), rtol=1e-5)
    np.testing.assert_allclose(run.history["l2_norm"][-1], np.linalg.norm(flat), rtol=1e-5)
    assert len({len(column) for column in run.history.values()}) == 1
    assert run.history["step"][0] == 0 and run.history["step"][-1] == 60


def test_three_steps_are_the_optimizer_on_the_whole_loss():
    """Forward, loss, backward and Adam's formula called one after the other; a doubled gradient would show at once."""
    run, split = short_run(steps=3, dtype="float64"), TASK.split()
    params = MODEL.init(generator(0, "weights"), np.float64)
    m, v = (dict.fromkeys(params, 0.0) for _ in "mv")
    for t in (1, 2, 3):
        logits, cache = MODEL.forward(params, split.train_inputs)
        _, loss_cache = cross_entropy_forward(logits, split.train_labels)
        for name, g in MODEL.backward(cross_entropy_backward(1.0, loss_cache), cache).items():
            m[name], v[name] = 0.9 * m[name] + 0.1 * g, 0.98 * v[name] + 0.02 * g * g
            step = m[name] / (1 - 0.9**t) / (np.sqrt(v[name] / (1 - 0.98**t)) + 1e-8)
            params[name] = params[name] - 3e-3 * (params[name] + step)
    for name, W in params.items():
        np.testing.assert_allclose(run.params[name], W, rtol=1e-9, atol=1e-12)


def test_same_seed_same_bits_whatever_the_number_of_threads(monkeypatch):
    monkeypatch.setattr(training, "SHARD_SIZE", 9)  # 8 shards of the 72 training pairs
    alone, pair, again = short_run(threads=1), short_run(threads=2), short_run(threads=2)
    assert same(alone.params, pair.params) and same(pair.params, again.params)
    assert same(alone.history, pair.history)
    assert not same(alone.params, short_run(threads=1, seed=1).params)


def whole_gradient(shards, params):
    gradients = {name: np.empty_like(W) for name, W in params.items()}
    return loss_and_gradients(MODEL, params, shards, LOSSES["cross_entropy"], gradients), gradients


def test_shards_add_up(monkeypatch):
    split = TASK.split()
    params = MODEL.init(np.random.default_rng(0), np.float64)
    whole = whole_gradient(make_shards(MODEL, split.train_inputs, split.train_labels, np.float64), params)
    monkeypatch.setattr(training, "SHARD_SIZE", 10)
    shards = make_shards(MODEL, split.train_inputs, split.train_labels, np.float64)
    assert len(shards) == 8
    pieces = whole_gradient(shards, params)
    np.testing.assert_allclose(pieces[0], whole[0], rtol=1e-12)
    for name, gradient in whole[1].items():
        np.testing.assert_allclose(pieces[1][name], gradient, rtol=1e-9, atol=1e-14)


def test_a_run_comes_back_from_its_folder(tmp_path):
    run = short_run(tmp_path / "run")
    loaded = load_run(tmp_path / "run")
    assert same(run.params, loaded.params) and same(run.history, loaded.history)
    assert (loaded.model, loaded.task, loaded.optimizer) == (MODEL, TASK, AdamW(lr=3e-3))
    assert loaded.path == tmp_path / "run" and loaded.checkpoint_steps() == [0, 10, 13, 18, 20, 40, 60]
    assert same(loaded.checkpoint(60), run.params)
    assert same(loaded.checkpoint(0), MODEL.init(generator(0, "weights")))
    assert same(loaded.checkpoint(20), short_run(steps=20).params)


def test_config_alone_recreates_a_run(tmp_path):
    run = short_run(tmp_path / "run", loss="mean_squared_error")
    config = json.loads((tmp_path / "run" / "config.json").read_text(encoding="utf-8"))
    model, task, optimizer = runs.from_config(config)
    again = train(model, task, optimizer, config["steps"], config["seed"], loss=config["loss"], progress=False)
    assert same(run.params, again.params)
    assert config["versions"]["numpy"] == np.__version__


class Stop(Exception):
    """Stands for a power cut: nothing in the package knows it."""


@pytest.mark.parametrize("stop_at", [0, 1, 20, 39, 41, 59])
@pytest.mark.parametrize("optimizer", [AdamW(lr=3e-3), SGD(momentum=0.9)])
def test_an_interrupted_run_resumes_to_the_same_bits(tmp_path, monkeypatch, stop_at, optimizer):
    settings = {"steps": 60, "checkpoint_every": 20, "progress": False}
    expected = train(MODEL, TASK, optimizer, out=tmp_path / "whole", **settings)
    calls = iter(range(100))

    def failing(*arguments):
        if next(calls) == stop_at:
            raise Stop
        return loss_and_gradients(*arguments)

    monkeypatch.setattr(training, "loss_and_gradients", failing)
    with pytest.raises(Stop):
        train(MODEL, TASK, optimizer, out=tmp_path / "run", **settings)
    monkeypatch.undo()
    run = resume(tmp_path / "run", progress=False)
    assert same(run.params, expected.params) and same(run.history, expected.history)
    assert (tmp_path / "run/history.csv").read_bytes() == (tmp_path / "whole/history.csv").read_bytes()
    assert same(resume(tmp_path / "run").params, expected.params)  # a finished run is just loaded


def test_ctrl_c_leaves_a_usable_run(tmp_path):
    timer = threading.Timer(0.5, _thread.interrupt_main)  # os.kill would end the tests on Windows
    timer.start()
    with pytest.raises(KeyboardInterrupt, match=r"stopped after step [\d,]+; resume\(.*\) goes on from there"):
        short_run(tmp_path / "run", steps=10**7, checkpoint_every=10**6)
    run = load_run(tmp_path / "run")
    step = run.checkpoint_steps()[-1]
    assert 0 < step < 10**7
    assert same(run.params, short_run(steps=step).params)


def test_divergence_names_the_step_and_keeps_the_last_checkpoint(tmp_path):
    with pytest.raises(DivergedError, match=r"training loss is (nan|inf) after step \d+"):
        train(MODEL, TASK, SGD(lr=1e4), 500, out=tmp_path / "run", checkpoint_every=1, progress=False)
    assert all(np.isfinite(w).all() for w in load_run(tmp_path / "run").checkpoint(0).values())


def test_a_damaged_newest_checkpoint_falls_back_to_the_one_before(tmp_path):
    run = short_run(tmp_path / "run")
    newest = tmp_path / "run/checkpoints/00000060.npz"
    newest.write_bytes(newest.read_bytes()[:-100])
    loaded = load_run(tmp_path / "run")
    assert same(loaded.params, short_run(steps=40).params) and loaded.history["step"][-1] == 40
    assert same(resume(tmp_path / "run", progress=False).params, run.params)


def test_only_the_newest_two_checkpoints_carry_moments(tmp_path):
    run = short_run(tmp_path / "run")
    with_moments = [bool(runs.read_checkpoint(run.path, step, MODEL)[1]) for step in run.checkpoint_steps()]
    assert with_moments == [False] * (len(with_moments) - 2) + [True, True]


def test_an_existing_run_is_never_overwritten(tmp_path):
    short_run(tmp_path / "run", steps=1)
    with pytest.raises(FileExistsError, match="already holds a run"):
        short_run(tmp_path / "run")


def test_missing_and_foreign_folders_are_named(tmp_path):
    with pytest.raises(RunError, match=r"holds no run: there is no config\.json"):
        load_run(tmp_path)
    (tmp_path / "config.json").write_text('{"format": 99}', encoding="utf-8")
    with pytest.raises(RunError, match="format"):
        load_run(tmp_path)
    (tmp_path / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(RunError, match="damaged"):
        load_run(tmp_path)


def test_a_checkpoint_of_another_model_is_refused(tmp_path):
    run = short_run(tmp_path / "run", steps=1)
    with pytest.raises(RunError, match="does not fit the model"):
        runs.read_checkpoint(run.path, 1, MLP(p=11, d_embed=16, n_hidden=21))
    with pytest.raises(RunError, match="no checkpoint at step 7"):
        run.checkpoint(7)


@pytest.mark.parametrize(("options", "message"), [
    ({"steps": 0}, "steps must be an integer >= 1, got 0"),
    ({"seed": -1}, "seed must be an integer >= 0, got -1"),
    ({"loss": "hinge"}, "loss must be one of cross_entropy, .* for ModularArithmetic, got 'hinge'"),
    ({"dtype": "float16"}, "dtype must be one of float32, float64, got 'float16'"),
    ({"checkpoint_every": 0}, "checkpoint_every must be an integer >= 1, got 0"),
])
def test_bad_arguments_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        short_run(**options)


def test_model_and_task_must_agree_on_p():
    with pytest.raises(ValueError, match=r"model\.p must be the task's p = 11, got 13"):
        train(MLP(p=13), TASK, progress=False)


def test_the_object_that_is_passed_is_the_one_that_is_trained():
    optimizer = AdamW(lr=3e-3)
    run = train(MODEL, TASK, optimizer, 2, progress=False)
    assert run.model is MODEL and run.task is TASK and run.optimizer is optimizer and run.split is run.split


def test_first_weights_may_be_given(tmp_path):
    """They are where the run starts, they are kept, and a run that is cut off before its first checkpoint has them."""
    drawn = short_run(tmp_path / "drawn")
    given = MODEL.init(generator(0, "weights"), np.float64)
    run = short_run(tmp_path / "run", initial=given, seed=7)
    assert same(run.params, drawn.params) and given["W_E"].dtype == np.float64
    for file in (tmp_path / "run/checkpoints").iterdir():
        file.unlink()
    assert same(resume(tmp_path / "run", progress=False).params, drawn.params)
    with pytest.raises(ValueError, match=r"initial must be arrays of shapes {'W_E': \(11, 16\).*got {'W_E': \(2, 2\)}"):
        short_run(initial={"W_E": np.eye(2)})


def test_exist_ok_goes_on_with_the_same_run_and_refuses_another(tmp_path, monkeypatch):
    whole = short_run()
    monkeypatch.setattr(training, "loss_and_gradients", lambda *_: (_ for _ in ()).throw(Stop))
    with pytest.raises(Stop):
        short_run(tmp_path / "run", exist_ok=True)
    monkeypatch.undo()
    assert same(short_run(tmp_path / "run", exist_ok=True).params, whole.params)  # continued
    assert same(short_run(tmp_path / "run", exist_ok=True).params, whole.params)  # loaded
    with pytest.raises(RunError, match="run holds a run with steps = 60, not 300: choose another folder, or delete"):
        short_run(tmp_path / "run", steps=300, exist_ok=True)
    with pytest.raises(RunError, match=r"holds a run with optimizer\.lr = 0\.003, not 0\.1"):
        train(MODEL, TASK, AdamW(lr=0.1), 60, out=tmp_path / "run", checkpoint_every=20, exist_ok=True)


def test_ctrl_c_twice_and_a_damaged_newest_checkpoint(tmp_path, monkeypatch):
    """A checkpoint at an odd step keeps its row of the history, so that it can be gone on from."""
    whole, real = short_run(), training.loss_and_gradients
    calls = []

    def stopping(*arguments):
        calls.append(1)
        if len(calls) in (31, 33):
            _thread.interrupt_main()
            time.sleep(0.01)
        return real(*arguments)

    monkeypatch.setattr(training, "loss_and_gradients", stopping)
    with pytest.raises(KeyboardInterrupt, match="after step 31"):
        short_run(tmp_path / "run")
    with pytest.raises(KeyboardInterrupt, match="after step 33"):
        resume(tmp_path / "run", progress=False)
    monkeypatch.setattr(training, "loss_and_gradients", real)
    steps = load_run(tmp_path / "run").checkpoint_steps()
    assert steps[-2:] == [31, 33]
    (tmp_path / "run/checkpoints/00000033.npz").write_bytes(b"")
    assert same(resume(tmp_path / "run", progress=False).params, whole.params)


def test_other_first_weights_are_another_run(tmp_path):
    first = MODEL.init(generator(0, "weights"))
    short_run(tmp_path / "run", initial=first)
    assert short_run(tmp_path / "run", initial=first, exist_ok=True).path
    with pytest.raises(RunError, match="holds a run with other first weights"):
        short_run(tmp_path / "run", initial={name: 2 * W for name, W in first.items()}, exist_ok=True)


def test_a_numpy_learning_rate_is_the_same_number_after_resuming(tmp_path):
    run = train(MODEL, TASK, AdamW(lr=np.float32(3e-3)), 20, progress=False)
    config = json.loads(json.dumps(run.config))
    assert same(run.params, train(*runs.from_config(config), 20, progress=False).params)


def test_what_cannot_be_trained_leaves_no_folder(tmp_path):
    with pytest.raises(ValueError, match="inputs must be"):
        train(MLP(5, 3, 4), SparseParity(8, 2, 9, 9), steps=1, out=tmp_path / "run", loss="logistic", progress=False)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("kernels", "features", "chosen", "hint"), [
    ("Haswell", ["AVX2", "AVX512_SKX"], False, True), ("Haswell", ["X86_V4"], False, True),
    ("SkylakeX", ["AVX2", "AVX512_SKX"], False, False), ("Haswell", ["AVX2"], False, False),
    ("Haswell", ["AVX512_SKX"], True, False)])
def test_kernels_of_an_older_cpu_are_hinted_at(monkeypatch, kernels, features, chosen, hint):
    monkeypatch.setattr(machine, "threadpool_info", lambda: [
        {"internal_api": "openmp"}, {"internal_api": "openblas", "architecture": kernels}])
    monkeypatch.setattr(np, "show_config", lambda mode: {"SIMD Extensions": {"found": features}})
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
    if chosen:
        monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    assert (machine.kernel_hint() is not None) == hint
    assert not hint or machine.kernel_hint().startswith("OpenBLAS uses its Haswell kernels, this CPU knows AVX-512")
