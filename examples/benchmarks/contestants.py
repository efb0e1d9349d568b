"""The same training steps in grok_np, PyTorch and JAX, each as a function of no arguments that takes one step.

Every builder imports its framework inside, so that each contestant runs in a process that knows only its own.
"""

import os

import numpy as np

from grok_np import MLP, BitMLP, ModularArithmetic, SparseParity, Transformer, ensemble

ARTICLE_TASK = ModularArithmetic(67, symmetric=True)
ARTICLE_MODEL = MLP()
LR, BETAS, WEIGHT_DECAY = 1e-3, (0.9, 0.98), 1.0


def start():
    """The same float32 parameters and training pairs for everybody."""
    split = ARTICLE_TASK.split()
    return ARTICLE_MODEL.init(np.random.default_rng(0)), split.train_inputs, split.train_labels


def grok_np_step(model, task, threads):
    """The calls that `train` makes, with one BLAS thread each and the shards on ``threads`` threads."""
    from concurrent.futures import ThreadPoolExecutor

    from threadpoolctl import threadpool_limits

    from grok_np import AdamW
    from grok_np.adamw import FlatVector
    from grok_np.training import keep_freed_memory, loss_and_gradients, make_shards

    keep_freed_memory()
    threadpool_limits(1, user_api="blas")
    split = task.split()
    shards = make_shards(model, split.train_inputs, split.train_labels, np.float32)
    map_shards = map if threads == 1 else ThreadPoolExecutor(threads).map
    params = model.init(np.random.default_rng(0))
    optimizer, theta, gradient = AdamW(LR, BETAS, weight_decay=WEIGHT_DECAY), FlatVector(params), FlatVector(params)
    moments, t = optimizer.init(theta.vector), 0

    def step():
        nonlocal t
        t += 1
        loss, gradients = loss_and_gradients(model, theta.views, shards, map=map_shards)
        optimizer.step(theta.vector, gradient.load(gradients), moments, t)
        return loss

    return step


def jax_step(loss_of, params, optimizer):
    """One jit around loss, gradient and optimizer."""
    import jax
    import jax.numpy as jnp
    import optax

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

    return step


def mlp_grok_np():
    """The article's MLP, two stages, on one core."""
    return grok_np_step(ARTICLE_MODEL, ARTICLE_TASK, threads=1)


def mlp_torch_eager():
    """The article's MLP in PyTorch as a person would write it: look up, add, three linear maps, cross_entropy."""
    import torch

    params, inputs, labels = start()
    weights = {name: torch.tensor(W, requires_grad=True) for name, W in params.items()}
    inputs, labels = torch.tensor(inputs), torch.tensor(labels)
    optimizer = torch.optim.AdamW(list(weights.values()), lr=LR, betas=BETAS, weight_decay=WEIGHT_DECAY)

    def step():
        W_E, W_in, W_out = weights["W_E"], weights["W_in"], weights["W_out"]
        x = W_E[inputs[:, 0]] + W_E[inputs[:, 1]]
        logits = torch.relu(x @ W_in) @ W_out @ W_E.T
        loss = torch.nn.functional.cross_entropy(logits, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def mlp_jax_jit(dtype=np.float32):
    """The article's MLP as its authors write it: the whole step, AdamW of optax included, in one jit."""
    import jax
    import jax.numpy as jnp
    import optax

    params, inputs, labels = start()
    one_hot = jax.nn.one_hot(labels, ARTICLE_TASK.p)
    optimizer = optax.adamw(LR, *BETAS, weight_decay=WEIGHT_DECAY)

    def loss_of(params):
        x = params["W_E"][inputs[:, 0]] + params["W_E"][inputs[:, 1]]
        logits = jax.nn.relu(x.astype(dtype) @ params["W_in"]) @ params["W_out"] @ params["W_E"].T
        return -jnp.mean(jnp.sum(one_hot * jax.nn.log_softmax(logits), axis=1))

    return jax_step(loss_of, params, optimizer)


# The mainline transformer (Nanda et al. 2023), written as the paper's code computes it: every position through every
# layer, the loss in float64.

NANDA_TASK = ModularArithmetic(113, train_fraction=0.3)
NANDA_MODEL = Transformer(p=113)


def start_transformer():
    """The same float32 parameters, tokens "a b =" and labels for everybody."""
    split = NANDA_TASK.split()
    equals = np.full((len(split.train_inputs), 1), 113)
    return NANDA_MODEL.init(np.random.default_rng(0)), np.hstack([split.train_inputs, equals]), split.train_labels


def transformer_grok_np():
    """Two stages, the batch in shards on one thread per core: exactly the calls that `train` makes."""
    return grok_np_step(NANDA_MODEL, NANDA_TASK, os.cpu_count())


def transformer_torch_eager():
    """PyTorch, einsum by einsum."""
    import torch

    params, tokens, labels = start_transformer()
    W = {name: torch.tensor(array, requires_grad=True) for name, array in params.items()}
    tokens, labels = torch.tensor(tokens), torch.tensor(labels)
    optimizer = torch.optim.AdamW(list(W.values()), lr=LR, betas=BETAS, weight_decay=WEIGHT_DECAY)
    mask = torch.tril(torch.ones(3, 3)) == 0

    def step():
        x = W["W_E"][tokens] + W["W_pos"]
        q, k, v = (torch.einsum("bpd,idh->biph", x, W[name]) for name in ("W_Q", "W_K", "W_V"))
        scores = torch.einsum("biqh,bikh->biqk", q, k) / k.shape[-1] ** 0.5
        pattern = torch.softmax(scores.masked_fill(mask, -1e10), dim=-1)
        z = torch.einsum("biqk,bikh->biqh", pattern, v)
        x = x + torch.einsum("biqh,ihd->bqd", z, W["W_O"])
        post = torch.relu(torch.einsum("bpd,dm->bpm", x, W["W_in"]) + W["b_in"])
        x = x + torch.einsum("bpm,md->bpd", post, W["W_out"]) + W["b_out"]
        logits = (x @ W["W_U"])[:, -1]
        log_probabilities = torch.log_softmax(logits.to(torch.float64), dim=-1)
        loss = -log_probabilities.gather(1, labels[:, None]).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def transformer_jax_jit():
    """JAX, the same einsums, the whole step with optax's AdamW in one jit."""
    import jax
    jax.config.update("jax_enable_x64", True)  # for the float64 loss; the weights stay float32
    import jax.numpy as jnp
    import optax

    params, tokens, labels = start_transformer()
    optimizer = optax.adamw(LR, *BETAS, weight_decay=WEIGHT_DECAY)
    mask = np.tril(np.ones((3, 3))) == 0

    def loss_of(W):
        x = W["W_E"][tokens] + W["W_pos"]
        q, k, v = (jnp.einsum("bpd,idh->biph", x, W[name]) for name in ("W_Q", "W_K", "W_V"))
        scores = jnp.einsum("biqh,bikh->biqk", q, k) / k.shape[-1] ** 0.5
        pattern = jax.nn.softmax(jnp.where(mask, -1e10, scores), axis=-1)
        z = jnp.einsum("biqk,bikh->biqh", pattern, v)
        x = x + jnp.einsum("biqh,ihd->bqd", z, W["W_O"])
        post = jax.nn.relu(jnp.einsum("bpd,dm->bpm", x, W["W_in"]) + W["b_in"])
        x = x + jnp.einsum("bpm,md->bpd", post, W["W_out"]) + W["b_out"]
        logits = (x @ W["W_U"])[:, -1].astype(jnp.float64)
        return -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=1).mean()

    return jax_step(loss_of, params, optimizer)


def mlp_jax_jit_float64():
    """The same with JAX in its float64 mode, as the article's authors ran it: float32 weights, float64 arithmetic."""
    import jax
    jax.config.update("jax_enable_x64", True)
    return mlp_jax_jit(dtype=np.float64)


# 64 sparse-parity networks of 64 neurons, each with strings of its own.

N_MEMBERS, PARITY_MODEL = 64, BitMLP(30, 64)
PARITY_TASKS = [SparseParity(train_size=1000, seed=seed) for seed in range(N_MEMBERS)]
PARITY = {"lr": 3e-3, "betas": (0.99, 0.98), "weight_decay": 0.1}


def start_parity():
    """The same float32 parameters (M, ...), indexed inputs (M, B, 31) and labels (M, B) for everybody."""
    drawn = [PARITY_MODEL.init(np.random.default_rng(seed)) for seed in range(N_MEMBERS)]
    params = {name: np.stack([one[name] for one in drawn]) for name in PARITY_MODEL.shapes}
    return params, *ensemble.stack(PARITY_MODEL, PARITY_TASKS, "train", np.float32)


def parity_grok_np(threads=None):
    """One ensemble: the calls that `train_members` makes, its groups of members on one thread per core."""
    from concurrent.futures import ThreadPoolExecutor

    from threadpoolctl import threadpool_limits

    from grok_np import AdamW
    from grok_np.adamw import FlatVector
    from grok_np.training import keep_freed_memory

    keep_freed_memory()
    threadpool_limits(1, user_api="blas")
    params, *data = start_parity()
    optimizer, theta, gradient = AdamW(**PARITY), FlatVector(params), FlatVector(params)
    moments, t = optimizer.init(theta.vector), 0
    map_groups = map if threads == 1 else ThreadPoolExecutor(len(os.sched_getaffinity(0))).map

    def step():
        nonlocal t
        t += 1
        losses = ensemble.loss_and_gradients(PARITY_MODEL, theta.views, data, "logistic", gradient.views, map_groups)
        optimizer.step(theta.vector, gradient.vector, moments, t)
        return losses.mean()

    return step


def parity_grok_np_alone():
    """The same networks one after the other, on one core: an ensemble of one each."""
    from threadpoolctl import threadpool_limits

    from grok_np import AdamW
    from grok_np.adamw import FlatVector
    from grok_np.training import keep_freed_memory

    keep_freed_memory()
    threadpool_limits(1, user_api="blas")
    params, x, labels = start_parity()
    optimizer = AdamW(**PARITY)
    members = []
    for i in range(N_MEMBERS):
        theta = FlatVector({name: W[i : i + 1] for name, W in params.items()})
        members.append((theta, FlatVector(theta.views), optimizer.init(theta.vector),
                        (x[i : i + 1], labels[i : i + 1])))
    t = 0

    def step():
        nonlocal t
        t += 1
        losses = []
        for theta, gradient, moments, data in members:
            losses.append(ensemble.loss_and_gradients(PARITY_MODEL, theta.views, data, "logistic", gradient.views))
            optimizer.step(theta.vector, gradient.vector, moments, t)
        return np.mean(losses)

    return step


def parity_jax_vmap():
    """JAX: loss and gradient of one network under vmap, the whole step with optax's AdamW in one jit."""
    import jax
    import jax.numpy as jnp
    import optax

    params, x, labels = start_parity()
    signs = jnp.asarray(2.0 * labels - 1, jnp.float32)
    x = jnp.asarray(x)

    def loss_of_one(W, x, y):
        f = jax.nn.relu(x @ W["W_in"]) @ W["W_out"]
        return jnp.mean(jax.nn.softplus(-y * f))

    @jax.jit
    def update(params, state):
        losses, gradients = jax.vmap(jax.value_and_grad(loss_of_one))(params, x, signs)
        updates, state = optimizer.update(gradients, state, params)
        return optax.apply_updates(params, updates), state, losses.mean()

    optimizer = optax.adamw(PARITY["lr"], *PARITY["betas"], weight_decay=PARITY["weight_decay"])
    params = {name: jnp.asarray(W) for name, W in params.items()}
    state = optimizer.init(params)

    def step():
        nonlocal params, state
        params, state, loss = update(params, state)
        return loss.item()

    return step


CONTESTS = {
    "the article's MLP: p = 67, 911 pairs, d_embed 500, 24 neurons": {
        "grok_np": mlp_grok_np,
        "PyTorch eager": mlp_torch_eager,
        "JAX jit": mlp_jax_jit,
        "JAX jit, float64": mlp_jax_jit_float64,
    },
    "the mainline transformer: p = 113, 3,830 pairs, d_model 128, 4 heads, d_mlp 512": {
        "grok_np": transformer_grok_np,
        "PyTorch eager": transformer_torch_eager,
        "JAX jit": transformer_jax_jit,
    },
    "64 sparse-parity networks: 1,000 strings of 30 bits and 64 neurons each": {
        "grok_np": parity_grok_np,
        "grok_np, on one core": lambda: parity_grok_np(threads=1),
        "grok_np, one after the other": parity_grok_np_alone,
        "JAX jit of vmap": parity_jax_vmap,
    },
}
