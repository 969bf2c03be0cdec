import re
from pathlib import Path

import pytest
from mmengine.config import Config

from mmvg.config import check_config, read_config
from mmvg.config.schedules import schedule_warnings

ROOT = Path(__file__).parents[2]
CONFIGS = sorted(path for path in (ROOT / 'configs').glob('*/*.py') if path.parent.name != '_base_')


def warnings_of(scheduler, **train):
    return schedule_warnings(Config(dict(train_cfg=train, param_scheduler=scheduler)))


@pytest.mark.parametrize(
    ('scheduler', 'train', 'warning'),
    [
        (dict(type='CosineAnnealingLR', by_epoch=False, end=43900), dict(max_epochs=50), 'convert_to_iter_based=True'),
        (
            dict(type='CosineAnnealingLR', by_epoch=True, end=50),
            dict(max_epochs=20),
            'after 50 epochs, the run after 20',
        ),
        (
            dict(type='PolyLR', by_epoch=False, end=900),
            dict(max_iters=1000),
            'after 900 iterations, the run after 1000',
        ),
        (dict(type='PolyLR', end=9), dict(max_iters=1000), 'after 9 epochs, whatever the length of the run'),
        (dict(type='MultiStepLR', milestones=[6, 14]), dict(max_epochs=10), r'milestones at \[14\]'),
    ],
)
def test_a_schedule_that_does_not_fit_the_run_is_warned_about(scheduler, train, warning):
    (found,) = warnings_of([dict(type='LinearLR', by_epoch=False, end=60), scheduler], **train)
    assert found.startswith('param_scheduler.1 ')
    assert re.search(warning, found)


@pytest.mark.parametrize(
    ('scheduler', 'train'),
    [
        (dict(type='CosineAnnealingLR', end=50, convert_to_iter_based=True), dict(max_epochs=50)),
        (dict(type='mmengine.optim.PolyLR', by_epoch=False, end=700), dict(max_iters=700)),
        (dict(type='MultiStepLR', milestones=[35]), dict(max_epochs=50)),
        (dict(type='LinearLR', by_epoch=False, end=2000), dict(max_epochs=50)),
        ([], dict(max_epochs=50)),
        (None, dict(max_epochs=50)),
        (dict(type='PolyLR', end=7), {}),
    ],
)
def test_a_schedule_that_fits_or_has_no_end_is_not(scheduler, train):
    assert warnings_of(scheduler, **train) == []


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: f'{path.parent.name}/{path.name}')
def test_the_schedule_of_every_config_ends_with_its_run(path):
    assert schedule_warnings(read_config(path)) == []


def test_the_check_of_a_config_says_so(capsys):
    cfg = read_config(ROOT / 'configs/lavt/tiny.py', dict(param_scheduler=[dict(type='PolyLR', by_epoch=False, end=9)]))
    check_config(cfg)
    assert 'param_scheduler.0 ends after 9 iterations, the run after 4' in capsys.readouterr().out


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: f'{path.parent.name}/{path.stem}')
def test_a_config_that_trains_says_how_many_samples_its_learning_rate_is_for(path):
    cfg = read_config(path)
    if cfg.get('train_cfg') is None or path.stem.startswith('tiny'):
        return
    processes = cfg.auto_scale_lr.base_batch_size / cfg.train_dataloader.batch_size
    assert processes in (1, 2, 4, 8)
    assert not cfg.auto_scale_lr.enable
