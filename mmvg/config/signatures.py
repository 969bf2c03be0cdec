"""Which keyword arguments a class or function really accepts, looking through ``**kwargs`` that are passed on."""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field


@dataclass
class Arguments:
    """Keyword arguments of a callable.

    Args:
        names: Every name that is accepted.
        required: Names without a default in the outermost signature.
        anything: True if further names end in ``**kwargs`` whose use cannot be followed.
    """

    names: set[str] = field(default_factory=set)
    required: set[str] = field(default_factory=set)
    anything: bool = False

    def unknown(self, given: Iterable[str]) -> list[str]:
        """Names of ``given`` that the callable would refuse or drop."""
        return [] if self.anything else [name for name in given if name not in self.names]


@dataclass
class _KwargsUse:
    """What a function does with its ``**kwargs``: names read one by one, parents they go to, anything else."""

    names: set[str] = field(default_factory=set)
    to_super: bool = False
    parents: set[str] = field(default_factory=set)
    elsewhere: bool = False


def arguments_of(target: Callable) -> Arguments:
    """Collect the keyword arguments of a class, function or partial.

    A class whose ``__init__`` hands ``**kwargs`` to ``super().__init__`` also accepts what the next class of the MRO
    accepts. ``**kwargs`` that nobody reads accept nothing: a setting that lands there has no effect. ``**kwargs`` that
    are stored or handed to something else accept anything.
    """
    if not inspect.isclass(target):
        return _of_function(target)
    inits = [cls for cls in target.__mro__ if cls is not object and '__init__' in vars(cls)]
    if not inits:
        return _of_function(target)
    return _of_init(inits, 0)


def _parameters(target: Callable) -> tuple[Arguments, str | None]:
    """The plain signature of ``target`` and the name of its ``**kwargs``, if it has them."""
    try:
        parameters = list(inspect.signature(target).parameters.values())
    except (TypeError, ValueError):  # builtins without a signature
        return Arguments(anything=True), None
    named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    kwargs = next((p.name for p in parameters if p.kind is p.VAR_KEYWORD), None)
    return Arguments({p.name for p in named}, {p.name for p in named if p.default is p.empty}), kwargs


def _of_function(target: Callable) -> Arguments:
    arguments, kwargs = _parameters(target)
    if kwargs is not None:
        use = _use_of_kwargs(target, kwargs)
        arguments.names |= use.names
        arguments.anything = use.elsewhere or use.to_super or bool(use.parents)
    return arguments


def _of_init(inits: list[type], index: int) -> Arguments:
    """Arguments of ``inits[index].__init__``; ``inits`` are the classes of one MRO that define it."""
    cls = inits[index]
    if (cls.__module__, cls.__name__) == ('torch.nn.modules.module', 'Module'):
        return Arguments()  # written as (*args, **kwargs), and raises on any of them
    arguments, kwargs = _parameters(vars(cls)['__init__'])
    if arguments.anything:
        return arguments
    first = next(iter(inspect.signature(vars(cls)['__init__']).parameters), None)
    arguments.names.discard(first)
    arguments.required.discard(first)
    if kwargs is None:
        return arguments
    use = _use_of_kwargs(vars(cls)['__init__'], kwargs)
    arguments.names |= use.names
    followed = [i for i in range(index + 1, len(inits)) if inits[i].__name__ in use.parents]
    if use.to_super and index + 1 < len(inits):
        followed.append(index + 1)
    for parent in followed:
        inherited = _of_init(inits, parent)
        arguments.names |= inherited.names
        arguments.anything |= inherited.anything
    if not followed and not use.to_super:
        arguments.anything |= use.elsewhere or bool(use.parents)
    return arguments


def _use_of_kwargs(function: Callable, name: str) -> _KwargsUse:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):  # no source: nothing can be said
        return _KwargsUse(elsewhere=True)
    use = _KwargsUse()
    understood: set[int] = set()

    def is_kwargs(node: ast.AST | None) -> bool:
        return isinstance(node, ast.Name) and node.id == name

    def read(key: ast.AST, owner: ast.AST) -> None:
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            use.names.add(key.value)
            understood.add(id(owner))

    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            _follow_call(node, is_kwargs, use, understood, read)
        elif isinstance(node, ast.Subscript) and is_kwargs(node.value):
            read(node.slice, node.value)
        elif isinstance(node, ast.Compare) and len(node.comparators) == 1 and is_kwargs(node.comparators[0]):
            read(node.left, node.comparators[0])
    loads = (node for node in ast.walk(tree) if is_kwargs(node) and id(node) not in understood)
    use.elsewhere |= any(True for _ in loads)
    return use


def _follow_call(node: ast.Call, is_kwargs: Callable, use: _KwargsUse, understood: set[int], read: Callable) -> None:
    """Note what one call says about kwargs: ``super().__init__(**kwargs)``, ``kwargs.pop('x')``, ``locals()``."""
    func = node.func
    if isinstance(func, ast.Name) and func.id in ('locals', 'vars'):
        use.elsewhere = True
    if not isinstance(func, ast.Attribute):
        return
    if is_kwargs(func.value) and func.attr in ('get', 'pop', 'setdefault') and node.args:
        read(node.args[0], func.value)
    for keyword in node.keywords:
        if keyword.arg is not None or not is_kwargs(keyword.value) or func.attr != '__init__':
            continue
        owner = func.value
        if isinstance(owner, ast.Call) and isinstance(owner.func, ast.Name) and owner.func.id == 'super':
            use.to_super = True
            understood.add(id(keyword.value))
        elif isinstance(owner, ast.Name):
            use.parents.add(owner.id)
            understood.add(id(keyword.value))
