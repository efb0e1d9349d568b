"""Finite groups: axioms, irreducible representations, Fourier analysis, exact networks.

Oracles: counting in the group itself (involutions, conjugacy classes, hooks of Young diagrams, permutations' fixed
points), the FFT on Z_p, loops over all triples, brute force over all subsets.
"""

import re
from itertools import combinations, permutations, product
from math import factorial, prod
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import block_diag
from scipy.optimize import least_squares

from grok_np import MLP, AdamW, Composition, ModularArithmetic, analytic, resume, train
from grok_np.groups import Group, cyclic, dihedral, named
from grok_np.networks.mlp import mix_forward
from grok_np.reading import fourier, groups
from grok_np.tasks import all_pairs

NAMES = ("C_1", "C_2", "C_7", "C_12", "D_5", "D_6", "S_3", "Q_8", "Q_12", "Q_16", "A_4", "S_4", "C_2 x C_2",
         "C_2 x S_3", "C_3 x Q_8")
SEEDS = st.integers(0, 2**32 - 1)


def conjugacy_classes(group):
    return len({tuple(sorted({group.table[group.table[g, x], group.inverse[g]] for g in range(group.order)}))
                for x in range(group.order)})


def partitions(n, largest=None):
    if n == 0:
        yield ()
    for first in range(min(n, largest or n), 0, -1):
        yield from ((first, *rest) for rest in partitions(n - first, first))


def hooks(shape):
    """Dimension of a Specht module: n! over the product of the hook lengths."""
    columns = [sum(row > j for row in shape) for j in range(shape[0])]
    lengths = [row - j + columns[j] - i - 1 for i, row in enumerate(shape) for j in range(row)]
    return factorial(sum(shape)) // prod(lengths)


# The groups themselves


@pytest.mark.parametrize(("name", "involutions", "abelian"), [
    ("C_12", 2, True), ("D_5", 6, False), ("D_6", 8, False), ("S_3", 4, False), ("Q_8", 2, False), ("Q_16", 2, False),
    ("A_4", 4, False), ("S_4", 10, False), ("C_2 x C_2", 4, True)])
def test_the_families_are_what_they_are_called(name, involutions, abelian):
    """Involutions counted with the identity; tables are checked to be groups' when they are made."""
    table = named(name).table
    assert (np.diagonal(table) == named(name).identity).sum() == involutions
    assert np.array_equal(table, table.T) == abelian


@pytest.mark.parametrize("name", ["S_4", "A_4"])
def test_permutations_compose(name):
    """The regular permutations by which a group acts on itself compose as its elements do."""
    group = named(name)
    assert all(np.array_equal(group.table[a][group.table[b]], group.table[group.table[a, b]])
               for a, b in product(range(group.order), repeat=2))
    assert named("S_3").table.tolist() == [[0, 1, 2, 3, 4, 5], [1, 0, 4, 5, 2, 3], [2, 3, 0, 1, 5, 4],
                                           [3, 2, 5, 4, 0, 1], [4, 5, 1, 0, 3, 2], [5, 4, 3, 2, 1, 0]]


@pytest.mark.parametrize(("table", "words"), [
    ([[0, 1], [1, 2]], "closed"), ([[0, 1], [0, 1]], "with an identity"), ([[0.0]], "integers of shape"),
    ([[0, 1, 2], [1, 0, 2], [2, 2, 0]], "associative"), ([[0, 1], [1, 1]], "inverse"), ([[0, 1]], "shape")])
def test_what_is_no_group_is_refused(table, words):
    with pytest.raises(ValueError, match=f"table.* must be .*{words}"):
        Group(table)
    with pytest.raises((ValueError, TypeError), match=r"group must be|table must be"):
        Composition("Z_5" if table[0] == [0, 1] else table)


@given(seed=SEEDS, name=st.sampled_from(NAMES[1:]))
def test_one_changed_entry_breaks_the_axioms(seed, name):
    rng, table = np.random.default_rng(seed), named(name).table.copy()
    a, b = rng.integers(len(table), size=2)
    table[a, b] = (table[a, b] + rng.integers(1, len(table))) % len(table)
    with pytest.raises(ValueError, match="table must be"):
        Group(table)


# Representations


@pytest.mark.parametrize("name", [*NAMES, "S_5", "A_5"])
def test_irreducible_representations(name):
    """All of the theory: homomorphisms, unitary, orthogonal characters, as many as conjugacy classes, sum d² = n, and
    sum of kind d = number of solutions of g² = 1 (Frobenius and Schur)."""
    group = named(name)
    rng = np.random.default_rng(0)
    a, b = all_pairs(group.order).T if group.order <= 24 else rng.integers(group.order, size=(2, 2000))
    for one in group.irreps:
        assert np.abs(one.matrices[a] @ one.matrices[b] - one.matrices[group.table[a, b]]).max() < 1e-10
        assert np.abs(one.matrices @ one.matrices.conj().mT - np.eye(one.dimension)).max() < 1e-10
        np.testing.assert_allclose(np.trace(one.matrices, axis1=1, axis2=2), one.character, atol=1e-10)
        real = one.orthogonal
        assert real.dtype == float and np.abs(real[a] @ real[b] - real[group.table[a, b]]).max() < 1e-10
    characters = np.array([one.character for one in group.irreps])
    np.testing.assert_allclose(characters @ characters.conj().T, group.order * np.eye(len(characters)), atol=1e-8)
    assert len(characters) == conjugacy_classes(group)
    assert sum(one.dimension**2 for one in group.irreps) == group.order
    assert sum(one.kind * one.dimension for one in group.irreps) == (np.diagonal(group.table) == group.identity).sum()


@pytest.mark.parametrize("n", [3, 4, 5])
def test_symmetric_groups_by_their_young_diagrams(n):
    group = named(f"S_{n}")
    assert sorted(one.dimension for one in group.irreps) == sorted(map(hooks, partitions(n)))
    characters = np.array([one.character for one in group.irreps])
    np.testing.assert_allclose(characters, characters.round(), atol=1e-9)  # integers, as for every S_n
    # The permutation character, fixed points, is the trivial one plus an irreducible one.
    elements = np.array(list(permutations(range(n))))
    fixed = (elements == np.arange(n)).sum(axis=1)
    assert np.abs(characters - (fixed - 1)).max(axis=1).min() < 1e-9


def test_cyclic_characters_are_waves_in_order():
    for p in (5, 6, 59):
        k = fourier.frequencies(p) * np.where(np.arange(p) % 2, 1, -1)
        waves = np.exp(2j * np.pi * np.outer(k, np.arange(p)) / p)
        np.testing.assert_allclose([one.character for one in cyclic(p).irreps], waves, atol=1e-9)
        assert len(cyclic(p).classes) == p // 2 + 1


def test_quaternions_are_not_dihedral():
    """Q_8 and D_4 have one character table, but two dimensions of which only one is real."""
    kinds = [[one.kind for one in group.irreps] for group in (named("Q_8"), dihedral(4))]
    assert kinds == [[1, 1, 1, 1, -1], [1, 1, 1, 1, 1]]


# The task


def test_a_cyclic_group_is_modular_addition():
    for ours, theirs in zip(Composition("C_11", 0.4, seed=3).split(), ModularArithmetic(11, seed=3).split(),
                            strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("group", ["S_3", tuple(map(tuple, dihedral(3).table.tolist()))])
def test_a_network_is_trained_on_a_group_and_resumed(tmp_path, group):
    task = Composition(group, 0.8, seed=1)
    run = train(MLP(6, n_hidden=24, factoring="one_hot"), task, AdamW(lr=0.01, weight_decay=0.1), 300,
                out=tmp_path / "run", progress=False)
    assert run.history["train_accuracy"][-1] == 1
    assert resume(tmp_path / "run", progress=False).task == task
    assert len(run.split.test_labels) == 36 - 28


# Reading


@given(seed=SEEDS, name=st.sampled_from(NAMES))
def test_transform(seed, name):
    group, rng = named(name), np.random.default_rng(seed)
    x, y = rng.normal(size=(2, group.order, 3))
    coefficients = groups.transform(x, group)
    np.testing.assert_allclose(groups.inverse_transform(coefficients, group), x, atol=1e-10)
    squares = [sum(group.irreps[i].dimension * (np.abs(coefficients[i]) ** 2).sum(axis=(0, 1)) for i in one)
               for one in group.classes]
    np.testing.assert_allclose(group.order * groups.power(x, group), squares, atol=1e-9)
    # A convolution becomes a product.
    folded = np.zeros(x.shape)
    for g, h in product(range(group.order), repeat=2):
        folded[group.table[g, h]] += x[g] * y[h]
    for one, left, right in zip(*(groups.transform(z, group) for z in (folded, x, y)), strict=True):
        np.testing.assert_allclose(one, np.einsum("ijt,jkt->ikt", left, right), atol=1e-8)


@given(seed=SEEDS, p=st.integers(2, 12))
def test_z_p_gives_the_numbers_of_fourier(seed, p):
    rng = np.random.default_rng(seed)
    x, logits = rng.normal(size=(p, 4)), rng.normal(size=(p, p, p))
    np.testing.assert_allclose(groups.power(x, cyclic(p)), fourier.power(x), atol=1e-12)
    norms = np.where(2 * np.arange(p // 2 + 1) == p, p, p / 2) * p**2
    centred = logits - logits.mean(axis=-1, keepdims=True)
    # A class is a cosine and a sine of a + b - c. Turned around, c to -c, a to -a, b to -b, the sine changes its sign.
    even = (centred + centred[np.ix_(*3 * [-np.arange(p)])]) / 2
    expected = fourier.sum_waves(even) ** 2 * norms / (even**2).sum()
    np.testing.assert_allclose(groups.spectral_weights(even, cyclic(p))[1:], expected[1:], atol=1e-12)
    assert (groups.spectral_weights(logits, cyclic(p))[1:] * (centred**2).sum()
            > fourier.sum_waves(centred)[1:] ** 2 * norms[1:] - 1e-9).all()


@given(seed=SEEDS, name=st.sampled_from(["C_5", "S_3", "Q_8", "A_4"]))
def test_spectral_weights_by_the_definition(seed, name):
    """b² = sum over the class of |<centred, psi>|² / (|centred|² |psi|²), by a loop over all triples."""
    group, rng = named(name), np.random.default_rng(seed)
    n = group.order
    logits = rng.normal(size=(2, n, n, n))
    centred = logits - logits.mean(axis=-1, keepdims=True)
    at = np.array([[[group.table[group.table[a, b], group.inverse[c]] for c in range(n)] for b in range(n)]
                   for a in range(n)])
    found = groups.spectral_weights(logits, group)
    for m, (k, one) in product(range(2), enumerate(group.classes)):
        psi = [group.irreps[i].character[at] for i in one]
        b2 = sum(abs(np.vdot(f, centred[m])) ** 2 / (np.vdot(f, f).real * (centred[m] ** 2).sum()) for f in psi)
        assert found[m, k] == pytest.approx(b2 if k else 0, abs=1e-12)
    shifted = logits + rng.normal(size=(n, n, 1))
    np.testing.assert_allclose(groups.spectral_weights(shifted, group), found, atol=1e-12)
    assert not groups.spectral_weights(0 * logits, group).any()


def test_key_set_and_count():
    """The threshold of a key set is on b, that of the count on b²; the count is the least by brute force."""
    weights = np.array([0.5, 0.9, 0.0049**2, 0.0051**2, 0.05])
    assert groups.key_set(weights, 0.005) == [1, 3, 4]
    rng = np.random.default_rng(0)
    for weights in rng.exponential(size=(30, 7)) ** 3:
        least = min(n for n in range(8) for some in combinations(weights, n) if sum(some) >= 0.8 * weights.sum())
        assert groups.spectral_count(weights, 0.2) == least


@pytest.mark.parametrize("scale", [1, 1e-12, 1e-20, 1e12])
def test_shares_and_multiplicities(scale):
    """Neurons made of one class each, one of two, one dead; constants do not count, nor does the network's scale."""
    group, rng = named("S_4"), np.random.default_rng(0)
    pure = groups.projections(group)
    A, B, C = rng.normal(size=(3, 24, 7))
    for W in (A, B, C):
        for i in range(5):
            W[:, i] = pure[i] @ W[:, i] + rng.normal()
        W[:, 5] = pure[3] @ W[:, 5] + pure[4] @ W[:, 5]
        W[:, 6] = rng.normal()
    found = groups.shares(scale * A, scale * B, scale * C.T, group)
    np.testing.assert_allclose(found[:, 1:5], np.eye(5)[:, 1:], atol=1e-12)
    np.testing.assert_allclose(found[3, 5] + found[4, 5], 1)
    assert not found[:, [0, 6]].any()  # a neuron of constants is dead, and so is one of nothing else
    np.testing.assert_allclose(groups.multiplicities(found), np.array([0, 1, 1, 1, 1]) / 7)


def test_subgroups_by_brute_force():
    for name, count in (("S_3", 6), ("Q_8", 6), ("A_4", 10), ("C_12", 6), ("S_4", 30)):
        group = named(name)
        found = groups.subgroups(group)
        assert len(found) == count == len(set(found))
        if group.order <= 8:
            closed = [s for n in range(1, 9) for s in combinations(range(group.order), n)
                      if {group.table[a, b] for a in s for b in s} <= set(s)]
            assert sorted(closed) == sorted(found)


def test_coset_concentration():
    group, rng = named("S_4"), np.random.default_rng(0)
    subgroup = next(one for one in groups.subgroups(group) if len(one) == 6)
    number = {}
    labels = [number.setdefault(tuple(sorted(group.table[g, list(subgroup)])), len(number)) for g in range(24)]
    x = np.stack([rng.normal(size=4)[labels], np.ones(24)], axis=1)
    np.testing.assert_allclose(groups.coset_concentration(x, group, subgroup), [1, 0])
    right = x[group.inverse]  # constant on H g
    assert groups.coset_concentration(right, group, subgroup)[0] < 0.9
    assert groups.coset_concentration(right[group.inverse], group, subgroup)[0] == pytest.approx(1)
    noise = groups.coset_concentration(rng.normal(size=(24, 4000)), group, subgroup)
    assert noise.mean() == pytest.approx(3 / 23, rel=0.05)
    with pytest.raises(ValueError, match="subgroup must be closed"):
        groups.coset_concentration(x, group, [0, 1, 2])


@pytest.mark.parametrize("scale", [1e-9, 0.1, 1e9])
@pytest.mark.parametrize("name", ["C_6", "C_7", "S_3", "S_4"])
def test_constants_whose_mean_is_rounded(name, scale):
    """0.1 less the mean of six times 0.1 is 1e-17, no signal; nor is what depends on (a, b) only, or on c only."""
    group, rng = named(name), np.random.default_rng(0)
    n = group.order
    for dtype in (np.float64, np.float32):
        x = np.stack([np.full(n, scale), np.full(n, scale / 3)], axis=1).astype(dtype)
        for subgroup in groups.subgroups(group):
            assert not groups.coset_concentration(x, group, subgroup).any()
        pairs, answers = scale * rng.normal(size=(4, n, n, 1)), scale * rng.normal(size=(1, 1, n))
        for logits in (np.full((n, n, n), scale), pairs + np.zeros(n), answers + np.zeros((n, n, n))):
            weights = groups.spectral_weights(logits.astype(dtype), group)
            assert not np.any(groups.spectral_count(weights)) and weights.sum() < 1e-28
    tiny = 1e-12 * np.eye(n)[group.table]  # a signal that is small, but more than rounding
    assert groups.spectral_count(groups.spectral_weights(1 + tiny, group)) == groups.spectral_count(
        groups.spectral_weights(tiny, group)) > 0


# Networks that are written down

ONE_HOT = {"S_3": 10, "D_5": 18, "Q_8": 20, "A_4": 32, "S_4": 64, "C_7": 13, "C_12": 22, "C_3 x Q_8": 68, "S_5": 596}
FAITHFUL = {"S_3": 5, "D_5": 5, "Q_8": 17, "A_4": 10, "S_4": 10, "C_7": 5, "C_12": 5, "C_2 x C_2": 3, "S_5": 17}


def some_logits(network, group):
    """Logits of all pairs, or of 2,000 drawn ones, and the right answers."""
    pairs = all_pairs(group.order)
    if group.order > 24:
        pairs = pairs[np.random.default_rng(0).choice(len(pairs), 2000, replace=False)]
    return mix_forward(network, pairs)[0], group.table[tuple(pairs.T)]


@pytest.mark.parametrize("name", ONE_HOT)
def test_one_hot_network(name):
    """Exactly one-hot, with sum over real irreducible representations of e² (D/e)³ neurons."""
    group = named(name)
    network = analytic.one_hot_network(group)
    logits, labels = some_logits(network, group)
    assert np.abs(logits - np.eye(group.order)[labels]).max() < 1e-13
    assert network.A.shape[1] == ONE_HOT[name]
    counted = sum({1: d**3, 0: 4 * d**3, -1: 2 * d**3}[group.irreps[one[0]].kind] for one in group.classes
                  for d in [group.irreps[one[0]].dimension])
    assert counted == ONE_HOT[name]


@pytest.mark.parametrize("name", FAITHFUL)
def test_faithful_network(name):
    group = named(name)
    network, margin = analytic.faithful_network(group)
    assert network.A.shape[1] == FAITHFUL[name]
    logits, labels = some_logits(network, group)
    right = logits[np.arange(len(labels)), labels]
    np.testing.assert_allclose(right, 1, atol=1e-13)
    logits[np.arange(len(labels)), labels] = -np.inf
    assert (right - logits.max(axis=1)).min() == pytest.approx(margin, abs=1e-12) and margin > 0.05


@pytest.mark.parametrize(("factors", "neurons"), [(3 * ["C_2"], 4), (6 * ["C_2"], 7), (2 * ["Q_8"], 33),
                                                  (3 * ["S_3"], 13)])
def test_the_cheapest_representations_of_a_product(factors, neurons):
    """One of each factor: D² is 1 for C_2, 4 for S_3, 16 for Q_8. A search over all cheaper sets of representations
    took 50 s for Q_8 x Q_8, and would see millions for six C_2."""
    start = perf_counter()
    group = named(" x ".join(factors))
    made = perf_counter() - start
    network, margin = analytic.faithful_network(group)
    assert network.A.shape[1] == neurons and margin > 0
    assert perf_counter() - start - made < 20


def test_the_cheapest_representations_by_brute_force():
    for name in ("C_12", "C_2 x C_2", "D_6", "Q_12", "C_2 x S_3", "A_4", "S_4"):
        group = named(name)
        reals = [group.irreps[one[0]].orthogonal for one in group.classes][1:]
        kernels = [np.abs(rho - np.eye(rho.shape[-1])).max(axis=(1, 2)) < 1e-6 for rho in reals]
        least = min(sum(reals[i].shape[-1] ** 2 for i in some) for size in range(1, len(reals) + 1)
                    for some in combinations(range(len(reals)), size)
                    if np.all([kernels[i] for i in some], axis=0).sum() == 1)
        assert analytic.faithful_network(group)[0].A.shape[1] == least + 1


def test_without_the_constant_neuron_it_is_wrong():
    """The proof needs it: the squares leave a bias for each answer."""
    network, _ = analytic.faithful_network(named("S_4"))
    network.C[-1] = 0
    logits, labels = some_logits(network, named("S_4"))
    assert (logits.argmax(axis=1) == labels).mean() < 0.9


# docs/theory.md, section 11


@pytest.mark.parametrize(("p", "neurons"), [(3, 4), (4, 5), (5, 8)])
def test_fewer_neurons_than_the_sum_can_be_exact(p, neurons):
    """Least squares from random weights finds one-hot logits with one neuron less than `one_hot_network` has."""
    assert neurons + 1 == analytic.one_hot_network(cyclic(p)).A.shape[1]
    rng, one_hot, same = np.random.default_rng(5), np.eye(p)[cyclic(p).table], np.eye(p)

    def errors(theta):
        A, B, C = theta.reshape(3, p, neurons)
        return ((A[:, None] + B) ** 2 @ C.T - one_hot).ravel()

    def jacobian(theta):
        A, B, C = theta.reshape(3, p, neurons)
        pre = A[:, None] + B
        slope = 2 * pre[:, :, None] * C
        return np.concatenate([np.einsum(words, *two).reshape(p**3, -1) for words, two in (
            ("abch,ax->abcxh", (slope, same)), ("abch,bx->abcxh", (slope, same)),
            ("abh,cx->abcxh", (pre**2, same)))], axis=1)

    tried = (least_squares(errors, rng.normal(size=3 * p * neurons), jacobian, max_nfev=400, ftol=1e-15, xtol=1e-15,
                           gtol=1e-15) for _ in range(30))
    assert any(2 * one.cost < 1e-20 for one in tried)


PAGE = (Path(__file__).parents[1] / "docs/theory.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("row", re.findall(r"^\| ([CSDQA]_\d+) \| (\d+) \| (\d+) \| (\d+) \| ([\d.]+) \|", PAGE, re.M))
def test_the_table_of_the_page(row):
    name, n, one_hot, largest, printed = row
    group = named(name)
    network, margin = analytic.faithful_network(group)
    assert (group.order, analytic.one_hot_network(group).A.shape[1], network.A.shape[1]) == (
        int(n), int(one_hot), int(largest))
    assert margin == pytest.approx(float(printed), rel=0.01)
    if name == "C_59":  # a turn of the plane: 1 - cos
        assert margin == pytest.approx(1 - np.cos(2 * np.pi / 59))


@given(seed=SEEDS, name=st.sampled_from(NAMES[2:]))
def test_theorem_of_one_row(seed, name):
    """Any orthogonal representation, reducible too, in any basis, and any x: logits are weight x rho(a b c^-1) x."""
    group, rng = named(name), np.random.default_rng(seed)
    some = [group.irreps[i].orthogonal for i in rng.integers(len(group.irreps), size=2)]
    rho = np.array([block_diag(*pair) for pair in zip(*some, strict=True)])
    turn = np.linalg.qr(rng.normal(size=2 * rho.shape[-1:]))[0]
    rho, x = turn @ rho @ turn.T, rng.normal(size=rho.shape[-1])
    x /= np.linalg.norm(x)
    network = analytic.composition_network(group, [(rho, x, 1.7)])
    assert network.A.shape[1] == rho.shape[-1] ** 2 + 1
    logits, _ = some_logits(network, group)
    a, b, c = np.ogrid[: group.order, : group.order, : group.order]
    at = group.table[group.table[a, b], group.inverse[c]]
    expected = 1.7 * np.einsum("i,gij,j->g", x, rho, x)[at].reshape(-1, group.order)
    np.testing.assert_allclose(logits, expected, atol=1e-12)
