# %%
"""Everything of one's own, a few lines each: activation, loss, network, task, optimizer. A few seconds.

They learn a + b mod 13 beside a cheat that gives half of the training answers away. Printed: the gradient check, a run
that is cut off and resumed, and what the first of an ensemble of eight does with and without the cheat.
"""

from dataclasses import dataclass
from tempfile import TemporaryDirectory

import numpy as np

from grok_np import ModularArithmetic, gradcheck, layers, resume, train
from grok_np.learning.ensemble import train_members
from grok_np.networks import Network
from grok_np.tasks import Split

P, H = 13, 24
# %% An activation and a loss: functions forward and backward, and a name in a table.


def margin_forward(logits, labels):  # mean over examples of sum_j max(0, 1 - logit_right + logit_j)²
    right = layers.answers(np.broadcast_to(labels, logits.shape[:-1]))
    short = np.maximum(1 - logits[right][..., None] + logits, 0)
    short[right] = 0
    return (short**2).sum(axis=-1).mean(axis=-1), (short, right)


def margin_backward(dloss, cache):
    dlogits, right = 2 * cache[0] * np.asarray(dloss, cache[0].dtype)[..., None, None] / cache[0].shape[-2], cache[1]
    dlogits[right] = -dlogits.sum(axis=-1)
    return dlogits


layers.LOSSES["margin"] = layers.Loss(margin_forward, margin_backward)
layers.ACTIVATIONS["sine"] = sine_forward, sine_backward = lambda x: (np.sin(x), x), lambda dout, x: np.cos(x) * dout


# %% A network: first = sine(sum of three looked-up rows), second = first + relu(first W_hidden), logits = second W_out.
class Skip(Network):
    shapes = {"W_in": (3 * P + 1, H), "W_hidden": (H, H), "W_out": (H, P)}  # noqa: RUF012

    def init(self, rng, dtype=np.float32):
        return {name: rng.normal(scale=n**-0.5, size=(n, m)).astype(dtype) for name, (n, m) in self.shapes.items()}

    def mix_forward(self, W, inputs):
        rows = inputs + P * np.arange(3)  # of a, of b, of the cheat
        at = [layers.lookup(rows[..., i], 3 * P + 1, W["W_in"].dtype) for i in range(3)]
        first, first_cache = sine_forward(sum(layers.lookup_forward(W["W_in"], one)[0] for one in at))
        bent, bent_cache = layers.relu_forward(first @ W["W_hidden"])
        return (first + bent) @ W["W_out"], (W, at, first, first_cache, bent, bent_cache)

    def mix_backward(self, dlogits, cache):
        W, at, first, first_cache, bent, bent_cache = cache
        dsecond = dlogits @ W["W_out"].mT
        dbent = layers.relu_backward(dsecond, bent_cache)
        dpre = sine_backward(dsecond + dbent @ W["W_hidden"].mT, first_cache)
        return {"W_in": sum(layers.lookup_backward(dpre, one) for one in at), "W_hidden": first.mT @ dbent,
                "W_out": (first + bent).mT @ dlogits}


# %% A task: any object with split(). An optimizer: Lion (Chen et al. 2023, arXiv 2302.06675, Algorithm 2).
@dataclass
class Cheating:
    seed: int = 0

    def split(self):  # inputs (a, b, cheat); a cheat of P says nothing
        train_x, train_y, test_x, test_y = ModularArithmetic(P, train_fraction=0.7, seed=self.seed).split()
        cheat = np.where(np.arange(len(train_y)) % 2, train_y, P)
        return Split(np.column_stack([train_x, cheat]), train_y, np.column_stack([test_x, 0 * test_y + P]), test_y)


@dataclass
class Lion:
    lr: float = 1e-3

    def init(self, theta):
        return {"m": np.zeros_like(theta)}

    def step(self, theta, gradient, state, t):
        theta -= self.lr * (np.sign(0.9 * state["m"] + 0.1 * gradient) + theta)  # weight decay 1
        state["m"] += 0.01 * (gradient - state["m"])


# %% Is the gradient right? Trained, cut off and resumed; eight at once.
if __name__ == "__main__":
    model, task, lion, split = Skip(), Cheating(), Lion(), Cheating().split()
    params = model.init(np.random.default_rng(1), np.float64)
    print(gradcheck.check(lambda **W: model.forward(W, split.train_inputs[:9]), model.backward, params))
    with TemporaryDirectory() as folder:
        run = train(model, task, lion, 1000, out=folder, loss="margin", checkpoint_every=300, progress=False)
        (run.path / "checkpoints/00001000.npz").unlink()  # as if it had been killed after step 900
        again = resume(run.path, classes=[Skip, Cheating, Lion], progress=False)
    print("resumed to the same bits:", all(np.array_equal(run.params[name], again.params[name]) for name in params))
    members = train_members(model, [Cheating(seed) for seed in range(8)], lion, 1000, range(8), loss="margin")
    for words, cheat in (("without", split.test_inputs[:, 2]), ("with", split.test_labels)):
        inputs = np.column_stack([split.test_inputs[:, :2], cheat])
        logits, _ = model.forward({name: W[0] for name, W in members.params.items()}, inputs)
        print(f"held-out pairs right {words} the cheat: {(layers.predict(logits) == split.test_labels).mean():.0%}")
