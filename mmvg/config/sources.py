"""What the files of a config say: which of them there are, where a name is written, and which names are read."""

import ast
import os.path as osp
import re
from collections.abc import Iterator

from mmvg.config.library import installed_path

#: A string that stands for the value of a setting, with the dotted name as its group.
REFERENCE = re.compile(r'\$\{([A-Za-z_]\w*(?:\.\w+)*)\}')


class ConfigSources:
    """A config file and every file that it inherits through ``read_base``.

    Args:
        filename: The config file, or None for a config that was made from a dict.
    """

    def __init__(self, filename: str | None) -> None:
        self.nodes: dict[str, list[ast.AST]] = {}
        if filename is not None and filename.lower().endswith('.py') and osp.isfile(filename):
            self._add(osp.abspath(filename))

    def _add(self, filename: str) -> None:
        if filename in self.nodes:
            return
        with open(filename, encoding='utf-8-sig') as file:
            self.nodes[filename] = list(ast.walk(ast.parse(file.read(), filename)))
        for node in self.nodes[filename]:
            if isinstance(node, ast.With) and ast.unparse(node.items[0]) == 'read_base()':
                for base in node.body:
                    if isinstance(base, ast.ImportFrom) and osp.isfile(path := _path_of(base, filename)):
                        self._add(path)

    def names_read(self) -> set[str]:
        """Names whose value is used somewhere; ``x.y = 1`` and ``x.update(...)`` write to ``x`` and do not read it."""
        names = set()
        for nodes in self.nodes.values():
            written = {id(target) for node in nodes for target in _written_through(node)}
            read = (n for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load))
            names |= {node.id for node in read if id(node) not in written}
        return names

    def names_referenced(self) -> set[str]:
        """Names of settings to which some string refers."""
        matches = (REFERENCE.fullmatch(node.value) for _, node in self._strings())
        return {match[1].split('.')[0] for match in matches if match}

    def where(self, name: str) -> str:
        """``' (file:line)'`` of the first assignment to ``name``, or an empty string."""
        for filename, nodes in self.nodes.items():
            for node in nodes:
                if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store):
                    return f' ({osp.relpath(filename)}:{node.lineno})'
        return ''

    def where_written(self, text: str) -> str:
        """``' (file:line)'`` of the first string that is ``text``, or an empty string."""
        for filename, node in self._strings():
            if node.value == text:
                return f' ({osp.relpath(filename)}:{node.lineno})'
        return ''

    def _strings(self) -> Iterator[tuple[str, ast.Constant]]:
        for filename, nodes in self.nodes.items():
            yield from ((filename, n) for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str))


def _path_of(node: ast.ImportFrom, filename: str) -> str:
    """The file that ``from <module> import ...`` names inside ``read_base``, by the rules of mmengine."""
    parts = (node.module or '').split('.')
    if node.level:
        folder = osp.join(osp.dirname(filename), *['..'] * (node.level - 1))
    else:
        folder = installed_path(parts.pop(0))
    return osp.abspath(osp.join(folder, *parts) + '.py')


def _written_through(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the names that a statement only writes through: ``model`` in ``model.head = x`` or ``hooks.append(x)``."""
    targets = getattr(node, 'targets', [getattr(node, 'target', None)])
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        targets = [node.value.func]
    for target in targets:
        while isinstance(target, (ast.Attribute, ast.Subscript)):
            target = target.value
        yield target
