"""Grokking in one file, with NumPy alone: a network learns to add mod 67, and what it has learned are stars.

    python examples/grok_in_one_file.py            # about ten seconds on one core

The network is shown 45 % of the sums. It soon has those by heart, and is lost on all others. Training goes on, weights
that do not help decay, and thousands of steps later it suddenly knows the others too: it groks. Then we open it, find
rings of waves, and write regular rings down beside them: a network that was never trained, and knows every sum.
"""

import numpy as np

p, width, neurons = 67, 256, 24
share, steps, seed = 0.45, 6000, 4  # of the seeds 0 to 4, all but 1 know every sum by then
lr, beta1, beta2, eps, weight_decay = 1e-3, 0.9, 0.98, 1e-8, 2.0


# %% The task. As a + b = b + a, each unordered pair counts once.
def split(rng):
    """Training and test part, each (inputs, sums): row "a, b" of the inputs (B, p) has a 1 at a and a 1 at b."""
    a, b = np.triu_indices(p)
    inputs, sums = np.eye(p)[a] + np.eye(p)[b], (a + b) % p
    order, cut = rng.permutation(len(sums)), int(share * len(sums))
    return [(inputs[part], sums[part]) for part in (order[:cut], order[cut:])]


# %% The network: embed both numbers, add, ReLU, and compare with the embedding of every possible answer.
def effective(W):
    """A (p, neurons), what each number adds to each neuron; C (neurons, p), what each neuron adds to each answer."""
    return W["W_E"] @ W["W_in"], W["W_out"] @ W["W_E"].T


def forward(A, C, inputs):
    """One logit for each possible answer (B, p), and the neurons' outputs (B, neurons), which `backward` needs."""
    post = np.maximum(inputs @ A, 0)
    return post @ C, post


def backward(W, C, inputs, post, dlogits):
    """The same lines from the last to the first: y = x @ w gives dx = dy @ w.T and dw = x.T @ dy, every time."""
    dC, dpost = post.T @ dlogits, dlogits @ C.T
    dA = inputs.T @ (dpost * (post > 0))  # where ReLU gave 0, it passes nothing back
    return {"W_E": dA @ W["W_in"].T + dC.T @ W["W_out"],  # used twice: the two gradients add up
            "W_in": W["W_E"].T @ dA, "W_out": dC @ W["W_E"]}


def cross_entropy(logits, sums):
    """Mean of -log(probability of the right answer), and its gradient: probability, minus 1 at the right answer."""
    e = np.exp(logits - logits.max(axis=1, keepdims=True))  # the shift changes nothing, but exp cannot overflow
    probability = e / e.sum(axis=1, keepdims=True)
    loss = -np.log(probability[np.arange(len(sums)), sums]).mean()
    return loss, (probability - np.eye(p)[sums]) / len(sums)


# %% Training: AdamW on all training pairs at once. Its weight decay is what makes the network grok.
def train(W, inputs, sums):
    """Yield the loss before each step, which changes W in place."""
    m, v = ({name: np.zeros_like(w) for name, w in W.items()} for _ in range(2))
    for t in range(1, steps + 2):
        A, C = effective(W)
        logits, post = forward(A, C, inputs)
        loss, dlogits = cross_entropy(logits, sums)
        yield loss
        for name, g in backward(W, C, inputs, post, dlogits).items():
            m[name] = beta1 * m[name] + (1 - beta1) * g  # mean of the last gradients
            v[name] = beta2 * v[name] + (1 - beta2) * g**2  # and of their squares; both start too small, at 0
            W[name] -= lr * weight_decay * W[name]
            W[name] -= lr * m[name] / (1 - beta1**t) / (np.sqrt(v[name] / (1 - beta2**t)) + eps)


def right(A, C, inputs, sums):
    """Share of the pairs whose largest logit is the right one."""
    return (forward(A, C, inputs)[0].argmax(axis=1) == sums).mean()


# %% Reading: each column of A and each row of C turns out to be one wave. Neurons of one frequency k form a ring.
def strongest_waves(table):
    """Of each column: frequency, amplitude and phase of its strongest wave, amplitude cos(2 pi k x / p - phase)."""
    spectrum = np.fft.rfft(table, axis=0)[1:] * 2 / p
    k = np.abs(spectrum).argmax(axis=0)
    strongest = spectrum[k, np.arange(table.shape[1])]
    return k + 1, np.abs(strongest), -np.angle(strongest) % (2 * np.pi)


def find_rings(A, C):
    """[frequency, input phases, output phases, weights] for each frequency that three or more neurons share."""
    (k, s, alpha), (_, t, beta) = strongest_waves(A), strongest_waves(C.T)
    order = [i for i in np.argsort(alpha) if s[i] * t[i] > 0.01 * (s * t).max()]  # other neurons have faded away
    members = [[i for i in order if k[i] == one] for one in np.unique(k)]
    return [(k[i[0]], alpha[i], beta[i], s[i] * t[i]) for i in members if len(i) >= 3]


def write_down(rings):
    """A and C of pure cosines. ReLU lets a positive factor pass, so the whole weight of a neuron may stand in C."""
    x = 2 * np.pi * np.arange(p) / p
    return (np.hstack([np.cos(k * x[:, None] - alpha) for k, alpha, _, _ in rings]),
            np.vstack([w[:, None] * np.cos(k * x - beta[:, None]) for k, _, beta, w in rings]))


def main():
    rng = np.random.default_rng(seed)
    training, test = split(rng)
    W = {"W_E": rng.normal(size=(p, width)) * np.sqrt(2 / p),  # embeds a number
         "W_in": rng.normal(size=(width, neurons)) / np.sqrt(width),  # from the embedding to the neurons
         "W_out": rng.normal(size=(neurons, width)) / np.sqrt(neurons)}  # and back
    print("  step   training loss   training pairs right   held-out pairs right")
    for step, loss in enumerate(train(W, *training)):
        if step in (0, 100, 300) or step % 1000 == 0:
            A, C = effective(W)
            print(f"{step:6,}{loss:16.1e}{right(A, C, *training):23.1%}{right(A, C, *test):23.1%}")

    rings = find_rings(A, C)
    for k, alpha, beta, w in rings:
        print(f"\nRing of frequency {k}: {len(w)} neurons, each a wave cos(2 pi {k} a / {p} - input phase)")
        print("  input phases, degrees         ", *(f"{x:4.0f}" for x in np.degrees(alpha)))
        off = np.degrees(np.angle(np.exp(1j * (beta - 2 * alpha))))
        print("  output phase - 2 x input phase", *(f"{x:z4.0f}" for x in off), "  (0 in a star)")

    # A star: five neurons evenly spaced, outputs turned twice as far. Joined in order, they draw a five-pointed star.
    five = 2 * np.pi * np.arange(5) / 5
    stars = [(k, five, 2 * five, np.full(5, sum(w) / 5)) for k, _, _, w in rings]
    print("\nRight, of the held-out pairs:")
    print(f"  the network as it was learned              {right(A, C, *test):7.1%}")
    if rings:
        print(f"  its rings as pure waves, nothing else      {right(*write_down(rings), *test):7.1%}")
        print(f"  stars of these frequencies, never trained  {right(*write_down(stars), *test):7.1%}")
    print("\nIt has grokked." if right(A, C, *test) == 1 else "\nIt has not grokked yet.")


if __name__ == "__main__":
    main()
