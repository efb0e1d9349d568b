"""The one change in the source of a backward that makes it right, found by trying: operators, axes, names, transposes.

Mutation testing (DeMillo, Lipton, Sayward 1978) plants one small change and asks whether a test sees it. Here it runs
the other way: the mistakes that people make in a backward are such changes, so each is undone in turn until the gradients
agree with the differences. What is reported is therefore confirmed, down to the line.
"""

import ast
import copy
import inspect
import textwrap
import time

SECONDS = 2.0  # for the search
COMPARISONS = {ast.Gt: (ast.Lt, ast.GtE), ast.Lt: (ast.Gt, ast.LtE), ast.GtE: (ast.LtE, ast.Gt), ast.LtE: (ast.GtE, ast.Lt),
               ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,)}
OPERATORS = {ast.Add: (ast.Sub, ast.Mult), ast.Sub: (ast.Add,), ast.Mult: (ast.Div, ast.Add), ast.Div: (ast.Mult,)}
METHODS = {"sum": "mean", "mean": "sum", "max": "min", "min": "max", "argmax": "argmin", "argmin": "argmax",
           "sin": "cos", "cos": "sin", "exp": "log", "maximum": "minimum", "minimum": "maximum"}


def _simple(node, names):
    """(what, new node): one small change of one node, the likeliest mistakes first."""
    if isinstance(node, ast.BinOp):
        for new in OPERATORS.get(type(node.op), ()):
            sign = {type(node.op), new} == {ast.Add, ast.Sub}
            yield "another sign" if sign else "another operator", ast.BinOp(node.left, new(), node.right)
        if isinstance(node.op, ast.MatMult):
            yield "the factors exchanged", ast.BinOp(node.right, node.op, node.left)
            for side in ("left", "right"):
                turned = copy.copy(node)
                setattr(turned, side, ast.Attribute(getattr(node, side), "mT", ast.Load()))
                yield "a transpose", turned
        elif isinstance(node.op, ast.Sub):
            yield "another sign", ast.BinOp(node.right, node.op, node.left)
    if isinstance(node, ast.Compare):
        for new in COMPARISONS.get(type(node.ops[0]), ()):
            yield "another comparison", ast.Compare(node.left, [new(), *node.ops[1:]], node.comparators)
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
        if node.attr in ("T", "mT"):
            yield "no transpose", node.value
        if node.attr in METHODS:
            yield f"{METHODS[node.attr]} for {node.attr}", ast.Attribute(node.value, METHODS[node.attr], node.ctx)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and \
            node.func.attr in ("swapaxes", "transpose", "sum", "mean", "copy") and not (isinstance(node.func.value, ast.Name) and node.func.value.id == "np"):
        yield f"no {node.func.attr}", node.func.value
    if isinstance(node, ast.keyword) and node.arg == "axis":
        for axis in (0, 1, 2, -1, -2, None):
            yield "another axis", ast.keyword("axis", ast.Constant(axis))
    if isinstance(node, ast.AugAssign):
        yield "= for +=", ast.Assign([node.target], node.value)
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript | ast.Name):
        target = node.targets[0]
        yield "+= for =", ast.AugAssign(target, ast.Add(), node.value)
        if isinstance(target, ast.Subscript):
            call = ast.parse("np.add.at(a, b, c)").body[0]
            call.value.args = [_loaded(target.value), _loaded(target.slice), node.value]
            yield "np.add.at for = (an index may repeat)", call
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "no minus", node.operand
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        for value in (node.value + 1, node.value - 1, 2 * node.value, node.value / 2, -node.value):
            yield "another constant", ast.Constant(value)
    if isinstance(node, ast.Tuple) and isinstance(node.ctx, ast.Load) and len(node.elts) > 1:
        for i in range(len(node.elts) - 1):
            turned = list(node.elts)
            turned[i:i + 2] = turned[i + 1], turned[i]
            yield "another order", ast.Tuple(turned, node.ctx)
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in names:
        for name in names - {node.id}:
            yield f"{name} for {node.id}", ast.Name(name, node.ctx)


def _larger(node, names):
    """(what, new node): an operand dropped, or a factor, a term or a sum added."""
    if isinstance(node, ast.BinOp) and not isinstance(node.op, ast.MatMult):
        kind = "term" if isinstance(node.op, ast.Add | ast.Sub) else "factor"
        yield f"a {kind} less", node.left
        yield f"a {kind} less", node.right
    if isinstance(node, ast.BinOp | ast.Call | ast.Name | ast.Subscript | ast.UnaryOp | ast.IfExp) and \
            isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
        yield "a minus", ast.UnaryOp(ast.USub(), node)
        others = [ast.Name(name, ast.Load()) for name in sorted(names)] + [ast.Constant(1), ast.Constant(2)]
        for other in others:
            for op, what in ((ast.Mult(), "a factor"), (ast.Div(), "a factor"), (ast.Add(), "a term"), (ast.Sub(), "a term")):
                yield f"{what} more", ast.BinOp(node, op, other)
            yield "a term more", ast.BinOp(other, ast.Sub(), node)
        for other in others[:-2]:
            yield "a factor more", ast.BinOp(node, ast.Mult(), ast.BinOp(ast.Constant(1), ast.Sub(), other))
        for method in ("sum", "mean"):
            for axis in (0, 1, -1):
                for keep in (True, False):
                    call = ast.parse(f"a.{method}(axis={axis}, keepdims={keep})", mode="eval").body
                    call.func.value = node
                    yield f"a {method} more", call


def _loaded(node):
    node = copy.deepcopy(node)
    node.ctx = ast.Load()
    return node


def repair(backward, is_right):
    """A sentence on the one change that makes ``is_right(changed backward)`` true, or None.

    Parameters
    ----------
    backward : callable
        A plain function or method whose source Python finds; anything else gives None.
    is_right : callable
        Tells whether a changed backward is right; an exception counts as no.
    """
    function = inspect.unwrap(getattr(backward, "__func__", backward))
    try:
        lines, first = inspect.getsourcelines(function)
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except (OSError, TypeError, SyntaxError):
        return None
    definition = tree.body[0]
    if not isinstance(definition, ast.FunctionDef) or any(isinstance(node, ast.While) for node in ast.walk(tree)):
        return None
    definition.decorator_list = []
    names = {node.id for node in ast.walk(definition) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)} | \
        {argument.arg for argument in definition.args.args if argument.arg not in ("self", "cache")}
    deadline = time.monotonic() + SECONDS
    for changes in (_simple, _larger):
        for node in list(ast.walk(definition)):
            for what, new in changes(node, names):
                if time.monotonic() > deadline:
                    return None
                # The nodes are shared with the original; only the path down to the change is copied.
                changed = _replaced(tree, node, new)
                try:
                    right = is_right(_compiled(changed, function, backward))
                except Exception:
                    right = False
                if right:
                    line = _line_of(definition, node)
                    old, now = ast.unparse(line), ast.unparse(_replaced(line, node, new))
                    return f"right with {what}, in line {first + line.lineno - 1}: {now}  (it is: {old})"
    return None


def _replaced(tree, old, new):
    """A copy of the tree with one node replaced."""
    if tree is old:
        return new
    result = copy.copy(tree)
    for name, value in ast.iter_fields(tree):
        if isinstance(value, list):
            setattr(result, name, [_replaced(one, old, new) if isinstance(one, ast.AST) else one for one in value])
        elif isinstance(value, ast.AST):
            setattr(result, name, _replaced(value, old, new))
    return result


def _line_of(definition, node):
    """The innermost statement that holds a node."""
    found = definition
    for statement in ast.walk(definition):
        if isinstance(statement, ast.stmt) and any(child is node for child in ast.walk(statement)):
            found = statement
    return found


def _compiled(tree, function, backward):
    """The function that a changed tree defines, with the globals, the closure and the ``self`` of the original."""
    definition = tree.body[0]
    cells = dict(zip(function.__code__.co_freevars, (cell.cell_contents for cell in function.__closure__ or ()), strict=True))
    scope = function.__globals__ | cells
    exec(compile(ast.fix_missing_locations(tree), "<repair>", "exec"), scope)
    new = scope[definition.name]
    new.__defaults__, new.__kwdefaults__ = function.__defaults__, function.__kwdefaults__
    return new.__get__(backward.__self__) if hasattr(backward, "__self__") else new
