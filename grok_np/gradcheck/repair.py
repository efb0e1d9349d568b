"""The one change in the source of a backward that makes it right, found by trying: operators, axes, names, transposes.

Mutation testing (DeMillo, Lipton, Sayward 1978, Computer 11(4)) plants one small change and asks whether a test sees
it. Here it runs the other way: most mistakes in a backward are such a change, so each is undone in turn until the
gradients agree with the differences. What is reported is therefore confirmed, down to the line. The file itself is
never touched.
"""

import ast
import copy
import inspect
import itertools
import linecache
import time

import numpy as np

SECONDS = 2.0  # of processor time, for one search
COMPARISONS = {ast.Gt: (ast.Lt, ast.GtE), ast.Lt: (ast.Gt, ast.LtE), ast.GtE: (ast.LtE, ast.Gt),
               ast.LtE: (ast.GtE, ast.Lt), ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,)}
OPERATORS = {ast.Add: (ast.Sub, ast.Mult), ast.Sub: (ast.Add,), ast.Mult: (ast.Div, ast.Add), ast.Div: (ast.Mult,)}
METHODS = {"sum": "mean", "mean": "sum", "max": "min", "min": "max", "argmax": "argmin", "argmin": "argmax",
           "sin": "cos", "cos": "sin", "exp": "log", "maximum": "minimum", "minimum": "maximum"}
LOAD = ast.Load()


def _small(node, names):
    """(what, new node): one part of the node replaced."""
    match node:
        case ast.BinOp(left=left, op=ast.MatMult() as op, right=right):
            yield "a transpose", ast.BinOp(left, op, ast.Attribute(right, "mT", LOAD))
            yield "a transpose", ast.BinOp(ast.Attribute(left, "mT", LOAD), op, right)
            yield "the factors exchanged", ast.BinOp(right, op, left)
        case ast.BinOp(left=left, op=op, right=right):
            for new in OPERATORS.get(type(op), ()):
                sign = {type(op), new} == {ast.Add, ast.Sub}
                yield "another sign" if sign else "another operator", ast.BinOp(left, new(), right)
            if isinstance(op, ast.Sub):
                yield "another sign", ast.BinOp(right, op, left)
            kind = "term" if isinstance(op, ast.Add | ast.Sub) else "factor"
            yield f"a {kind} less", left
            yield f"a {kind} less", right
        case ast.Compare():
            for new in COMPARISONS.get(type(node.ops[0]), ()):
                yield "another comparison", ast.Compare(node.left, [new(), *node.ops[1:]], node.comparators)
        case ast.Attribute(attr="T" | "mT"):
            yield "no transpose", node.value
        case ast.Attribute(attr=name) if name in METHODS:
            yield f"{METHODS[name]} for {name}", ast.Attribute(node.value, METHODS[name], LOAD)
        case ast.Call(func=ast.Attribute(value=value, attr="swapaxes" | "transpose" | "sum" | "mean" as name)):
            yield f"no {name}", value
        case ast.keyword(arg="axis"):
            for axis in (0, 1, 2, -1, -2, None):
                yield "another axis", ast.keyword("axis", ast.Constant(axis))
        case ast.AugAssign():
            yield "= for +=", ast.Assign([node.target], node.value)
        case ast.Assign(targets=[ast.Subscript() as target]):
            call = ast.parse("np.add.at(a, b, c)").body[0]
            call.value.args = [_loaded(target.value), _loaded(target.slice), node.value]
            yield "+= for =", ast.AugAssign(target, ast.Add(), node.value)
            yield "np.add.at for = (an index repeats)", call
        case ast.Assign(targets=[ast.Name() as target]):
            yield "+= for =", ast.AugAssign(target, ast.Add(), node.value)
        case ast.UnaryOp(op=ast.USub() | ast.Invert()):
            yield "no minus" if isinstance(node.op, ast.USub) else "no ~", node.operand
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            for other in (0, value + 1, value - 1, 2 * value, value / 2, -value):
                yield "another constant", ast.Constant(other)
        case ast.Tuple(elts=parts, ctx=ast.Load()):
            for i in range(len(parts) - 1):
                yield "another order", ast.Tuple([*parts[:i], parts[i + 1], parts[i], *parts[i + 2:]], LOAD)
        case ast.Name(id=name, ctx=ast.Load()) if name in names:
            for other in sorted(names - {name}):
                yield f"{other} for {name}", ast.Name(other, LOAD)


def _larger(node, names):
    """(what, new node): a factor, a term or a sum more."""
    if isinstance(node, ast.BinOp | ast.Call | ast.Name | ast.Subscript | ast.UnaryOp) and _read(node):
        yield "a minus more", ast.UnaryOp(ast.USub(), node)
        others = [ast.Name(name, LOAD) for name in sorted(names)]
        for other in others + [ast.parse(f"{name}[..., None]", mode="eval").body for name in sorted(names)]:
            for what, op in (("factor", ast.Mult()), ("factor", ast.Div()), ("term", ast.Add()), ("term", ast.Sub())):
                yield f"a {what} more", ast.BinOp(node, op, other)
            yield "a term more", ast.BinOp(other, ast.Sub(), node)
            yield "a factor more", ast.BinOp(node, ast.Mult(), ast.BinOp(ast.Constant(1), ast.Sub(), other))
        yield "a term more", ast.BinOp(ast.Constant(1), ast.Sub(), node)
        for method, axis, keep in itertools.product(("sum", "mean"), (0, 1, -1), (True, False)):
            call = ast.parse(f"a.{method}(axis={axis}, keepdims={keep})", mode="eval").body
            call.func.value = node
            yield f"a {method} more", call


def _read(node):
    return isinstance(getattr(node, "ctx", LOAD), ast.Load)


def _loaded(node):
    node = copy.copy(node)
    node.ctx = LOAD
    return node


def repair(backward, residual):
    """A sentence on the one change that makes a backward right, or None.

    Parameters
    ----------
    backward : callable
        A function, lambda or method whose source Python finds; anything else gives None.
    residual : callable
        ``residual(changed backward) -> array``, which is right if no entry is larger than 1.
    """
    function = getattr(backward, "method", inspect.unwrap(getattr(backward, "__func__", backward)))
    try:
        definition = _definition(function)
    except (OSError, TypeError, SyntaxError, AttributeError):
        return None
    stored = {node.id for node in ast.walk(definition) if isinstance(node, ast.Name) and not _read(node)}
    names = stored | {one.arg for one in definition.args.args if one.arg not in ("self", "cache")}

    stores = [node for node in ast.walk(definition) if isinstance(node, ast.Assign | ast.AugAssign | ast.For)]
    targets = [one for node in stores for one in getattr(node, "targets", None) or [node.target]]
    written = {id(part) for one in targets for part in ast.walk(one)}
    # Where a result is written to only an index may be wrong: a write into something else would hide a line.
    nodes = [node for node in ast.walk(definition) if id(node) not in written or isinstance(node, ast.Constant)]
    candidates = ((what, node, new) for changes in (_small, _larger) for node in nodes
                  for what, new in changes(node, names))
    deadline = time.thread_time() + SECONDS
    for what, node, new in candidates:
        if time.thread_time() > deadline:
            return None
        try:
            right = (np.abs(residual(_compiled(_replaced(definition, node, new), function, backward))) <= 1).all()
        except Exception:  # whatever a changed program does
            continue
        if right:
            *_, line = (one for one in ast.walk(definition)
                        if isinstance(one, ast.stmt) and any(part is node for part in ast.walk(one)))
            better = _text(_replaced(line, node, new))
            return f"it is right with {what}, line {line.lineno}: {better}  (now {_text(line)})"
    return None


def _text(line):
    text = " ".join(ast.unparse(ast.fix_missing_locations(copy.deepcopy(line))).split())
    return text if len(text) < 150 else text[:147] + "..."


def _definition(function):
    """The function's definition in its file, without decorators; a lambda becomes a function that returns its body."""
    code, found = function.__code__, None
    for node in ast.walk(ast.parse("".join(linecache.getlines(code.co_filename, function.__globals__)))):
        if isinstance(node, ast.FunctionDef) and node.name == code.co_name:
            if code.co_firstlineno == min([node.lineno, *(one.lineno for one in node.decorator_list)]):
                node.decorator_list, found = [], node
        elif isinstance(node, ast.Lambda) and _place(node.body) in code.co_positions():
            body = ast.copy_location(ast.Return(node.body), node.body)
            found = ast.copy_location(ast.FunctionDef("repaired", node.args, [body], []), node)
    if found is None or any(isinstance(node, ast.While) for node in ast.walk(found)):
        raise TypeError("no plain function")
    return found


def _place(node):
    return node.lineno, node.end_lineno, node.col_offset, node.end_col_offset


def _replaced(tree, old, new):
    """The tree with one node replaced; what is not on the way to it is shared."""
    if tree is old:
        return new
    result = copy.copy(tree)
    for name, value in ast.iter_fields(tree):
        if isinstance(value, list):
            setattr(result, name, [_replaced(one, old, new) if isinstance(one, ast.AST) else one for one in value])
        elif isinstance(value, ast.AST):
            setattr(result, name, _replaced(value, old, new))
    return result


def _compiled(definition, function, backward):
    """The changed function, with the globals, the closure and the ``self`` of the original."""
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    scope = function.__globals__ | {name: cell.cell_contents for name, cell in cells}
    exec(compile(ast.fix_missing_locations(ast.Module([definition], [])), "<repair>", "exec"), scope)
    new = scope[definition.name]
    new.__defaults__, new.__kwdefaults__ = function.__defaults__, function.__kwdefaults__
    if hasattr(backward, "method"):
        return backward.rebuilt(new)
    return new.__get__(backward.__self__) if hasattr(backward, "__self__") else new
