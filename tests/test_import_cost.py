"""What an import drags in, seen from a fresh interpreter."""

import subprocess
import sys

import pytest

HEAVY = ('torch', 'torchvision', 'transformers', 'open_clip', 'mmcv', 'mmdet', 'mmseg', 'matplotlib', 'scipy', 'cv2')


@pytest.mark.parametrize('module', ['mmvg', 'mmvg.registry', 'mmvg.version'])
def test_importing_the_package_loads_nothing_heavy(module):
    code = f'import sys, {module}; print(*[name for name in {HEAVY} if name in sys.modules])'
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_the_functions_behind_the_tools_are_imported_without_torch_and_models():
    code = f'import sys, mmvg.apis; print(*[name for name in {HEAVY} if name in sys.modules])'
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert not {'torch', 'transformers', 'open_clip', 'mmcv', 'mmdet', 'mmseg'} & set(done.stdout.split())


def test_what_libraries_import_just_in_case_is_put_off_until_somebody_asks():
    code = """
import sys
from mmvg.apis.inferencer import GroundingInferencer
import mmvg.models
print('loaded', [name for name in ('transformers', 'peft', 'sklearn') if name in sys.modules])
import transformers, sklearn
from mmvg.registry import OPTIMIZERS
import mmvg.engine.optimizers, torch
print(type(OPTIMIZERS.build(dict(type='Adafactor', params=[torch.nn.Parameter(torch.zeros(2))]))).__name__)
"""
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert 'loaded []' in lines
    assert lines[-1] == 'Adafactor'


def test_everything_is_imported_at_once_where_that_is_asked_for(monkeypatch):
    monkeypatch.setenv('MMVG_EAGER_IMPORTS', '1')
    code = 'import mmvg.models, mmdet.models.language_models.bert as bert; print(bert.BertConfig.__name__)'
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == 'BertConfig'
