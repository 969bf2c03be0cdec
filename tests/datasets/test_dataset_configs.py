import shutil
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DATASETS as ROOT_DATASETS

from mmvg.datasets.tokenizers import WordTokenizer
from mmvg.registry import DATASETS, METRICS

FOLDER = Path(__file__).parents[2] / 'configs/_base_/datasets'
NAMES = ['grefcoco', 'refcoco', 'refcocoplus', 'refcocog', 'refshapes_grefcoco', 'refshapes_refcoco']


@pytest.fixture
def config_and_root(request, data_folder):
    """A base config that reads the small data folder, with a word list in place of its own tokenizer."""
    root = data_folder.write(images=True)
    for folder, refs in (('refcoco+', 'refs(unc).p'), ('refcocog', 'refs(umd).p')):
        shutil.copytree(root / 'refcoco', root / folder)
        (root / folder / 'refs(unc).p').rename(root / folder / refs)
    words = sorted({word for text in (*data_folder.refs, *data_folder.grefs) for word in _words(text)})
    (root / 'vocab.txt').write_text('\n'.join(['[PAD]', '[UNK]', '[BOS]', '[EOS]', *words]) + '\n')
    config = Config.fromfile(FOLDER / f'{request.param}.py')
    tokenizer = dict(type=WordTokenizer, vocab_file=str(root / 'vocab.txt'))
    for loader in (config.train_dataloader, config.val_dataloader, config.test_dataloader):
        loader.dataset.update(data_root=str(root), serialize_data=False)
        loader.dataset.pipeline[4].tokenizer = tokenizer
    return config, root


def _words(ref: dict) -> list[str]:
    return [word for sentence in ref['sentences'] for word in sentence['sent'].split()]


def test_there_is_a_case_for_every_file():
    assert sorted(path.stem for path in FOLDER.glob('*.py')) == sorted(NAMES)


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
