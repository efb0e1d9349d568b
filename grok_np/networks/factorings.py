"""How parameters make the effective weights of the MLP: A, B and C are products of one or two matrices.

A factoring is a line of the table below; forward and backward are the same few lines for all. A name in two products
is one matrix used twice, and gets the sum of both gradients.

Letters: p tokens, d = d_embed, h = n_hidden.

Read next: `initial`.
"""

import numpy as np

FACTORINGS = {
    # name               A (p, h)           B (p, h)           C (h, p)
    "tied":             ("W_E W_in",       "W_E W_in",       "W_out W_E.T"),  # the explorable article's main network
    "input_tied":       ("W_E W_in",       "W_E W_in",       "W_out W_U"),
    "untied":           ("W_E_a W_in",     "W_E_b W_in",     "W_out W_U"),
    "untied_hidden":    ("W_E W_in_a",     "W_E W_in_b",     "W_out W_E.T"),
    "collapsed_input":  ("W_in",           "W_in",           "W_out W_U"),
    "collapsed_output": ("W_E W_in",       "W_E W_in",       "W_out"),  # with a bias: model alpha of Clock and Pizza
    "collapsed":        ("W_in",           "W_in",           "W_out"),
    "one_hot":          ("W_in_a",         "W_in_b",         "W_out"),  # Gromov 2023
    "circular":         ("W_E W_in",       "W_E W_in",       "W_out W_E.T"),  # W_E frozen: one turn of the circle
    "concatenated":     ("W_E W_in_a",     "W_E W_in_b",     "W_out"),  # with a bias: model delta
    "two_embeddings":   ("W_E_a W_in",     "W_E_b W_in",     "W_out"),  # with a bias: model x
}


def factor_shapes(factoring, p, d, h):
    """Shapes of all factors by name, in the order in which the products name them.

    >>> factor_shapes("tied", p=67, d=500, h=24)
    {'W_E': (67, 500), 'W_in': (500, 24), 'W_out': (24, 500)}
    """
    shapes = {}
    for product, rows, columns in zip(FACTORINGS[factoring], (p, p, h), (h, h, p), strict=True):
        names = product.split()
        inner = [(rows, columns)] if len(names) == 1 else [(rows, d), (d, columns)]
        for name, shape in zip(names, inner, strict=True):
            shapes[name.removesuffix(".T")] = shape[::-1] if name.endswith(".T") else shape
    return shapes


def product_forward(product, params):
    """Forward   out = X,  or X Y,  or X Y^T."""
    left, *right = (params[name.removesuffix(".T")] for name in product.split())
    if not right:
        return left
    return left @ (right[0].mT if product.endswith(".T") else right[0])


def product_backward(dout, product, params):
    """Gradients of the factors, each as two matrices whose product it is (or one): (name, left, right or None).

    Backward   X: dX = dout        X Y: dX = dout Y^T, dY = X^T dout        X Y^T: dX = dout Y, dY = dout^T X
    """
    names = [name.removesuffix(".T") for name in product.split()]
    if len(names) == 1:
        return [(names[0], dout, None)]
    X, Y = (params[name] for name in names)
    if product.endswith(".T"):
        return [(names[0], dout, Y), (names[1], dout.mT, X)]
    return [(names[0], dout, Y.mT), (names[1], X.mT, dout)]


def factors_backward(deffective, factoring, params, out):
    """Write the gradients of all factors into ``out`` for those of A, B and C; frozen factors are not in it."""
    A, B, C = FACTORINGS[factoring]
    dA, dB, dC = (deffective[name] for name in "ABC")
    terms = [(A, dA + dB), (C, dC)] if A == B else [(A, dA), (B, dB), (C, dC)]  # one array used twice: both gradients
    written = set()
    for product, dout in terms:
        for name, left, right in product_backward(dout, product, params):
            if name not in out:
                continue
            if name in written:
                out[name] += left if right is None else left @ right
            elif right is None:
                out[name][...] = left
            else:
                np.matmul(left, right, out=out[name])
            written.add(name)
