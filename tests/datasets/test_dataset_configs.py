import shutil
from pathlib import Path

import numpy
import pytest
import torch
from mmengine.registry import DATASETS as ROOT_DATASETS

from mmvg.config import read_config
from mmvg.datasets.tokenizers import WordTokenizer
from mmvg.registry import DATASETS, METRICS

FOLDER = Path(__file__).parents[2] / 'configs/_base_/datasets'
NAMES = ['grefcoco', 'refcoco', 'refcocoplus', 'refcocog', 'refshapes_grefcoco', 'refshapes_refcoco']
#: Name -> dataset of the train and of the test loader, splits, side of the input or its width and height, metrics.
DRAWN = {
    'refzom': ('refzom', 'refzom', ('train', 'test', 'test'), 320, ['refzom']),
    'rrefcoco': ('rrefcoco', 'rrefcoco', ('train', 'val', 'val'), 320, ['rref']),
    'refcoco_mixed': ('refcoco_mixed', 'refcoco', ('train', 'val', 'val'), 320, ['rec', 'res']),
    'grefcoco_instancevg_json': ('grefcoco', 'grefcoco', ('train', 'val', 'val'), 320, ['grec', 'gres']),
    'phrasecut': ('phrasecut', 'phrasecut', ('train', 'val', 'test'), 416, ['phrasecut']),
}
DRAWN |= {f'refshapes_{name}': values for name, values in DRAWN.items()}
GRASPS = {
    'ocid_vlg': ('ocid_vlg', 'ocid_vlg', ('train', 'val', 'test'), 224, ['grasp', 'res']),
    'refscenes_ocid_vlg': ('ocid_vlg', 'ocid_vlg', ('train', 'val', 'test'), (128, 96), ['grasp', 'res']),
    'refshapes_ocid_vlg': ('ocid_vlg', 'ocid_vlg', ('train', 'val', 'test'), 96, ['grasp', 'res']),
    'grasp_anything': ('grasp_anything', 'grasp_anything', ('train', 'test', 'test'), 224, ['grasp_anything', 'res']),
}
DRAWN |= GRASPS
#: Benchmarks, which tests/datasets/formats/test_benchmarks.py tests in files of their own.
EVALUATED = ['flickr30k_entities', 'humanref', 'ref_l4', 'refcoco_m']
SIMULATED = ['refscenes_jsonl']  # tests/simulation/test_learning.py


@pytest.fixture
def config_and_root(request, data_folder):
    """A base config that reads the small data folder, with a word list in place of its own tokenizer."""
    root = data_folder.write(images=True)
    for folder, refs in (('refcoco+', 'refs(unc).p'), ('refcocog', 'refs(umd).p')):
        shutil.copytree(root / 'refcoco', root / folder)
        (root / folder / 'refs(unc).p').rename(root / folder / refs)
    words = sorted({word for text in (*data_folder.refs, *data_folder.grefs) for word in _words(text)})
    (root / 'vocab.txt').write_text('\n'.join(['[PAD]', '[UNK]', '[BOS]', '[EOS]', *words]) + '\n')
    config = read_config(FOLDER / f'{request.param}.py')
    tokenizer = dict(type=WordTokenizer, vocab_file=str(root / 'vocab.txt'))
    for loader in (config.train_dataloader, config.val_dataloader, config.test_dataloader):
        loader.dataset.update(data_root=str(root), serialize_data=False)
        loader.dataset.pipeline[4].tokenizer = tokenizer
    return config, root


def _words(ref: dict) -> list[str]:
    return [word for sentence in ref['sentences'] for word in sentence['sent'].split()]


def test_there_is_a_case_for_every_file():
    assert sorted(path.stem for path in FOLDER.glob('*.py')) == sorted([*NAMES, *DRAWN, *EVALUATED, *SIMULATED])


@pytest.mark.parametrize('config_and_root', NAMES, indirect=True)
def test_samples_leave_the_pipelines_in_the_frames_they_name(config_and_root):
    config, _ = config_and_root
    for loader, frame in (
        (config.train_dataloader, 'input'),
        (config.val_dataloader, 'original'),
        (config.test_dataloader, 'original'),
    ):
        dataset = DATASETS.build(loader.dataset)
        sample = dataset[0]
        scale = loader.dataset.pipeline[2 if frame == 'input' else 1].scale
        assert sample['inputs'].shape == (3, *reversed(scale))
        packed = sample['data_samples']
        assert packed.gt_frame == frame
        height, width = packed.img_shape if frame == 'input' else packed.ori_shape
        assert packed.gt_sem_seg.sem_seg.shape == (1, height, width)
        item = dataset.get_data_info(0)
        x_scale = width / item['width']
        left = torch.tensor([instance['bbox'][0] for instance in item['instances']])
        torch.testing.assert_close(packed.gt_instances.bboxes[:, 0], left * x_scale)
        assert packed.text_mask.sum() == 2 + len(packed.text.split())


@pytest.mark.parametrize('config_and_root', NAMES, indirect=True)
def test_names_splits_and_metrics_are_those_of_the_dataset(config_and_root):
    config, _ = config_and_root
    datasets = [DATASETS.build(config[f'{name}_dataloader'].dataset) for name in ('train', 'val', 'test')]
    assert [dataset.split for dataset in datasets] == ['train', 'val', 'val']
    assert [dataset.load_report.evaluation for dataset in datasets] == [False, True, True]
    name = Path(config.filename).stem
    assert datasets[0].name == {'refcocoplus': 'refcoco+'}.get(name, name.removeprefix('refshapes_'))
    prefixes = ['grec', 'gres'] if 'grefcoco' in name else ['rec', 'res']
    assert [METRICS.build(metric).prefix for metric in config.val_evaluator] == prefixes
    assert config.test_evaluator == config.val_evaluator


@pytest.mark.parametrize('config_and_root', ['grefcoco', 'refcoco'], indirect=True)
def test_another_split_is_one_option_and_leaves_validation_alone(config_and_root):
    config, _ = config_and_root
    config.merge_from_dict({'test_dataloader.dataset.split': 'testA'})
    assert (config.test_dataloader.dataset.split, config.val_dataloader.dataset.split) == ('testA', 'val')


def test_mmengine_finds_the_classes_by_their_scoped_name(data_folder):
    root = data_folder.write()
    config = dict(type='mmvg.GRefCOCODataset', split='val', data_root=str(root))
    assert len(ROOT_DATASETS.build(config)) == 2


@pytest.fixture(scope='module')
def drawn(benchmarks_tiny):
    return benchmarks_tiny


@pytest.fixture
def drawn_config(request, drawn):
    config = read_config(FOLDER / f'{request.param}.py')
    for loader in (config.train_dataloader, config.val_dataloader, config.test_dataloader):
        folder = request.param.removeprefix('refshapes_').removeprefix('refscenes_') if request.param in GRASPS else ''
        loader.dataset.update(data_root=str(drawn / folder), check_images=True, mode='strict')
        (tokenize,) = (step for step in loader.dataset.pipeline if 'tokenizer' in step)
        tokenize.tokenizer = dict(type=WordTokenizer, vocab_file=str(drawn / 'vocab.txt'))
    return config


@pytest.mark.parametrize('drawn_config', DRAWN, indirect=True)
def test_configs_read_refshapes_in_the_formats_of_their_data_sets(drawn_config):
    name = Path(drawn_config.filename).stem
    train_name, test_name, splits, side, _ = DRAWN[name]
    width, height = (side, side) if isinstance(side, int) else side
    loaders = [drawn_config[f'{loader}_dataloader'] for loader in ('train', 'val', 'test')]
    datasets = [DATASETS.build(loader.dataset) for loader in loaders]
    assert [dataset.name for dataset in datasets] == [train_name, test_name, test_name]
    assert tuple(dataset.split for dataset in datasets) == splits
    assert [dataset.load_report.evaluation for dataset in datasets] == [False, True, True]
    assert [dataset.test_mode for dataset in datasets] == [False, True, True]
    for dataset, frame in zip(datasets, ('input', 'original', 'original'), strict=True):
        samples = [dataset[i] for i in range(0, len(dataset), 9)]
        for sample in samples:
            packed = sample['data_samples']
            assert sample['inputs'].shape == (3, height, width)
            assert packed.gt_frame == frame
            assert packed.gt_sem_seg.sem_seg.shape[1:] == ((height, width) if frame == 'input' else packed.ori_shape)
            assert bool(packed.gt_sem_seg.sem_seg.any()) == (len(packed.gt_instances) > 0) == (not packed.no_target)
            assert packed.text_mask.sum() == min(2 + len(packed.text.split()), len(packed.text_mask))
        if dataset.sentence_mode == 'all':  # else the sentences are drawn, and these few may all have a target
            empty = any(sample['data_samples'].no_target for sample in samples)
            assert empty == any(part in name for part in ('grefcoco', 'refzom', 'rrefcoco'))


@pytest.mark.parametrize('drawn_config', DRAWN, indirect=True)
def test_the_metrics_of_drawn_configs_are_those_of_their_data_sets(drawn_config):
    *_, prefixes = DRAWN[Path(drawn_config.filename).stem]
    assert [METRICS.build(metric).prefix for metric in drawn_config.val_evaluator] == prefixes
    assert drawn_config.test_evaluator == drawn_config.val_evaluator


@pytest.mark.parametrize('name', [name for name in DRAWN if not name.startswith('refshapes_') and name not in GRASPS])
def test_the_twin_on_refshapes_differs_in_paths_and_words_only(name):
    first, second = (read_config(FOLDER / f'{prefix}{name}.py').to_dict() for prefix in ('', 'refshapes_'))
    for config in (first, second):
        for loader in ('train', 'val', 'test'):
            dataset = config[f'{loader}_dataloader']['dataset']
            for key in ('data_root', 'img_prefix', 'ann_file'):
                dataset.pop(key, None)
            dataset['pipeline'][4].pop('tokenizer')
    keys = [key for key in first if key.endswith(('dataloader', 'evaluator'))]
    assert {key: first[key] for key in keys} == {key: second[key] for key in keys}


@pytest.mark.parametrize('drawn_config', GRASPS, indirect=True)
def test_grasps_go_with_the_frame_and_are_painted_for_training(drawn_config):
    for loader in ('train', 'val', 'test'):
        dataset = DATASETS.build(drawn_config[f'{loader}_dataloader'].dataset)
        for index in range(0, len(dataset), 7):
            sample = dataset[index]['data_samples']
            item = dataset.get_data_info(index)
            assert len(sample.gt_grasps) == len(item['grasps']) > 0
            scale = sample.scale_factor[0] if loader == 'train' else 1
            torch.testing.assert_close(sample.gt_grasps[:, 2], torch.from_numpy(item['grasps'][:, 2]) * scale)
            # every grasp was drawn on a visible part of its object
            height, width = sample.gt_sem_seg.shape
            x, y = sample.gt_grasps[:, :2].long().unbind(1)
            near = torch.nn.functional.max_pool2d(sample.gt_sem_seg.sem_seg.float(), 7, 1, 3)[0]
            assert near[y.clamp(0, height - 1), x.clamp(0, width - 1)].all()
            assert ('gt_grasp_maps' in sample) == (loader == 'train')


@pytest.mark.parametrize('drawn_config', ['grasp_anything'], indirect=True)
def test_turned_and_enlarged_pictures_keep_grasps_on_their_parts(drawn_config):
    settings = drawn_config.train_dataloader.dataset
    settings.pipeline[3].update(turn=True, zoom=(0.5, 1.0))
    dataset = DATASETS.build(settings)
    numpy.random.seed(0)
    painted = seen = 0
    for index in range(0, len(dataset), 2):
        sample = dataset[index]['data_samples']
        mask = torch.nn.functional.max_pool2d(sample.gt_sem_seg.sem_seg.float(), 9, 1, 4)[0]
        inside = ((sample.gt_grasps[:, :2] >= 0) & (sample.gt_grasps[:, :2] < 224)).all(1)
        x, y = sample.gt_grasps[inside, :2].long().unbind(1)
        assert mask[y, x].all()
        quality = sample.gt_grasp_maps.maps[0]
        painted += int((quality[y, x] == 1).sum())
        seen += len(x)
    assert painted == seen > 50


JOINED = [path for path in sorted(FOLDER.parents[1].rglob('*.py')) if 'ConcatDataset' in path.read_text()]


@pytest.mark.parametrize('path', JOINED, ids=lambda path: f'{path.parent.name}/{path.stem}')
def test_joined_data_sets_are_built_together(path, refshapes_tiny):
    cfg = read_config(path, {'data_root': str(refshapes_tiny)})
    joined = [cfg[f'{name}_dataloader'].dataset for name in ('train', 'val', 'test')]
    joined = [dataset for dataset in joined if 'datasets' in dataset]
    assert joined
    for dataset in joined:
        for part in dataset.datasets:
            part.update(pipeline=[], serialize_data=False, data_root=str(refshapes_tiny))
        built = DATASETS.build(dataset)
        assert len(built) == sum(map(len, built.datasets)) > 0
