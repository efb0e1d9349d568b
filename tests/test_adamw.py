"""AdamW and SGD against scalar recurrences written out, and against PyTorch where it is installed."""

import math
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_np import SGD, AdamW
from grok_np.learning.adamw import warmup
from grok_np.networks.flat import FlatVector

STEPS = 100


def gradients(theta, t):
    """A bumpy deterministic gradient that depends on the parameters and on the step."""
    return np.sin(3 * theta + t) + 0.3 * theta


def trajectory(optimizer, theta, steps=STEPS):
    theta = theta.copy()
    moments = optimizer.init(theta)
    path = []
    for t in range(1, steps + 1):
        optimizer.step(theta, gradients(theta, t), moments, t)
        path.append(theta.copy())
    return np.array(path)


def scalar_adamw(theta, lr, beta1, beta2, eps, decay, l1, warmup_steps):
    """Algorithm 2 of Loshchilov & Hutter for one number, in the order of the paper."""
    m = v = 0.0
    path = []
    for t in range(1, STEPS + 1):
        g = math.sin(3 * theta + t) + 0.3 * theta
        if l1:
            g += decay * ((theta > 0) - (theta < 0))
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        eta = min(t / warmup_steps, 1) if warmup_steps else 1
        theta = theta - eta * lr * (m_hat / (math.sqrt(v_hat) + eps) + (0 if l1 else decay * theta))
        path.append(theta)
    return path


@given(start=st.lists(st.floats(-2, 2), min_size=1, max_size=4), lr=st.floats(1e-4, 0.1),
       beta1=st.floats(0, 0.99), beta2=st.floats(0.5, 0.999), eps=st.floats(1e-8, 1e-2), decay=st.floats(0, 2),
       penalty=st.sampled_from(["l1", "l2"]), warmup_steps=st.integers(0, 20))
def test_adamw_is_the_scalar_recurrence(start, lr, beta1, beta2, eps, decay, penalty, warmup_steps):
    optimizer = AdamW(lr, (beta1, beta2), eps, decay, penalty, warmup_steps)
    # Compared over the first steps: sign(theta) and small eps make later ones chaotic in the last digits.
    path = trajectory(optimizer, np.array(start), steps=10)
    expected = [scalar_adamw(x, lr, beta1, beta2, eps, decay, penalty == "l1", warmup_steps)[:10] for x in start]
    np.testing.assert_allclose(path.T, expected, rtol=1e-7, atol=1e-9)


def test_adamw_stays_on_the_scalar_recurrence_for_100_steps():
    start = np.array([-1.3, 0.2, 0.9, 2.0])
    path = trajectory(AdamW(1e-2, (0.9, 0.98), 1e-8, 0.7), start)
    expected = [scalar_adamw(x, 1e-2, 0.9, 0.98, 1e-8, 0.7, False, 0) for x in start]
    np.testing.assert_allclose(path.T, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("decay", [0.0, 1.0])
def test_adamw_follows_pytorch(decay):
    torch = pytest.importorskip("torch", reason="PyTorch is only measured against, never needed")
    start = np.random.default_rng(0).normal(size=50)
    theta = torch.tensor(start, requires_grad=True)
    optimizer = torch.optim.AdamW([theta], lr=1e-2, betas=(0.9, 0.98), eps=1e-8, weight_decay=decay)
    expected = []
    for t in range(1, STEPS + 1):
        theta.grad = torch.tensor(gradients(theta.detach().numpy(), t))
        optimizer.step()
        expected.append(theta.detach().numpy().copy())
    path = trajectory(AdamW(1e-2, (0.9, 0.98), 1e-8, decay), start)
    np.testing.assert_allclose(path, expected, rtol=0, atol=1e-10)


@given(lr=st.floats(1e-4, 0.5), decay=st.floats(0, 1.5), t=st.integers(1, 1000))
def test_with_zero_gradients_only_decay_acts(lr, decay, t):
    theta = np.array([1.0, -2.0])
    optimizer = AdamW(lr, weight_decay=decay)
    optimizer.step(theta, np.zeros(2), optimizer.init(theta), t)
    np.testing.assert_allclose(theta, (1 - lr * decay) * np.array([1.0, -2.0]), rtol=1e-14)


@given(scale=st.floats(1e-3, 1e3))
def test_a_divided_loss_is_a_scaled_eps(scale):
    """Why the article's loss / p is our loss with eps = p 1e-8: Adam only sees gradient / eps."""
    def run(factor):
        optimizer, theta = AdamW(0.01, eps=1e-4 * factor), np.array([0.3, -0.8])
        moments = optimizer.init(theta)
        for t in range(1, 20):
            optimizer.step(theta, factor * np.sin(np.array([1.0, 2.0]) * t), moments, t)
        return theta

    np.testing.assert_allclose(run(scale), run(1.0), rtol=1e-9)


@pytest.mark.parametrize(("momentum", "decay"), [(0.0, 0.0), (0.9, 0.0), (0.5, 0.3)])
def test_sgd_is_the_scalar_recurrence(momentum, decay):
    start = np.array([-1.3, 0.2, 0.9])
    path = trajectory(SGD(0.05, momentum, decay, warmup_steps=7), start)
    for i, theta in enumerate(start):
        m = 0.0
        for t in range(1, STEPS + 1):
            m = momentum * m + math.sin(3 * theta + t) + 0.3 * theta + decay * theta
            theta -= 0.05 * min(t / 7, 1) * m
            np.testing.assert_allclose(path[t - 1, i], theta, rtol=0, atol=1e-10)


def test_warmup_rises_linearly_and_stays():
    np.testing.assert_allclose([warmup(t, 10) for t in range(1, 21)], [*np.arange(1, 11) / 10, *[1.0] * 10])
    assert warmup(1, 0) == 1.0


@pytest.mark.parametrize("optimizer", [AdamW(), AdamW(penalty="l1"), SGD(momentum=0.9)])
def test_steps_work_in_place_and_keep_float32(optimizer):
    theta = np.ones(5, np.float32)
    moments = optimizer.init(theta)
    before = {name: id(moment) for name, moment in moments.items()}
    optimizer.step(theta, np.ones(5, np.float32), moments, 1)
    assert theta.dtype == np.float32 and theta[0] < 1
    assert {name: id(moment) for name, moment in moments.items()} == before
    assert all(moment.dtype == np.float32 and moment.any() for moment in moments.values())


def test_flat_vector_views_share_memory():
    rng = np.random.default_rng(0)
    arrays = {"W": rng.normal(size=(2, 3)), "b": rng.normal(size=4), "U": rng.normal(size=(3, 1))}
    flat = FlatVector(arrays)
    assert {name: view.shape for name, view in flat.views.items()} == {"W": (2, 3), "b": (4,), "U": (3, 1)}
    np.testing.assert_array_equal(flat.vector, np.concatenate([array.ravel() for array in arrays.values()]))
    flat.vector[:] = 7
    assert all((view == 7).all() for view in flat.views.values())
    # any order of names, any memory order


def test_defaults_are_the_published_settings():
    """AdamW as in Nanda et al. 2023 (arXiv 2301.05217, section 3), without warm-up; SGD is plain descent."""
    assert AdamW() == AdamW(1e-3, (0.9, 0.98), 1e-8, 1.0, "l2", 0)
    assert SGD() == SGD(0.1, 0.0, 0.0, 0)
    theta = np.array([1.0, -2.0])
    SGD().step(theta, np.array([3.0, 5.0]), SGD().init(theta), t=1)
    np.testing.assert_allclose(theta, [1 - 0.1 * 3, -2 - 0.1 * 5], rtol=1e-15)


def test_settings_from_json_are_the_same_settings_and_cannot_change():
    """JSON knows no tuples: a list of betas must compare, and hash, like the tuple."""
    assert {AdamW(betas=[0.9, 0.98])} == {AdamW(betas=(0.9, 0.98))}
    for optimizer in (AdamW(), SGD()):
        with pytest.raises(FrozenInstanceError):
            optimizer.lr = 1.0


@pytest.mark.parametrize("edge", [
    lambda: AdamW(betas=(0, 0)), lambda: AdamW(weight_decay=0), lambda: SGD(momentum=0, weight_decay=0)])
def test_edges_of_the_allowed_ranges_work(edge):
    optimizer, theta = edge(), np.ones(2)
    optimizer.step(theta, np.ones(2), optimizer.init(theta), t=1)
    assert (theta < 1).all()


@pytest.mark.parametrize(("build", "message"), [
    (lambda: AdamW(lr=0), "lr must be a positive finite number, got 0"),
    (lambda: AdamW(lr=math.inf), "lr must be a positive finite number, got inf"),
    (lambda: AdamW(lr=math.nan), "lr must be a positive finite number, got nan"),
    (lambda: AdamW(betas=(0.9, 1.0)), r"betas must be two numbers in \[0, 1\), got 1.0"),
    (lambda: AdamW(betas=(-0.1, 0.9)), r"betas must be two numbers in \[0, 1\), got -0.1"),
    (lambda: AdamW(betas=(0.9,)), r"betas must be two numbers in \[0, 1\), got \(0.9,\)"),
    (lambda: AdamW(eps=0), "eps must be a positive finite number, got 0"),
    (lambda: AdamW(eps=math.inf), "eps must be a positive finite number, got inf"),
    (lambda: AdamW(weight_decay=-0.1), "weight_decay must be a finite number >= 0, got -0.1"),
    (lambda: AdamW(weight_decay=math.inf), "weight_decay must be a finite number >= 0, got inf"),
    (lambda: AdamW(penalty="l3"), "penalty must be one of l1, l2, got 'l3'"),
    (lambda: AdamW(warmup_steps=-1), "warmup_steps must be an integer >= 0, got -1"),
    (lambda: SGD(lr=0), "lr must be a positive finite number, got 0"),
    (lambda: SGD(lr=math.inf), "lr must be a positive finite number, got inf"),
    (lambda: SGD(momentum=1), r"momentum must be in \[0, 1\), got 1"),
    (lambda: SGD(momentum=-0.1), r"momentum must be in \[0, 1\), got -0.1"),
    (lambda: SGD(weight_decay=-0.1), "weight_decay must be a finite number >= 0, got -0.1"),
    (lambda: SGD(weight_decay=math.inf), "weight_decay must be a finite number >= 0, got inf"),
    (lambda: SGD(warmup_steps=-1), "warmup_steps must be an integer >= 0, got -1"),
])
def test_bad_arguments_are_named(build, message):
    with pytest.raises(ValueError, match=message):
        build()
