"""Which keyword arguments a class or function really accepts, looking through ``**kwargs`` that are passed on."""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterable
from inspect import Parameter, Signature

#: Accepts any keyword: arguments whose use cannot be followed.
ANYTHING = Signature([Parameter('kwargs', Parameter.VAR_KEYWORD)])


def keywords(*names: str) -> Signature:
    """Make a signature of optional keyword arguments."""
    return Signature([Parameter(name, Parameter.KEYWORD_ONLY, default=None) for name in names])


def unknown(signature: Signature, given: Iterable[str]) -> list[str]:
    """List the names of ``given`` that ``signature`` refuses."""
    refused = []
    for name in given:
        try:
            signature.bind_partial(**{name: None})
        except TypeError:
            refused.append(name)
    return refused


def required(signature: Signature) -> set[str]:
    """Collect the names that have no default."""
    return {p.name for p in signature.parameters.values() if p.default is p.empty and p.kind is not p.VAR_KEYWORD}


def signature_of(target: Callable) -> Signature:
    """Collect the keyword arguments of a class or function.

    A class whose ``__init__`` hands ``**kwargs`` to that of a parent also accepts what the parent accepts. ``**kwargs``
    that nobody reads accept nothing: a setting that lands there has no effect. ``**kwargs`` that are stored or handed
    to something else accept anything.
    """
    if not inspect.isclass(target):
        return _merge([target])
    inits = [vars(cls)['__init__'] for cls in target.__mro__ if '__init__' in vars(cls) and not _is_empty(cls)]
    return _merge(inits, bound=True) if inits else _merge([target])


def _is_empty(cls: type) -> bool:
    """Whether the constructor takes nothing; that of torch is written as (*args, **kwargs), and raises on any."""
    return (cls.__module__, cls.__qualname__) in (('builtins', 'object'), ('torch.nn.modules.module', 'Module'))


def _merge(functions: list[Callable], bound: bool = False) -> Signature:
    """Join what the first function takes with what it hands on to the next ones."""
    merged: dict[str, Parameter] = {}
    for function in functions:
        try:
            parameters = list(inspect.signature(function).parameters.values())[bound:]
        except (TypeError, ValueError):  # a builtin without a signature
            return ANYTHING
        for p in parameters:
            if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY):  # what a parent requires may come from the class
                merged.setdefault(p.name, p.replace(kind=p.KEYWORD_ONLY, default=None if merged else p.default))
        kwargs = next((p.name for p in parameters if p.kind is p.VAR_KEYWORD), None)
        if kwargs is None:
            break
        read, passed_on, elsewhere = _uses(function, kwargs)
        merged |= keywords(*read - merged.keys()).parameters
        if elsewhere or (passed_on and not bound):
            return Signature([*merged.values(), *ANYTHING.parameters.values()])
        if not passed_on:
            break
    return Signature(list(merged.values()))


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
