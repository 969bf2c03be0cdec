"""What the files of a config say: which of them there are, where a name is written, and which names are read."""

import ast
import os.path as osp
import re
from collections.abc import Iterator

from mmengine.utils import get_installed_path

#: A string that stands for the value of a setting, with the dotted name as its group.
REFERENCE = re.compile(r'\$\{([A-Za-z_]\w*(?:\.\w+)*)\}')


class ConfigSources:
    """A config file and every file that it inherits through ``read_base``.

    Args:
        filename: The config file, or None for a config that was made from a dict.
    """

    def __init__(self, filename: str | None) -> None:
        self.trees: dict[str, ast.Module] = {}
        if filename is not None and osp.isfile(filename):
            self._add(osp.abspath(filename))

    def _add(self, filename: str) -> None:
        if filename in self.trees:
            return
        with open(filename, encoding='utf-8') as file:
            self.trees[filename] = ast.parse(file.read(), filename)
        for node in ast.walk(self.trees[filename]):
            if isinstance(node, ast.With) and _calls_read_base(node):
                for base in node.body:
                    if isinstance(base, ast.ImportFrom) and osp.isfile(path := _path_of(base, filename)):
                        self._add(path)

    def names_read(self) -> set[str]:
        """Names whose value is used somewhere; ``x.y = 1`` and ``x.update(...)`` write to ``x`` and do not read it."""
        names = set()
        for tree in self.trees.values():
            written = {id(root) for node in ast.walk(tree) for root in _roots_written(node)}
            names |= {
                node.id
                for node in ast.walk(tree)
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and id(node) not in written
            }
        return names

    def names_referenced(self) -> set[str]:
        """Names of settings to which some string refers."""
        matches = (REFERENCE.fullmatch(node.value) for _, node in self._strings())
        return {match[1].split('.')[0] for match in matches if match}

    def where(self, name: str) -> str:
        """``' (file:line)'`` of the first assignment to ``name``, or an empty string."""
        for filename, tree in self.trees.items():
            for node in ast.walk(tree):
                if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store):
                    return f' ({osp.relpath(filename)}:{node.lineno})'
        return ''

    def where_written(self, text: str) -> str:
        """``' (file:line)'`` of the first string that is ``text``, or an empty string."""
        found = ((filename, node.lineno) for filename, node in self._strings() if node.value == text)
        filename, line = next(found, (None, 0))
        return '' if filename is None else f' ({osp.relpath(filename)}:{line})'

    def _strings(self) -> Iterator[tuple[str, ast.Constant]]:
        for filename, tree in self.trees.items():
            for node in ast.walk(tree):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield filename, node


def _calls_read_base(node: ast.With) -> bool:
    call = node.items[0].context_expr
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == 'read_base'


def _path_of(node: ast.ImportFrom, filename: str) -> str:
    """The file that ``from <module> import ...`` names inside ``read_base``, by the rules of mmengine."""
    parts = (node.module or '').split('.')
    if node.level:
        folder = osp.join(osp.dirname(filename), *['..'] * (node.level - 1))
    else:
        folder = get_installed_path(parts.pop(0))
    return osp.abspath(osp.join(folder, *parts) + '.py')


def _roots_written(node: ast.AST) -> list[ast.Name]:
    """Names that a statement only writes through, such as ``model`` in ``model.head = x`` or ``hooks.append(x)``."""
    if isinstance(node, ast.Assign):
        chains = node.targets
    elif isinstance(node, (ast.AugAssign, ast.AnnAssign)):
        chains = [node.target]
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        chains = [node.value.func]
    else:
        return []
    roots = []
    for chain in chains:
        if not isinstance(chain, (ast.Attribute, ast.Subscript)):
            continue
        while isinstance(chain, (ast.Attribute, ast.Subscript)):
            chain = chain.value
        if isinstance(chain, ast.Name):
            roots.append(chain)
    return roots
