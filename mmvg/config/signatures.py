"""Which keyword arguments a class or function really accepts, looking through ``**kwargs`` that are passed on."""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable

#: In place of a name: accepts any keyword, for the use of ``**kwargs`` cannot be followed.
ANYTHING = '**'


def arguments_of(target: Callable) -> dict[str, bool]:
    """Collect the keyword arguments of a class or function: name to whether it has no default.

    A class whose ``__init__`` hands ``**kwargs`` to that of a parent also accepts what the parent accepts. ``**kwargs``
    that nobody reads accept nothing: a setting that lands there has no effect. ``**kwargs`` that are stored or handed
    to something else accept :data:`ANYTHING`.
    """
    classes = target.__mro__ if inspect.isclass(target) else ()
    inits = [vars(cls)['__init__'] for cls in classes if '__init__' in vars(cls) and not _takes_nothing(cls)]
    arguments: dict[str, bool] = {}
    for function in inits or [target]:
        try:
            parameters = list(inspect.signature(function).parameters.values())[bool(inits) :]
        except (TypeError, ValueError):  # a builtin without a signature
            return {ANYTHING: False}
        named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
        inherited = bool(inits) and function is not inits[0]  # what a parent requires, the class may supply
        arguments = {p.name: p.default is p.empty and not inherited for p in named} | arguments
        kwargs = next((p.name for p in parameters if p.kind is p.VAR_KEYWORD), None)
        if kwargs is None:
            break
        read, passed_on, elsewhere = _uses(function, kwargs)
        arguments = dict.fromkeys(read, False) | arguments
        if elsewhere or (passed_on and not inits):
            return arguments | {ANYTHING: False}
        if not passed_on:
            break
    return arguments


def _takes_nothing(cls: type) -> bool:
    """Whether a constructor has no arguments; that of torch is written as (*args, **kwargs), and raises on any."""
    return (cls.__module__, cls.__qualname__) in (('builtins', 'object'), ('torch.nn.modules.module', 'Module'))


def _uses(function: Callable, kwargs: str) -> tuple[set[str], bool, bool]:
    """Find names read from ``kwargs`` one by one, if they go to a parent's ``__init__``, and if to anything else."""
    try:
        body = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0].body
    except (OSError, TypeError, SyntaxError, AttributeError):  # no source: nothing can be said
        return set(), False, True
    code = '\n'.join(ast.unparse(node) for node in body if not isinstance(getattr(node, 'value', None), ast.Constant))
    one = rf"\b{kwargs}(?:\.(?:get|pop|setdefault)\(|\[)'(\w+)'|'(\w+)' (?:not )?in {kwargs}\b"
    read = {name for pair in re.findall(one, code) for name in pair if name}
    code, passed_on = re.subn(rf'\.__init__\((.*)\*\*{kwargs}\b', r'.__init__(\1', re.sub(one, '', code))
    return read, bool(passed_on), re.search(rf'\b{kwargs}\b|\b(locals|vars)\(\)', code) is not None
