"""Configs as plain data: dicts, lists, tuples, strings, numbers, booleans and None; a class stands there by name."""

import inspect
import json
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.config.lazy import LazyAttr, LazyObject

from mmvg.config.limits import check_nesting

#: JSON has no tuples, and MMCV tells them from lists: ``{'__tuple__': [96, 96]}``.
TUPLE = '__tuple__'


def to_data(value: Any, path: str = 'config') -> Any:
    """Turn a config into plain data.

    Args:
        value: A config or a part of one.
        path: Named in errors.

    Raises:
        TypeError: If something in it is neither data nor a class or function that a name leads to.

    Example:
        >>> from mmvg.config import read_config
        >>> to_data(read_config('lavt/tiny').model.data_preprocessor)['type']
        'mmvg.models.GroundingPreprocessor'
    """
    if isinstance(value, (Config, ConfigDict)):
        value = value._to_lazy_dict()
    if isinstance(value, dict):
        return {key: to_data(entry, f'{path}.{key}') for key, entry in dict.items(value)}
    if isinstance(value, (list, tuple)):
        kind = list if isinstance(value, list) else tuple
        return kind(to_data(entry, f'{path}.{index}') for index, entry in enumerate(value))
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, (LazyObject, LazyAttr)):
        return f'{value.module}.{value}'
    if (inspect.isclass(value) or inspect.isfunction(value)) and '<' not in value.__qualname__:  # <lambda>, <locals>
        return f'{value.__module__}.{value.__qualname__}'
    for kind in (bool, int, float, str):  # NumPy's numbers, and enumerations of strings
        if isinstance(value, kind):
            return kind(value)
    raise TypeError(f'{path}: {value!r:.80} has no form in plain data; write numbers, strings, lists and dicts')


def to_json(value: Any, indent: int | None = None) -> str:
    """Write plain data as JSON; :func:`from_json` gives it back, tuples as tuples.

    Raises:
        TypeError: If something in it is no plain data, or a key is no text: JSON has no others.

    Example:
        >>> to_json(dict(scale=(96, 96)))
        '{"scale": {"__tuple__": [96, 96]}}'
    """
    return json.dumps(_marked(value), indent=indent, ensure_ascii=False)


def from_json(text: str | bytes) -> Any:
    """Read what :func:`to_json` wrote, or any JSON.

    Raises:
        ValueError: If it is no JSON, or nested too deeply.

    Example:
        >>> from_json('{"scale": {"__tuple__": [96, 96]}}')
        {'scale': (96, 96)}
    """
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError('it is nested too deeply') from None
    check_nesting(value)
    return _unmarked(value)


def _marked(value: Any) -> Any:
    if isinstance(value, tuple):
        return {TUPLE: [_marked(entry) for entry in value]}
    if isinstance(value, dict):
        if others := [key for key in value if not isinstance(key, str)]:
            raise TypeError(f'the key {others[0]!r} is no text, and JSON has no others')
        return {key: _marked(entry) for key, entry in value.items()}
    return [_marked(entry) for entry in value] if isinstance(value, list) else value


def _unmarked(value: Any) -> Any:
    if isinstance(value, list):
        return [_unmarked(entry) for entry in value]
    if isinstance(value, dict):
        if value.keys() == {TUPLE} and isinstance(value[TUPLE], list):
            return tuple(_unmarked(entry) for entry in value[TUPLE])
        return {key: _unmarked(entry) for key, entry in value.items()}
    return value
