"""References to settings: where they are replaced, what the command line reaches, and how mistakes are reported."""

import re
import textwrap
from pathlib import Path

import pytest
from mmengine.config import Config

from mmvg.config import ConfigError, check_config, read_config, runner_config

ROOT = Path(__file__).parents[2]


def write_config(folder, **files):
    for name, text in files.items():
        (folder / f'{name}.py').write_text(textwrap.dedent(text))
    return folder / f'{next(iter(files))}.py'


def problems_of(file, options=None):
    with pytest.raises(ConfigError) as caught:
        read_config(file, options)
    return caught.value.problems


@pytest.fixture
def family(tmp_path):
    """A config that inherits a setting, two lists that refer to it, and a width in a tuple."""
    return write_config(
        tmp_path,
        config="""
        from mmengine.config import read_base
        with read_base():
            from .base import *
        size = 6
        model.head.widths.depth = 3
        """,
        base="""
        from torch.nn import Linear
        size = 4
        widths = (8, 16)
        resize = dict(type='Resize', scale=('${size}', '${size}'))
        steps = ['${resize}', dict(type='Pack')]
        model = dict(type=Linear, width='${widths.1}', head=dict(widths=dict(all='${widths}'), name='${resize.type}'))
        train_dataloader = dict(batch_size=2, dataset=dict(type='Toy', pipeline='${steps}'))
        val_dataloader = dict(batch_size=2, dataset=dict(type='Toy', pipeline='${steps}'))
        """,
    )


def test_a_setting_reaches_every_place_that_refers_to_it(family):
    cfg = read_config(family)
    assert cfg.size == 6
    assert cfg.model.width == 16
    assert cfg.model.head == dict(widths=dict(all=(8, 16), depth=3), name='Resize')
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        assert loader.dataset.pipeline == [dict(type='Resize', scale=(6, 6)), dict(type='Pack')]
    assert cfg.steps == cfg.train_dataloader.dataset.pipeline


def test_every_reference_is_a_copy_of_its_own(family):
    cfg = read_config(family)
    cfg.train_dataloader.dataset.pipeline.append(dict(type='Flip'))
    cfg.train_dataloader.dataset.pipeline[0].scale = (1, 1)
    assert cfg.val_dataloader.dataset.pipeline == [dict(type='Resize', scale=(6, 6)), dict(type='Pack')]


def test_options_for_settings_reach_every_place_and_all_others_one(family):
    options = {'size': 9, 'resize.type': 'Letterbox', 'val_dataloader.dataset.pipeline.0.scale': (2, 2)}
    cfg = read_config(family, options)
    assert cfg.train_dataloader.dataset.pipeline[0] == dict(type='Letterbox', scale=(9, 9))
    assert cfg.val_dataloader.dataset.pipeline[0] == dict(type='Letterbox', scale=(2, 2))
    assert cfg.model.head.name == 'Letterbox'


def test_an_option_may_itself_be_a_reference(family):
    assert read_config(family, {'model.width': '${size}'}).model.width == 6


def test_what_is_dumped_has_no_references_and_loads_with_mmengine_alone(family, tmp_path):
    kept = runner_config(read_config(family))
    kept.dump(tmp_path / 'dumped.py')
    again = Config.fromfile(tmp_path / 'dumped.py')
    assert '${' not in again.pretty_text
    assert set(again) == {'model', 'train_dataloader', 'val_dataloader'}
    assert again.to_dict() == read_config(tmp_path / 'dumped.py').to_dict() == kept.to_dict()


def test_settings_that_something_refers_to_are_legal_and_others_are_not(tmp_path):
    file = write_config(
        tmp_path,
        config="""
        max_epochs = 2
        val_interval = 1
        train_cfg = dict(by_epoch=True, max_epochs='${max_epochs}')
        """,
    )
    with pytest.raises(ConfigError, match=r'val_interval \(.*config\.py:3\): the runner has no such setting'):
        check_config(read_config(file))


@pytest.mark.parametrize(
    ('reference', 'expected'),
    [
        ('${sise}', "there is no such setting; did you mean 'size'?"),
        ('${steps.scal}', "there is no 'scal' in it; did you mean 'scale'?"),
        ('${widths.2}', "there is no '2' in it"),
        ('${widths.first}', "there is no 'first' in it"),
        ('${size.x}', "there is no 'x' in it"),
        ('${train_cfg}', "'train_cfg' is not a setting: the runner reads it"),
        ('${Linear}', "'Linear' is not a setting"),
        ('${size} pixels', 'a reference is the whole string'),
        ('${size', 'a reference is the whole string'),
    ],
)
def test_a_reference_that_leads_nowhere_comes_with_its_place_and_the_nearest_name(reference, expected, tmp_path):
    file = write_config(
        tmp_path,
        config=f"""
        from torch.nn import Linear
        size = 4
        widths = (8, 16)
        steps = dict(scale=2)
        train_cfg = dict(by_epoch=True, max_epochs=1)
        model = dict(type=Linear, parts=[dict(x='${{size}}', y={reference!r})])
        """,
    )
    (problem,) = problems_of(file)
    assert re.match(r'model\.parts\.0\.y \(.*config\.py:7\): ', problem)
    assert expected in problem


def test_all_wrong_references_come_at_once_and_once_each(tmp_path):
    file = write_config(
        tmp_path,
        config="""
        steps = ['${nothing}']
        train_cfg = dict(a='${steps}', b='${steps}', c='${nowhere}')
        """,
    )
    assert [problem.split(' ')[0] for problem in problems_of(file)] == ['steps.0', 'train_cfg.c']


@pytest.mark.parametrize('text', ["a = '${a}'", "a = ['${b}']\nb = dict(x='${a}')", "a = dict(x='${a.y}', y=1)"])
def test_a_setting_that_refers_to_itself_is_an_error(text, tmp_path):
    (tmp_path / 'config.py').write_text(text + "\ntrain_cfg = dict(max_epochs='${a}')\n")
    assert all('refers to itself' in problem for problem in problems_of(tmp_path / 'config.py'))


def test_an_option_without_effect_is_an_error(tmp_path):
    file = write_config(
        tmp_path,
        config="""
        epochs = 4
        unused = 1
        chain = dict(x='${unused}')
        train_cfg = dict(by_epoch=True, max_epochs=epochs)
        """,
    )
    (problem,) = problems_of(file, {'epochs': 1})
    assert problem.startswith("epochs: --cfg-options come too late for 'epochs'")
    assert problems_of(file, {'unused': 2}) == ["unused: nothing in this config uses 'unused'"]


def test_an_option_that_does_not_fit_is_an_error(family):
    (problem,) = problems_of(family, {'size.width': 3})
    assert problem.startswith('--cfg-options: ')


def test_an_option_for_a_whole_entry_of_a_list_is_an_error():
    with pytest.raises(ConfigError, match=r'--cfg-options: train_pipeline\.0: an entry of a list cannot be replaced'):
        read_config('lavt/tiny', {'train_pipeline.0': 3, 'size': 96})


def test_a_config_in_a_folder_of_its_own_inherits_settings(tmp_path):
    (tmp_path / 'configs').symlink_to(ROOT / 'configs')
    (tmp_path / 'mine').mkdir()
    file = write_config(
        tmp_path / 'mine',
        config="""
        from mmengine.config import read_base
        with read_base():
            from ..configs.instancevg.tiny import *
        size = 32
        channels = 16
        """,
    )
    cfg = read_config(file)
    check_config(cfg)
    assert cfg.model.backbone.img_size == 32
    assert cfg.test_dataloader.dataset.pipeline[1].scale == (32, 32)
    assert cfg.model.head.in_channels == cfg.model.neck.pyramid.out_channels == 16


@pytest.mark.parametrize('text', ['max_keep = 1\nload_from = None\n', ''])
def test_a_byte_order_mark_is_read_over_in_a_config_and_in_what_it_inherits(text, tmp_path):
    (tmp_path / 'base.py').write_text('size = 8\nwork_dir = "${size}"\n', encoding='utf-8-sig')
    heirs = f'from mmengine.config import read_base\n\nwith read_base():\n    from .base import *\n{text}'
    (tmp_path / 'windows.py').write_text(heirs, encoding='utf-8-sig')
    assert read_config(tmp_path / 'windows.py', {'size': 16}).work_dir == 16
