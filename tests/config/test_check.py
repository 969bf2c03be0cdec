"""Toy parts are registered here; nothing of them is ever built, only their signatures are read."""

import re
import textwrap
from pathlib import Path

import pytest
from mmengine.config import Config
from torch import nn

from mmvg.config import ConfigError, check_config, read_config, runner_config
from mmvg.config.places import runner_keys
from mmvg.config.signatures import ANYTHING, arguments_of
from mmvg.registry import DATASETS, METRICS, MODELS, TRANSFORMS

CONFIGS = Path(__file__).parents[2] / 'configs'


class ToyBase(nn.Module):
    def __init__(self, init_cfg=None):
        super().__init__()


@MODELS.register_module()
class ToyEncoder(ToyBase):
    def __init__(self, width, drop_path_rate=0.0, **kwargs):
        super().__init__(**kwargs)


@MODELS.register_module()
class ToyWrapper(nn.Module):
    def __init__(self, encoder, head=None):
        super().__init__()


@TRANSFORMS.register_module()
class ToyResize:
    def __init__(self, scale, keep_ratio=False):
        pass


@DATASETS.register_module()
class ToyDataset:
    def __init__(self, ann_file, pipeline=()):
        pass


@METRICS.register_module()
class ToyMetric:
    def __init__(self, thr=0.5):
        pass


def good():
    return dict(
        default_scope='mmvg',
        model=dict(type='ToyWrapper', encoder=dict(type=ToyEncoder, width=8, drop_path_rate=0.1)),
        train_dataloader=dict(
            batch_size=2,
            num_workers=0,
            sampler=dict(type='DefaultSampler', shuffle=True),
            collate_fn=dict(type='default_collate'),
            dataset=dict(
                type='RepeatDataset',
                times=2,
                dataset=dict(type='ToyDataset', ann_file='a.json', pipeline=[dict(type='ToyResize', scale=(4, 4))]),
            ),
        ),
        train_cfg=dict(by_epoch=True, max_epochs=2, val_interval=1),
        val_cfg=dict(fp16=True),
        val_evaluator=[dict(type='ToyMetric', thr=0.3)],
        optim_wrapper=dict(
            type='AmpOptimWrapper',
            loss_scale='dynamic',
            accumulative_counts=2,  # AmpOptimWrapper takes it through **kwargs
            optimizer=dict(type='AdamW', lr=1e-4, weight_decay=0.01),
            clip_grad=dict(max_norm=0.1),
            paramwise_cfg=dict(custom_keys={'encoder.layer': dict(lr_mult=0.1)}, norm_decay_mult=0.0),
        ),
        param_scheduler=[dict(type='MultiStepLR', milestones=[1], convert_to_iter_based=True, by_epoch=True)],
        default_hooks=dict(logger=dict(type='LoggerHook', interval=5, priority='LOW'), timer=None),
        custom_hooks=[dict(type='EMAHook', momentum=0.01, update_buffers=True)],  # to the averaged model via **kwargs
        env_cfg=dict(cudnn_benchmark=False, mp_cfg=dict(mp_start_method='fork'), dist_cfg=dict(backend='gloo')),
        log_processor=dict(window_size=5, by_epoch=True),
        visualizer=dict(type='mmengine.Visualizer', vis_backends=[dict(type='LocalVisBackend', name='local')]),
        randomness=dict(seed=0, deterministic=False),
        model_wrapper_cfg=dict(type='MMDistributedDataParallel', find_unused_parameters=True),
    )


def problems_of(cfg):
    if not isinstance(cfg, Config):
        cfg = Config(cfg)
    try:
        check_config(cfg)
    except ConfigError as error:
        return error.problems
    return []


def write_config(folder, **files):
    for name, text in files.items():
        (folder / f'{name}.py').write_text(textwrap.dedent(text))
    return str(folder / f'{next(iter(files))}.py')


def test_a_config_with_all_of_mmengines_special_keys_passes():
    assert problems_of(good()) == []


@pytest.mark.parametrize(
    ('path', 'wrong', 'right'),
    [
        ('optim_wrapper', 'optim_wraper', 'optim_wrapper'),
        ('model.encoder', 'drop_path_rat', 'drop_path_rate'),
        ('train_dataloader', 'batchsize', 'batch_size'),
        ('train_dataloader.sampler', 'shufle', 'shuffle'),
        ('train_dataloader.dataset', 'time', 'times'),
        ('train_dataloader.dataset.dataset.pipeline.0', 'scal', 'scale'),
        ('train_cfg', 'max_epoch', 'max_epochs'),
        ('val_cfg', 'fp_16', 'fp16'),
        ('val_evaluator.0', 'thrr', 'thr'),
        ('optim_wrapper', 'acumulative_counts', 'accumulative_counts'),
        ('optim_wrapper.optimizer', 'weight_decy', 'weight_decay'),
        ('optim_wrapper.paramwise_cfg', 'norm_decay_mul', 'norm_decay_mult'),
        ('param_scheduler.0', 'milestone', 'milestones'),
        ('default_hooks.logger', 'intervall', 'interval'),
        ('env_cfg', 'cudnn_bench', 'cudnn_benchmark'),
        ('env_cfg.mp_cfg', 'mp_start', 'mp_start_method'),
        ('log_processor', 'window', 'window_size'),
        ('visualizer.vis_backends.0', 'img_save_dirr', 'img_save_dir'),
        ('randomness', 'sed', 'seed'),
        ('model_wrapper_cfg', 'find_unused', 'find_unused_parameters'),
    ],
)
def test_a_misspelt_key_is_named_with_its_path_and_the_nearest_name(path, wrong, right):
    cfg = Config(good())
    if wrong == 'optim_wraper':
        path, where = wrong, cfg
        cfg.optim_wraper = cfg.pop('optim_wrapper')
    else:
        where = cfg
        for key in path.split('.'):
            where = where[int(key)] if key.isdigit() else where[key]
        where[wrong] = where.pop(right, 1)
        path = f'{path}.{wrong}'
    problems = problems_of(cfg)
    assert any(problem.startswith(f'{path}:') and repr(right) in problem for problem in problems), problems


def test_a_misspelt_setting_of_a_heads_post_processing_is_named_too():
    for name in ('instancevg/tiny.py', 'magnet/tiny.py', 'lggd/tiny.py'):
        cfg = read_config(CONFIGS / name)
        cfg.model.head.postprocess['mask_thresh'] = 0.4
        problems = problems_of(cfg)
        assert [p for p in problems if p.startswith('model.head.postprocess.mask_thresh:') and "'mask_thr'" in p], (
            problems
        )


def test_all_problems_come_at_once():
    cfg = Config(good())
    cfg.model.encoder.drop_path_rat = 0.2
    cfg.optim_wraper = {}
    cfg.train_dataloader.dataset.dataset.pipeline[0].keep_ratios = True
    with pytest.raises(ConfigError) as caught:
        check_config(cfg)
    assert len(caught.value.problems) == 3
    for word in ('3 problems', 'drop_path_rat:', 'optim_wraper:', 'keep_ratios:'):
        assert word in str(caught.value)


def test_a_missing_argument_is_reported_where_nobody_else_supplies_it():
    cfg = Config(good())
    del cfg.train_dataloader.dataset.dataset['ann_file']
    del cfg.train_dataloader.dataset.dataset.pipeline[0]['scale']
    problems = problems_of(cfg)
    assert len(problems) == 2
    assert all('missing' in problem for problem in problems)
    cfg = Config(good())
    del cfg.model.encoder['width']  # a model may add arguments to its parts
    assert problems_of(cfg) == []


def test_a_dict_that_must_have_a_type_and_has_none_is_reported():
    cfg = Config(good())
    cfg.train_dataloader.dataset.dataset.tpye = cfg.train_dataloader.dataset.dataset.pop('type')
    assert problems_of(cfg) == ["train_dataloader.dataset.dataset: has no type; did you mean 'tpye'?"]


@pytest.mark.parametrize('name', ['ToyEncodr', 'mmvg.ToyEncodr'])
def test_an_unknown_type_comes_with_the_nearest_registered_name(name):
    cfg = Config(good())
    cfg.model.encoder.type = name
    (problem,) = problems_of(cfg)
    assert problem.startswith(f'model.encoder.type: {name!r} is not registered')
    assert "'ToyEncoder'" in problem


def test_a_class_that_cannot_be_imported_is_reported(tmp_path):
    file = write_config(
        tmp_path,
        config="""
        from mmengine.hooks import LogerHook
        default_hooks = dict(logger=dict(type=LogerHook))
        """,
    )
    (problem,) = problems_of(Config.fromfile(file))
    assert problem.startswith('default_hooks.logger.type: Failed to import LogerHook')
    assert "'LoggerHook'" in problem


def test_a_left_over_delete_is_explained():
    cfg = Config(good())
    cfg.model.encoder._delete_ = True
    assert problems_of(cfg) == [
        'model.encoder._delete_: there was nothing to delete when this dict was merged; take it out'
    ]


def test_scopes_reach_other_libraries():
    cfg = Config(good())
    pipeline = cfg.train_dataloader.dataset.dataset.pipeline
    pipeline.append(dict(type='mmdet.Resize', scale=(4, 4), keep_ratio=True))  # keep_ratio goes on to mmcv's Resize
    pipeline.append(
        dict(_scope_='mmdet', type='LoadAnnotations', with_mask=True, poly2mask=False, imdecode_backend='cv2')
    )
    assert problems_of(cfg) == []
    pipeline[-1]['with_masks'] = True
    (problem,) = problems_of(cfg)
    assert problem.startswith('train_dataloader.dataset.dataset.pipeline.2.with_masks: LoadAnnotations takes no such')


def test_helpers_are_legal_when_a_config_file_reads_them(tmp_path):
    file = write_config(
        tmp_path,
        config="""
        from mmengine.config import read_base
        with read_base():
            from .base import img_size, names, train_cfg
        val_cfg = dict(fp16=bool(img_size))
        custom_hooks = [dict(type=name) for name in names]
        """,
        base="""
        img_size = 4
        names = ['EmptyCacheHook']
        train_cfg = dict(by_epoch=True, max_epochs=img_size)
        """,
    )
    cfg = Config.fromfile(file)
    assert problems_of(cfg) == []
    kept = runner_config(cfg)
    assert set(kept) == {'train_cfg', 'val_cfg', 'custom_hooks'}


def test_a_name_that_is_imported_or_written_to_but_never_read_is_reported_with_its_line(tmp_path):
    file = write_config(
        tmp_path,
        config="""
        from mmengine.config import read_base
        with read_base():
            from .base import train_cfg, optim_wraper
        optim_wraper.clip_grad = dict(max_norm=1)
        optim_wraper.update(accumulative_counts=2)
        """,
        base="""
        train_cfg = dict(by_epoch=True, max_epochs=1)
        optim_wraper = dict(optimizer=dict(type='SGD', lr=0.1))
        """,
    )
    (problem,) = problems_of(Config.fromfile(file))
    assert re.match(r"optim_wraper \(.*base\.py:3\): .*'optim_wrapper'", problem)


def test_cfg_options_are_checked_too(tmp_path):
    file = write_config(tmp_path, config='train_cfg = dict(by_epoch=True, max_epochs=4)')
    for option, expected in {
        'train_cfg.max_epoch': 'train_cfg.max_epoch: the runner takes no such argument',
        'trian_cfg.max_epochs': 'trian_cfg: the runner has no such setting',
    }.items():
        (problem,) = problems_of(read_config(file, {option: 1}))
        assert problem.startswith(expected)


def test_a_dumped_config_loads_again_and_passes(tmp_path):
    file = write_config(
        tmp_path,
        config="""
        from mmengine.hooks import LoggerHook
        from torch.optim import AdamW
        import torch.nn as nn

        sizes = [1, 2]
        model = dict(type=nn.Linear, in_features=sizes[0], out_features=sizes[1])
        optim_wrapper = dict(optimizer=dict(type=AdamW, lr=1e-4))
        default_hooks = dict(logger=dict(type=LoggerHook, interval=sizes[1]))
        """,
    )
    kept = runner_config(Config.fromfile(file))
    kept.dump(tmp_path / 'dumped.py')
    again = Config.fromfile(tmp_path / 'dumped.py')
    assert problems_of(again) == []
    assert again.to_dict() == kept.to_dict()
    assert set(again) == {'model', 'optim_wrapper', 'default_hooks'}
    again.optim_wrapper.optimizer.lrr = 1
    assert len(problems_of(again)) == 1


def test_the_keys_of_the_runner_are_those_that_mmengine_reads():
    from mmengine.runner import runner

    source = Path(runner.__file__).read_text()
    read = set(re.findall(r"(?<![_\w])cfg(?:\.get\(|\[)'(\w+)'", source.split('def build_logger')[0]))
    read |= set(re.findall(r"self\.cfg\.get\(\s*'(\w+)'", source))
    assert read <= runner_keys()


def sibling(a, b=1):
    pass


class Parent:
    def __init__(self, a, b=1):
        pass


class ForwardsToSuper(Parent):
    def __init__(self, c, **kwargs):
        super().__init__(a=1, **kwargs)


class ForwardsByName(Parent):
    def __init__(self, c, **kwargs):
        Parent.__init__(self, **kwargs)


class ReadsByName(Parent):
    def __init__(self, **kwargs):
        self.x = kwargs.pop('x', None)
        self.y = kwargs['y'] if 'z' in kwargs else 1
        super().__init__(**kwargs)


class NeverReads(Parent):
    def __init__(self, c, **kwargs):
        super().__init__(c)


class Stores:
    def __init__(self, **kwargs):
        self.kwargs = kwargs


class HandsOver:
    def __init__(self, **kwargs):
        self.part = sibling(**kwargs)


class ModuleWithKwargs(nn.Module):
    def __init__(self, c, **kwargs):
        super().__init__(**kwargs)


@pytest.mark.parametrize(
    ('target', 'names', 'anything'),
    [
        (sibling, {'a', 'b'}, False),
        (Parent, {'a', 'b'}, False),
        (ForwardsToSuper, {'a', 'b', 'c'}, False),
        (ForwardsByName, {'a', 'b', 'c'}, False),
        (ReadsByName, {'a', 'b', 'x', 'y', 'z'}, False),
        (NeverReads, {'c'}, False),
        (Stores, set(), True),
        (HandsOver, set(), True),
        (ModuleWithKwargs, {'c'}, False),
    ],
)
def test_arguments_are_followed_through_kwargs(target, names, anything):
    assert arguments_of(target).keys() - {ANYTHING} == names
    assert (ANYTHING in arguments_of(target)) == anything


def test_mmdet_and_mmengine_parts_give_no_false_alarm():
    from mmdet.structures import DetDataSample
    from mmengine.hooks import EMAHook
    from mmengine.optim import AmpOptimWrapper, CosineAnnealingLR

    for target, names in {
        DetDataSample: {'metainfo', 'gt_instances'},
        EMAHook: {'update_buffers'},
        AmpOptimWrapper: {'loss_scale', 'accumulative_counts', 'clip_grad'},
        CosineAnnealingLR: {'eta_min', 'T_max', 'begin', 'verbose'},
    }.items():
        assert ANYTHING in arguments_of(target) or names <= arguments_of(target).keys(), target


def test_a_reference_that_nobody_has_replaced_is_reported():
    cfg = Config(good())
    cfg.train_dataloader.batch_size = '${batch_size}'
    assert problems_of(cfg) == [
        'train_dataloader.batch_size: ${batch_size} is still a reference; mmvg.config.read_config replaces them'
    ]
