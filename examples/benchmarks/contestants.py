"""The same training steps in grok_np, PyTorch and JAX, each as a function of no arguments that takes one step.

Its attribute ``weights``, where it has one, is a function that returns the weights of the moment, by name.

The networks are written twice: as the papers' code computes them, every example through every layer, and in two stages
(see `grok_np.mlp`), where the other frameworks get our own algebra. Both are written once for PyTorch and JAX, whose
functions have the same names and arguments. Frameworks are imported inside the builders, so that each contestant runs
in a process that knows only its own.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from grok_np import MLP, BitMLP, ModularArithmetic, SparseParity, Transformer
from grok_np.layers import LOSSES
from grok_np.learning import ensemble
from grok_np.learning.machine import cores, keep_freed_memory
from grok_np.learning.training import loss_and_gradients, make_shards
from grok_np.streams import generator

ADAMW = {"lr": 1e-3, "betas": (0.9, 0.98), "weight_decay": 1.0}


class Contest(NamedTuple):
    """A network, its task, whether the papers' code takes the loss in float64, and AdamW's eps."""

    model: Any
    task: ModularArithmetic
    double_loss: bool
    eps: float = 1e-8

    def start(self):
        """The same float32 parameters, training pairs and labels for everybody."""
        split = self.task.split()
        return self.model.init(generator(self.task.seed, "weights")), split.train_inputs, split.train_labels


ARTICLE = Contest(MLP(), ModularArithmetic(67, symmetric=True, seed=11), False, eps=67e-8)  # eps: see `AdamW`
NANDA = Contest(Transformer(113), ModularArithmetic(113, train_fraction=0.3), True)
PIZZA = Contest(Transformer(59, layout="a b", attention_rate=0.5, causal=False),
                ModularArithmetic(59, train_fraction=0.8), True)


# The networks. ``xp`` is torch or jax.numpy, ``nn`` torch.nn.functional or jax.nn; W holds the weights.


def mlp_as_the_article(xp, nn, W, pairs, model):
    """Look up, add, three linear maps."""
    x = W["W_E"][pairs[:, 0]] + W["W_E"][pairs[:, 1]]
    return nn.relu(x @ W["W_in"]) @ W["W_out"] @ W["W_E"].T


def mlp_in_two_stages(xp, nn, W, pairs, model):
    """Tables of the vocabulary's size first."""
    A = W["W_E"] @ W["W_in"]
    return nn.relu(A[pairs[:, 0]] + A[pairs[:, 1]]) @ (W["W_out"] @ W["W_E"].T)


def transformer_as_the_papers(xp, nn, W, tokens, model):
    """Every position through every layer, einsum by einsum; the logits of the last."""
    x = W["W_E"][tokens] + W["W_pos"]
    q, k, v = (xp.einsum("bpd,idh->biph", x, W[name]) for name in ("W_Q", "W_K", "W_V"))
    scores = xp.einsum("biqh,bikh->biqk", q, k) / k.shape[-1] ** 0.5
    if model.causal:
        later = xp.tril(xp.ones((model.n_positions, model.n_positions))) == 0
        scores = xp.where(later, -1e10, scores)
    pattern = model.attention_rate * nn.softmax(scores, -1) + (1 - model.attention_rate)
    z = xp.einsum("biqk,bikh->biqh", pattern, v)
    x = x + xp.einsum("biqh,ihd->bqd", z, W["W_O"])
    post = nn.relu(xp.einsum("bpd,dm->bpm", x, W["W_in"]) + W["b_in"])
    x = x + xp.einsum("bpm,md->bpd", post, W["W_out"]) + W["b_out"]
    return (x @ W["W_U"])[:, -1]


def transformer_in_two_stages(xp, nn, W, tokens, model):
    """Scores and values as tables, the output matrices folded: the algebra of `grok_np.transformer`."""
    p, a, b = model.p, tokens[:, 0], tokens[:, 1]
    x = [W["W_E"][:p] + W["W_pos"][0], W["W_E"][:p] + W["W_pos"][1]]
    if model.layout == "a b =":
        x.append(W["W_E"][-1:] + W["W_pos"][2])
    q = x[-1] @ W["W_Q"] / math.sqrt(W["W_Q"].shape[-1])  # (H, rows, e)
    asks = b if len(x) == 2 else 0 * b
    keys = [one @ W["W_K"] for one in x]
    rows = [a, b, 0 * b][: len(x)]
    if len(x) == 2:
        score_a = xp.einsum("hae,hbe->abh", keys[0], q)[a, b]
        scores = [score_a, xp.einsum("hbe,hbe->bh", keys[1], q)[b]]
    else:
        scores = [xp.einsum("hre,hqe->rh", key, q)[row] for key, row in zip(keys, rows, strict=True)]
    pattern = model.attention_rate * nn.softmax(xp.stack(scores, -1), -1) + (1 - model.attention_rate)
    values = [xp.einsum("rd,hde->rhe", one, W["W_V"])[row] for one, row in zip(x, rows, strict=True)]
    z = sum(pattern[..., i, None] * value for i, value in enumerate(values)).reshape(len(a), -1)
    W_O = W["W_O"].reshape(-1, model.d_model)
    post = nn.relu(z @ (W_O @ W["W_in"]) + (x[-1] @ W["W_in"] + W["b_in"])[asks])
    return z @ (W_O @ W["W_U"]) + post @ (W["W_out"] @ W["W_U"]) + ((x[-1] + W["b_out"]) @ W["W_U"])[asks]


def inputs_of(contest):
    """Parameters, token columns as the networks above want them, labels."""
    params, pairs, labels = contest.start()
    if getattr(contest.model, "layout", None) == "a b =":
        pairs = np.hstack([pairs, np.full((len(pairs), 1), contest.model.d_vocab - 1)])
    return params, pairs, labels


# The frameworks


def grok_np_step(contest, threads=None):
    """The calls that `train` makes, with one BLAS thread each and the shards on ``threads`` threads."""
    from concurrent.futures import ThreadPoolExecutor

    from threadpoolctl import threadpool_limits

    from grok_np import AdamW
    from grok_np.networks.flat import FlatVector

    keep_freed_memory()
    threadpool_limits(1, user_api="blas")
    model = contest.model
    params, pairs, labels = contest.start()
    shards = make_shards(model, pairs, labels, np.float32)
    threads = min(threads or cores(), len(shards))
    map_shards = map if threads == 1 else ThreadPoolExecutor(threads).map
    optimizer, theta, gradient = AdamW(**ADAMW, eps=contest.eps), FlatVector(params), FlatVector(params)
    moments, t = optimizer.init(theta.vector), 0

    def step():
        nonlocal t
        t += 1
        loss = loss_and_gradients(model, theta.views, shards, LOSSES["cross_entropy"], gradient.views, map_shards)
        optimizer.step(theta.vector, gradient.vector, moments, t)
        return loss

    step.weights = lambda: theta.views
    return step


def torch_step(contest, network, compiled=False):
    """PyTorch: forward, backward, AdamW, each its own call; the loss with log_softmax."""
    import torch

    params, tokens, labels = inputs_of(contest)
    W = {name: torch.tensor(array, requires_grad=True) for name, array in params.items()}
    tokens, labels = torch.tensor(tokens), torch.tensor(labels)
    optimizer = torch.optim.AdamW(list(W.values()), **ADAMW, eps=contest.eps)

    def loss_of():
        logits = network(torch, torch.nn.functional, W, tokens, contest.model)
        logits = logits.to(torch.float64) if contest.double_loss else logits
        return torch.nn.functional.cross_entropy(logits, labels)

    loss_of = torch.compile(loss_of) if compiled else loss_of

    def step():
        loss = loss_of()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    step.weights = lambda: {name: one.detach().numpy() for name, one in W.items()}
    return step


def jax_step(contest, network, double=False):
    """JAX: loss, gradient and optax's AdamW in one jit; ``double`` casts the weights to float64 first."""
    import jax
    if contest.double_loss or double:
        jax.config.update("jax_enable_x64", True)
    import jax.numpy as jnp
    import optax

    params, tokens, labels = inputs_of(contest)
    optimizer = optax.adamw(ADAMW["lr"], *ADAMW["betas"], contest.eps, weight_decay=ADAMW["weight_decay"])

    def loss_of(W):
        W = {name: one.astype(jnp.float64) for name, one in W.items()} if double else W
        logits = network(jnp, jax.nn, W, tokens, contest.model)
        logits = logits.astype(jnp.float64) if contest.double_loss else logits
        return -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=1).mean()

    @jax.jit
    def update(params, state):
        loss, gradients = jax.value_and_grad(loss_of)(params)
        updates, state = optimizer.update(gradients, state, params)
        return optax.apply_updates(params, updates), state, loss

    params = {name: jnp.asarray(W) for name, W in params.items()}
    state = optimizer.init(params)

    def step():
        nonlocal params, state
        params, state, loss = update(params, state)
        return loss.item()

    step.weights = lambda: {name: np.asarray(W) for name, W in params.items()}
    return step


# The limit: nothing but the matrix products that the two-stage algebra needs, forward and backward.


def products(contest):
    """Shapes (m, k, n) of the products of one step: those of each shard, and those of the weights alone."""

    model, (_, pairs, labels) = contest.model, contest.start()
    n_shards = len(make_shards(model, pairs, labels, np.float32))
    B = len(labels) // n_shards
    if isinstance(model, MLP):
        shard = [(B, model.n_hidden, model.p)]
        weights = [(model.p, model.d_embed, model.n_hidden), (model.n_hidden, model.d_embed, model.p)]
    else:
        inner = model.d_model // model.n_heads * model.n_heads
        shard = [(B, inner, model.d_mlp), (B, inner, model.d_vocab), (B, model.d_mlp, model.d_vocab)]
        weights = [(inner, model.d_model, model.d_mlp), (inner, model.d_model, model.d_vocab),
                   (model.d_mlp, model.d_model, model.d_vocab)]

    def with_backward(shapes):  # out = x W, dx = dout W^T, dW = x^T dout
        return [shape for m, k, n in shapes for shape in ((m, k, n), (m, n, k), (k, m, n))]

    return n_shards, with_backward(shard), with_backward(weights)


def flops(contest):
    """Floating-point operations of these products."""
    n_shards, shard, weights = products(contest)
    return 2 * sum(n_shards * math.prod(shape) for shape in shard) + 2 * sum(math.prod(shape) for shape in weights)


def products_alone(contest, threads=None):
    """The products on arrays that are there already, shards on threads as in `grok_np_step`; returns no loss."""
    from concurrent.futures import ThreadPoolExecutor

    from threadpoolctl import threadpool_limits

    threadpool_limits(1, user_api="blas")
    n_shards, shard, weights = products(contest)
    rng = np.random.default_rng(0)

    def arrays(shapes):
        return [tuple(rng.normal(size=size).astype(np.float32) for size in ((m, k), (k, n), (m, n)))
                for m, k, n in shapes]

    work = [arrays(shard) for _ in range(n_shards)]
    folded = arrays(weights)
    threads = min(threads or cores(), n_shards)
    map_shards = map if threads == 1 else ThreadPoolExecutor(threads).map

    def multiply(operands):
        for x, W, out in operands:
            np.matmul(x, W, out=out)

    def step():
        list(map_shards(multiply, work))
        multiply(folded)
        return math.nan

    return step


# Ensembles: many networks of one shape, each with first weights and examples of its own.


class Ensemble(NamedTuple):
    """A network, the tasks of the members, the settings of AdamW, a key of `LOSSES`."""

    model: Any
    tasks: list
    adamw: dict
    loss: str

    def start(self):
        """The same float32 parameters (M, ...), training inputs (M, B, ...) and labels (M, B) for everybody."""
        drawn = [self.model.init(generator(task.seed, "weights")) for task in self.tasks]
        splits = [task.split() for task in self.tasks]
        return ({name: np.stack([one[name] for one in drawn]) for name in self.model.shapes},
                *(np.stack([getattr(split, name) for split in splits]) for name in ("train_inputs", "train_labels")))


PARITY = Ensemble(BitMLP(30, 64), [SparseParity(train_size=1000, seed=seed) for seed in range(64)],
                  {"lr": 3e-3, "betas": (0.99, 0.98), "weight_decay": 0.1}, "logistic")
TWENTY = Ensemble(ARTICLE.model, [ModularArithmetic(67, symmetric=True, seed=seed) for seed in range(20)],
                  ADAMW | {"eps": ARTICLE.eps}, "cross_entropy")


def ensemble_step(contest, threads=None):
    """One ensemble: the calls that `train_members` makes, its groups of members on ``threads`` threads."""
    from concurrent.futures import ThreadPoolExecutor

    from threadpoolctl import threadpool_limits

    from grok_np import AdamW
    from grok_np.networks.flat import FlatVector

    keep_freed_memory()
    threadpool_limits(1, user_api="blas")
    model, (params, inputs, labels) = contest.model, contest.start()
    groups = ensemble.make_groups(model, (inputs, labels, inputs[:, :0], labels[:, :0]), np.float32)
    optimizer, theta, gradient = AdamW(**contest.adamw), FlatVector(params), FlatVector(params)
    moments, t = optimizer.init(theta.vector), 0
    map_groups = map if threads == 1 else ThreadPoolExecutor(cores()).map

    def step():
        nonlocal t
        t += 1
        losses = ensemble.step_of_all(model, theta.views, groups, LOSSES[contest.loss], gradient.views, map_groups)
        optimizer.step(theta.vector, gradient.vector, moments, t)
        return losses.mean()

    return step


def one_by_one_step(contest):
    """The same networks one after the other, on one core: for each the calls that `train` makes."""
    from threadpoolctl import threadpool_limits

    from grok_np import AdamW
    from grok_np.networks.flat import FlatVector

    keep_freed_memory()
    threadpool_limits(1, user_api="blas")
    model, (params, inputs, labels) = contest.model, contest.start()
    optimizer, t = AdamW(**contest.adamw), 0
    members = []
    for i in range(len(labels)):
        theta = FlatVector({name: W[i] for name, W in params.items()})
        shards = make_shards(model, inputs[i], labels[i], np.float32)
        members.append((theta, FlatVector(theta.views), optimizer.init(theta.vector), shards))

    def step():
        nonlocal t
        t += 1
        losses = []
        for theta, gradient, moments, shards in members:
            losses.append(loss_and_gradients(model, theta.views, shards, LOSSES[contest.loss], gradient.views))
            optimizer.step(theta.vector, gradient.vector, moments, t)
        return np.mean(losses)

    return step


def jax_vmap_step(contest):
    """JAX: loss and gradient of one network under vmap, the whole step with optax's AdamW in one jit."""
    import jax
    import jax.numpy as jnp
    import optax

    params, inputs, labels = contest.start()
    parity = contest.loss == "logistic"
    x = jnp.asarray(contest.model.index(inputs, np.float32) if parity else inputs)
    labels = jnp.asarray(labels)

    def loss_of_one(W, x, y):
        if parity:
            return jnp.mean(jax.nn.softplus((1.0 - 2.0 * y) * (jax.nn.relu(x @ W["W_in"]) @ W["W_out"])))
        logits = mlp_in_two_stages(jnp, jax.nn, W, x, contest.model)
        return -jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], axis=1).mean()

    @jax.jit
    def update(params, state):
        losses, gradients = jax.vmap(jax.value_and_grad(loss_of_one))(params, x, labels)
        updates, state = optimizer.update(gradients, state, params)
        return optax.apply_updates(params, updates), state, losses.mean()

    settings = dict(contest.adamw)
    optimizer = optax.adamw(settings.pop("lr"), *settings.pop("betas"), **settings)
    params = {name: jnp.asarray(W) for name, W in params.items()}
    state = optimizer.init(params)

    def step():
        nonlocal params, state
        params, state, loss = update(params, state)
        return loss.item()

    return step


def ensemble_contestants(contest):
    """Who takes part: ours as it is and on one core, ours one by one, and JAX."""
    return {
        "grok_np": lambda: ensemble_step(contest),
        "grok_np, on one core": lambda: ensemble_step(contest, threads=1),
        "grok_np, one after the other": lambda: one_by_one_step(contest),
        "JAX jit of vmap": lambda: jax_vmap_step(contest),
    }


def contestants(contest, whole, in_two_stages):
    """Who takes part: ours, the products it cannot do without, and both ways of writing the network elsewhere."""
    return {
        "grok_np": lambda: grok_np_step(contest),
        "its matrix products alone": lambda: products_alone(contest),
        "PyTorch eager": lambda: torch_step(contest, whole),
        "PyTorch eager, two stages": lambda: torch_step(contest, in_two_stages),
        "torch.compile": lambda: torch_step(contest, whole, compiled=True),
        "torch.compile, two stages": lambda: torch_step(contest, in_two_stages, compiled=True),
        "JAX jit": lambda: jax_step(contest, whole),
        "JAX jit, two stages": lambda: jax_step(contest, in_two_stages),
    }


CONTESTS = {
    "the article's MLP: p = 67, 911 pairs, d_embed 500, 24 neurons":
        contestants(ARTICLE, mlp_as_the_article, mlp_in_two_stages)
        | {"JAX jit, float64": lambda: jax_step(ARTICLE, mlp_as_the_article, double=True)},
    "the mainline transformer: p = 113, 3,830 pairs, d_model 128, 4 heads, d_mlp 512":
        contestants(NANDA, transformer_as_the_papers, transformer_in_two_stages),
    "Clock and Pizza's transformer: p = 59, 2,784 pairs, attention rate 0.5":
        contestants(PIZZA, transformer_as_the_papers, transformer_in_two_stages),
    "64 sparse-parity networks: 1,000 strings of 30 bits and 64 neurons each": ensemble_contestants(PARITY),
    "20 of the article's MLP: seeds, each with pairs of its own": ensemble_contestants(TWENTY),
}

FLOPS = {name: flops(contest) for name, contest in zip(CONTESTS, (ARTICLE, NANDA, PIZZA), strict=False)}
