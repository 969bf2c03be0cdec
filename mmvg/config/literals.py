"""Read a config that was written down as Python text without running it: assignments of literals, and nothing else."""

import ast
from collections.abc import Callable
from typing import Any

from mmvg.config.limits import MAX_DEPTH

#: Characters; the text of the longest config that comes with mmvg has 20,000.
MAX_TEXT = 1_000_000
_NUMBERS = {'inf': float('inf'), 'nan': float('nan')}


class NoLiteralError(ValueError):
    """The text does more than assign literals; the message says in which line."""


def parse_literals(text: str) -> dict[str, Any]:
    """Read ``name = literal`` lines: numbers, strings, lists, tuples, dicts and ``dict(key=literal)``.

    This is how MMEngine writes a config into a checkpoint and into a work dir. Nothing of the text is executed.

    Args:
        text: Python source.

    Returns:
        Value by name.

    Raises:
        NoLiteralError: If there is anything else in it, or it is too long or too deep.

    Example:
        >>> parse_literals("size = (64, 64)\\nmodel = dict(type='mmvg.models.Grounder', thr=-1.5)")
        {'size': (64, 64), 'model': {'type': 'mmvg.models.Grounder', 'thr': -1.5}}
        >>> parse_literals("import os")
        Traceback (most recent call last):
            ...
        mmvg.config.literals.NoLiteralError: line 1 (import os) does more than give a name a value
    """
    if len(text) > MAX_TEXT:
        raise NoLiteralError(f'the text has {len(text):,} characters, and at most {MAX_TEXT:,} are read')
    try:
        statements = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise NoLiteralError(f'it cannot be read as Python ({type(error).__name__}: {error})') from None
    values: dict[str, Any] = {}
    for statement in statements:
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            continue  # a docstring
        names = statement.targets if isinstance(statement, ast.Assign) else []
        if len(names) != 1 or not isinstance(names[0], ast.Name):
            raise NoLiteralError(f'{_where(statement)} does more than give a name a value')
        values[names[0].id] = _value(statement.value, MAX_DEPTH)
    return values


def _value(node: ast.expr, depth: int) -> Any:
    if depth == 0:
        raise NoLiteralError(f'line {node.lineno} is nested more than {MAX_DEPTH} levels deep')
    match node:
        case ast.Constant(value=bool() | int() | float() | str() | None):
            return node.value
        case ast.List(elts=entries):
            return _several(list, entries, depth)
        case ast.Tuple(elts=entries):
            return _several(tuple, entries, depth)
        case ast.Dict(keys=keys, values=entries) if all(isinstance(key, ast.Constant) for key in keys):
            return {key.value: _value(entry, depth - 1) for key, entry in zip(keys, entries, strict=True)}
        case ast.Call(func=ast.Name(id='dict'), args=[], keywords=keywords) if all(word.arg for word in keywords):
            return {word.arg: _value(word.value, depth - 1) for word in keywords}
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=ast.Constant(value=int() | float() as number)):
            return -number if isinstance(node.op, ast.USub) else number
        case ast.UnaryOp(op=ast.USub(), operand=ast.Name(id='inf')):
            return -_NUMBERS['inf']
        case ast.Name(id='inf' | 'nan'):
            return _NUMBERS[node.id]
    raise NoLiteralError(f'{_where(node)} is no literal')


def _several(kind: Callable, entries: list[ast.expr], depth: int) -> Any:
    return kind([_value(entry, depth - 1) for entry in entries])


def _where(node: ast.AST) -> str:
    try:
        text = ast.unparse(node).splitlines()[0]
    except (RecursionError, ValueError):
        text = type(node).__name__
    return f'line {node.lineno} ({text if len(text) <= 60 else text[:57] + "..."})'
