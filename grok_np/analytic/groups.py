"""Networks of x² neurons that compose in any finite group, exactly.

Let rho be real orthogonal matrices (n, D, D) of a representation and x a unit vector. D² neurons, one for each j, k:

    A[a] = (x rho(a))_j        B[b] = rho(b)_jk        C[c] = (x rho(c))_k

Squared and summed, the products 2 A B C are 2 x rho(a) rho(b) rho(c)^T x = 2 x rho(a b c^-1) x, and the squares are
2 sum over k of (x rho(c))_k whatever a and b, because rows and columns of rho have norm 1: one constant neuron takes
them away. What is left has its largest value 1 exactly where rho(a b c^-1) keeps x.

- `faithful_network`: no rho(g) but the identity keeps x: D² + 1 neurons, 5 for every C_p, p > 2, 17 for S_5.
- `one_hot_network`: over all rho and enough x the values add up to 1 where c = a b, else 0: Q_8 takes 20 neurons.

The proof: docs/theory.md, section 11.

Read next: `best`.
"""

import heapq

import numpy as np

from grok_np.errors import require, require_type
from grok_np.groups import Group
from grok_np.networks.mlp import Effective
from grok_np.streams import generator


def composition_network(group: Group, parts: list) -> Effective:
    """The network of parts (rho (n, D, D), x (D,), weight): logits = sum over them of weight x rho(a b c^-1) x.

    D² neurons a part, and a last one that is constant. rho must be orthogonal and x of norm 1.
    """
    constant = np.full((group.order, 1), 0.5)  # (1/2 + 1/2)² = 1
    A, B, C = [], [], []
    for rho, x, weight in parts:
        n, D, _ = rho.shape
        row = x @ rho  # (n, D): x rho(g)
        A.append(np.repeat(row, D, axis=1))
        B.append(rho.reshape(n, D * D))
        C.append(weight / 2 * np.tile(row, D))
    # Over j the squares of A add up to |x|² = 1, those of B to 1, a column's norm: 2 C for each k, and C holds a half.
    C.append(-sum((weight * (x @ rho).sum(axis=1) for rho, x, weight in parts), np.zeros(group.order))[:, None])
    A, B, C = (np.hstack(one) for one in ([*A, constant], [*B, constant], C))
    return Effective(A, B, np.zeros(A.shape[1]), C.T, "square")


def one_hot_network(group: Group) -> Effective:
    """Logits exactly 1 at c = a b and 0 elsewhere: sum over real irreducible rho of e² (D/e)³ neurons.

    e = 1, 2, 4 is the dimension of what commutes with rho: the real, complex numbers or quaternions. x runs through a
    basis over these, D/e vectors, with weight D/n: the regular representation's character is n where g = 1, else 0.
    """
    parts = []
    for rho in _real(group)[1:]:
        parts += [(rho, x, rho.shape[-1] / group.order) for x in _basis(rho)]
    network = composition_network(group, parts)
    network.C[-1] += 1 / group.order  # the trivial representation, in the constant neuron
    return network


def faithful_network(group: Group) -> tuple[Effective, float]:
    """The right answer is the largest logit at every pair, with the sum of D² + 1 neurons, and by how much it leads.

    The real irreducible representations of the least sum of D² that together tell all elements apart, each with the
    best of 1,000 random x. The margin is 1 - the largest mean over them of x rho(g) x, g not the identity.
    """
    rhos = _real(group)
    require(group.order >= 2, "group.order", group.order, "at least 2")
    kernels = [np.abs(rho - np.eye(rho.shape[-1])).max(axis=(1, 2)) < 1e-6 for rho in rhos]
    kernels = [int.from_bytes(np.packbits(kernel).tobytes(), "big") for kernel in kernels]  # a bit for each element
    heap, best = [(0, (), kernels[0])], {}
    while True:  # Dijkstra: from a common kernel of the chosen ones to smaller ones, at the cost of one more
        cost, chosen, kernel = heapq.heappop(heap)
        if kernel.bit_count() == 1:
            break
        for i, rho in enumerate(rhos):
            smaller, found = kernel & kernels[i], (cost + rho.shape[-1] ** 2, (*chosen, i))
            if smaller != kernel and (smaller not in best or found < best[smaller]):
                best[smaller] = found
                heapq.heappush(heap, (*found, smaller))
    rng = generator(0, "vector")
    vectors = [rng.normal(size=(1000, rhos[i].shape[-1])) for i in chosen]
    vectors = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in vectors]
    values = sum(np.einsum("ti,gij,tj->tg", x, rhos[i], x, optimize=True)
                 for i, x in zip(chosen, vectors, strict=True)) / len(chosen)
    values[:, group.identity] = -1
    margins = 1 - values.max(axis=1)
    best = margins.argmax()
    return (composition_network(group, [(rhos[i], x[best], 1 / len(chosen))
                                        for i, x in zip(chosen, vectors, strict=True)]), float(margins[best]))


def _real(group):
    """The representations that are irreducible over the reals, one of each class."""
    require_type(group, "group", Group)
    return [group.irreps[one[0]].orthogonal for one in group.classes]


def _basis(rho):
    """Orthonormal vectors whose multiples by the matrices that commute with rho, e dimensions, fill the space."""
    D, e = rho.shape[-1], round((np.trace(rho, axis1=1, axis2=2) ** 2).mean())
    some = generator(0, "commuting").normal(size=(e, D, D))
    commuting = np.einsum("gij,ejk,glk->eil", rho, some, rho, optimize=True) / len(rho)
    vectors, filled = [], np.zeros((D, 0))
    for x in np.eye(D):
        x = x - filled @ (filled.T @ x)
        if np.linalg.norm(x) > 1e-6:
            vectors.append(x / np.linalg.norm(x))
            filled = np.linalg.qr(np.hstack([filled, (commuting @ vectors[-1]).T]))[0]
    return vectors
