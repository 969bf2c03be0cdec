"""LGGD on grasps in JSON lines, from the file to the score and the picture."""

import json
from pathlib import Path

import pytest
from mmengine.config import Config
from PIL import Image

from mmvg import apis
from mmvg.datasets import JSONLDataset
from mmvg.datasets.formats import write_format
from mmvg.registry import DATASETS

CONFIG = Path(__file__).parents[2] / 'configs/lggd/tiny.py'


@pytest.fixture(scope='module')
def lines(refshapes_tiny, tmp_path_factory):
    """The grasps of the smallest RefShapes as JSON lines."""
    cfg = apis.load_config(str(CONFIG), dict(data_root=str(refshapes_tiny / 'ocid_vlg')))
    datasets = {}
    for split in ('train', 'val'):
        dataset = dict(cfg[f'{split}_dataloader'].dataset, pipeline=[], indices=12)
        datasets[split] = DATASETS.build(dataset)
    file = tmp_path_factory.mktemp('lines') / 'grasps.jsonl'
    write_format('jsonl', datasets, file)
    return file


def config_of(lines, refshapes_tiny, work_dir) -> Config:
    """The tiny LGGD on those lines."""
    options = dict(data_root=str(refshapes_tiny / 'ocid_vlg'), vocab_file=str(refshapes_tiny / 'vocab.txt'))
    cfg = apis.load_config(str(CONFIG), options, work_dir=str(work_dir))
    for split, loader in (('train', cfg.train_dataloader), ('val', cfg.val_dataloader), ('val', cfg.test_dataloader)):
        loader.dataset = dict(
            type=JSONLDataset,
            ann_file=str(lines),
            img_prefix=str(refshapes_tiny / 'ocid_vlg'),
            outside_images=True,
            split=split,
            pipeline=loader.dataset.pipeline,
            test_mode=split == 'val',
        )
    return cfg


def test_the_lines_hold_grasps_and_masks(lines):
    records = [json.loads(line) for line in lines.read_text().splitlines()]
    assert {record['split'] for record in records} == {'train', 'val'}
    assert all(record['grasps'] and record['masks'] for record in records)


@pytest.mark.slow
def test_lggd_is_trained_and_scored_on_grasps_in_json_lines(lines, refshapes_tiny, tmp_path):
    apis.train(config_of(lines, refshapes_tiny, tmp_path / 'train'))
    checkpoint = (tmp_path / 'train/last_checkpoint').read_text().strip()
    cfg = config_of(lines, refshapes_tiny, tmp_path / 'test')
    cfg.model.head.postprocess.keep_maps = True
    scores = apis.evaluate(cfg, checkpoint, show_dir=str(tmp_path / 'show'))
    assert any('J@1' in name for name in scores), scores
    assert all(0 <= value <= 100 for name, value in scores.items() if 'J@' in name)
    pictures = [Image.open(file) for file in (tmp_path / 'show/test').glob('*.png')]
    assert len(pictures) == 4
    assert all(picture.width >= 5 * 288 for picture in pictures)  # truth, answer and three maps, of 0.6 * 480 or more
