"""Who may import whom: docs/architecture.md lists the rooms of ``mmvg``, the lowest first."""

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / 'docs/architecture.md').read_text()
MODULES = {
    '.'.join(path.relative_to(ROOT).with_suffix('').parts).removesuffix('.__init__'): path
    for path in sorted((ROOT / 'mmvg').rglob('*.py'))
}


def floors(heading):
    """Rooms by name with the number of their floor, from the table below ``heading``."""
    section = PAGE.split(f'## {heading}\n', 1)[1].split('\n## ', 1)[0]
    rows = [line.split('|')[1] for line in section.splitlines() if line.startswith('| `')]
    return {room: floor for floor, row in enumerate(rows) for room in re.findall(r'`([\w.]+)`', row)}


def imported(name):
    """Modules of mmvg that the module ``name`` imports anywhere in its code, with their lines."""
    path = MODULES[name]
    package = name.split('.') if path.name == '__init__.py' else name.split('.')[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else []
            source = '.'.join([*above, *filter(None, [node.module])])
            for alias in node.names:
                found = f'{source}.{alias.name}' if f'{source}.{alias.name}' in MODULES else source
                if found in MODULES:
                    yield found, node.lineno


def upward(rooms, prefix):
    """Imports that lead from a room to one on a higher floor."""
    found = []
    for name in MODULES:
        if not name.startswith(prefix):
            continue
        for target, line in imported(name):
            here, there = (x.removeprefix(prefix).split('.')[0] for x in (name, target))
            if target.startswith(prefix) and rooms[there] > rooms[here]:
                found.append(f'{MODULES[name].relative_to(ROOT)}:{line} imports {target}')
    return found


@pytest.mark.parametrize(('heading', 'prefix'), [('Rooms', 'mmvg.'), ('Rooms of models', 'mmvg.models.')])
def test_no_import_runs_from_a_lower_room_to_a_higher_one(heading, prefix):
    rooms = floors(heading)
    there_are = {name.removeprefix(prefix).split('.')[0] for name in MODULES if name.startswith(prefix)}
    assert rooms.keys() == there_are, 'docs/architecture.md lists other rooms than there are'
    assert upward(rooms, prefix) == []


def test_no_modules_import_each_other_in_a_circle():
    graph = {name: {target for target, _ in imported(name)} - {name} for name in MODULES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f'these modules import one another: {" -> ".join(error.args[1])}')


def test_imports_of_every_form_are_seen():
    assert 'mmvg.models.necks.simple_fpn' in dict(imported('mmvg.models.necks'))  # from .simple_fpn import ...
    assert 'mmvg.uncompiled_ops' in dict(imported('mmvg'))  # from mmvg import uncompiled_ops
    assert 'mmvg.engine.runner' in dict(imported('mmvg.apis.run'))  # inside a function
