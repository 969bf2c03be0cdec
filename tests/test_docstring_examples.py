"""Every ``>>>`` example in a docstring of mmvg runs and prints what it says.

Examples run in a folder where ``data/refshapes`` is RefShapes of size tiny and ``configs`` is the folder of shipped
configs, as in a checkout after ``make train``; what they write there is thrown away. Random numbers start from 0, numpy
and torch print four digits, nothing is logged. ``...`` stands for any text, ``# doctest: +SKIP`` leaves a line out.
"""

import doctest
import importlib
import inspect
import io
import logging
from pathlib import Path

import mmdet.datasets  # noqa: F401  (it prints what is not installed, which is not to happen in an example)
import numpy as np
import pytest
import torch
from mmengine.logging import MMLogger

from mmvg.registry import MODELS, TASK_UTILS

ROOT = Path(__file__).parents[1]
MODULES = {
    '.'.join(path.relative_to(ROOT).with_suffix('').parts).removesuffix('.__init__'): path
    for path in sorted((ROOT / 'mmvg').rglob('*.py'))
}
WITH_EXAMPLES = [name for name, path in MODULES.items() if '>>> ' in path.read_text(encoding='utf-8')]

#: Packages and modules in which every public class and function has an example: what ``__all__`` names or, without one,
#: what is defined there.
COVERED = (
    'mmvg.analysis.comparison',
    'mmvg.analysis.complexity',
    'mmvg.analysis.grounding_probe',
    'mmvg.analysis.table16',
    'mmvg.checks',
    'mmvg.config',
    'mmvg.data_check',
    'mmvg.datasets',
    'mmvg.datasets.tokenizers',
    'mmvg.datasets.transforms',
    'mmvg.datasets.writers',
    'mmvg.engine.optimizers',
    'mmvg.engine.runner',
    'mmvg.evaluation',
    'mmvg.evaluation.functional',
    'mmvg.foreign_files',
    'mmvg.limits',
    'mmvg.masks',
    'mmvg.run_lengths',
    'mmvg.models.adapters',
    'mmvg.models.backbones',
    'mmvg.models.features',
    'mmvg.models.fusions',
    'mmvg.models.grounders',
    'mmvg.models.heads',
    'mmvg.models.layers',
    'mmvg.models.losses',
    'mmvg.models.necks',
    'mmvg.models.postprocess',
    'mmvg.models.preprocessor',
    'mmvg.pictures',
    'mmvg.refshapes',
    'mmvg.refshapes.writers',
    'mmvg.structures',
    'mmvg.structures.grasp_maps',
    'mmvg.uncompiled_ops',
    'mmvg.weights',
    'mmvg.weights.conversion',
    'mmvg.weights.conversion.lavt',
    'mmvg.weights.conversion.magnet',
    'mmvg.weights.conversion.renaming',
    'mmvg.weights.conversion.swin',
    'mmvg.weights.image_backbones',
    'mmvg.weights.state_dict_difference',
    'mmvg.weights.transformers_folder',
)


@pytest.fixture
def checkout(tmp_path, monkeypatch, request):
    """Enter an empty folder with the configs and the data, if the module of the test speaks of them."""
    (tmp_path / 'configs').symlink_to(ROOT / 'configs')
    text = MODULES[request.getfixturevalue('module')].read_text(encoding='utf-8')
    if 'data/refshapes' in text or 'configs/' in text:
        (tmp_path / 'data').mkdir()
        for name in ('refshapes', 'refshapes_tiny'):  # the latter is what the tiny configs read
            (tmp_path / 'data' / name).symlink_to(request.getfixturevalue('refshapes_tiny'))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def print_options():
    """Fix how arrays and tensors are printed, and keep log messages out of the output."""
    MMLogger.get_current_instance()  # made here, for it keeps the stdout it finds
    logging.disable()
    torch.set_printoptions(precision=4, sci_mode=False)
    with np.printoptions(precision=4, suppress=True):
        yield
    torch.set_printoptions(profile='default')
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize('module', WITH_EXAMPLES)
@pytest.mark.usefixtures('checkout', 'print_options')
def test_examples_print_what_the_docstring_says(module):
    found = doctest.DocTestFinder().find(importlib.import_module(module), module)
    assert any(docstring.examples for docstring in found), f'{module}: no docstring holds the example of the file'
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    said = io.StringIO()
    for docstring in found:
        torch.manual_seed(0)
        np.random.seed(0)
        runner.run(docstring, out=said.write, clear_globs=False)
    assert not runner.failures, said.getvalue()


def _public_parts():
    for covered in COVERED:
        module = importlib.import_module(covered)
        own = [name for name, part in vars(module).items() if getattr(part, '__module__', '') == covered]
        for name in getattr(module, '__all__', [name for name in own if not name.startswith('_')]):
            if inspect.isclass(part := getattr(module, name)) or inspect.isfunction(part):
                yield pytest.param(part, id=f'{covered}.{name}')


@pytest.mark.parametrize('part', _public_parts())
def test_every_public_part_has_an_example(part):
    methods = vars(part).values() if inspect.isclass(part) else ()
    docstrings = [inspect.getdoc(part), *(inspect.getdoc(method) for method in methods)]
    assert any('>>> ' in (docstring or '') for docstring in docstrings), (
        f'{inspect.getsourcefile(part)}: {part.__name__} has no example: build it, call it, print the shape or number'
    )


def test_every_registered_part_of_models_is_among_them():
    importlib.import_module('mmvg.models')
    registered = {part for registry in (MODELS, TASK_UTILS) for part in registry.module_dict.values()}
    covered = {parameter.values[0] for parameter in _public_parts()}
    classes = {part for part in registered if inspect.isclass(part) and part.__module__.startswith('mmvg.models')}
    assert classes - covered == set(), 'COVERED lacks their package, or __all__ their name'
