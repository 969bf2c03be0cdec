"""From a data item to a batch, with the steps of mmcv and mmdet between ours."""

import pickle

import numpy as np
import pytest
import torch
from mmcv.transforms import Compose
from mmdet.datasets.transforms import RandomFlip
from mmdet.structures.mask import BitmapMasks
from mmengine.dataset import pseudo_collate

from mmvg.datasets.tokenizers import WordTokenizer
from mmvg.datasets.transforms import (
    CleanText,
    Letterbox,
    LoadGroundingAnnotations,
    LoadImage,
    PackGroundingInputs,
    Resize,
    SwapLeftRight,
    Tokenize,
)
from mmvg.models import GroundingPreprocessor
from mmvg.structures import GroundingSample, input_to_original_boxes, input_to_original_masks

RESIZE = {'type': Resize, 'scale': (64, 48), 'keep_ratio': False}
LETTERBOX = {'type': Letterbox, 'size': 80}


@pytest.fixture
def make_pipeline(tmp_path):
    (tmp_path / 'words.txt').write_text('[PAD]\n[UNK]\n[BOS]\n[EOS]\nthe\nred\nring\non\nleft\nright\n')

    def make(resize: dict, gt_frame: str = 'input', flip_prob: float | None = None) -> Compose:
        flip = [] if flip_prob is None else [{'type': RandomFlip, 'prob': flip_prob}, {'type': SwapLeftRight}]
        load_gt = {'type': LoadGroundingAnnotations}
        return Compose(
            [
                {'type': LoadImage},
                *([load_gt, resize] if gt_frame == 'input' else [resize, load_gt]),
                *flip,
                {'type': CleanText, 'reader': 'instancevg'},
                {
                    'type': Tokenize,
                    'tokenizer': {'type': WordTokenizer, 'vocab_file': tmp_path / 'words.txt'},
                    'max_length': 9,
                },
                {'type': PackGroundingInputs},
            ]
        )

    return make


@pytest.mark.parametrize('num_targets', [0, 1, 3])
@pytest.mark.parametrize('resize', [RESIZE, LETTERBOX], ids=['resize', 'letterbox'])
def test_ground_truth_moves_with_the_image_or_stays(make_item, make_pipeline, resize, num_targets):
    moved = make_pipeline(resize, 'input')(make_item(num_targets))['data_samples']
    stayed = make_pipeline(resize, 'original')(make_item(num_targets))['data_samples']
    assert (moved.gt_frame, stayed.gt_frame) == ('input', 'original')
    assert moved.ori_shape == stayed.ori_shape == (30, 40)
    assert moved.gt_instances.masks.masks.shape[1:] == moved.img_shape
    assert stayed.gt_instances.masks.masks.shape[1:] == (30, 40)
    back = input_to_original_boxes(moved.gt_instances.bboxes, moved.metainfo)
    torch.testing.assert_close(back, stayed.gt_instances.bboxes, atol=1e-4, rtol=0)
    back = input_to_original_masks(torch.from_numpy(moved.gt_instances.masks.masks), moved.metainfo)
    assert (back.numpy() == stayed.gt_instances.masks.masks).all()


def test_a_resize_by_hand(make_item, make_pipeline):
    packed = make_pipeline(RESIZE)(make_item())  # 40x30 to 64x48: times 1.6
    sample = packed['data_samples']
    assert packed['inputs'].shape == (3, 48, 64)
    torch.testing.assert_close(sample.gt_instances.bboxes, torch.tensor([[3.2, 6.4, 16.0, 19.2]]))
    np.testing.assert_allclose(sample.homography_matrix, np.diag([1.6, 1.6, 1]), rtol=1e-6)
    assert sample.scale_factor == (1.6, 1.6)
    assert sample.text == 'the red ring on the left'
    assert sample.input_ids.tolist() == [2, 4, 5, 6, 7, 4, 8, 3, 0]


def test_a_flip_changes_image_targets_and_text(make_item, make_pipeline):
    plain = make_pipeline(LETTERBOX, flip_prob=0.0)(make_item(1))
    flipped = make_pipeline(LETTERBOX, flip_prob=1.0)(make_item(1))
    assert flipped['inputs'].equal(plain['inputs'].flip(2))
    before, after = plain['data_samples'], flipped['data_samples']
    assert (before.flip, after.flip) == (False, True)
    assert (after.gt_instances.masks.masks == before.gt_instances.masks.masks[:, :, ::-1]).all()
    assert after.gt_sem_seg.sem_seg.equal(before.gt_sem_seg.sem_seg.flip(2))
    x1, y1, x2, y2 = before.gt_instances.bboxes[0].tolist()
    assert after.gt_instances.bboxes.tolist() == [[80 - x2, y1, 80 - x1, y2]]
    assert after.text == 'the red ring on the right'
    assert after.input_ids[6] == 9


@pytest.mark.parametrize('gt_frame', ['input', 'original'])
def test_a_batch_reaches_the_model(make_item, make_pipeline, gt_frame):
    pipeline = make_pipeline(RESIZE, gt_frame)
    packed = [pickle.loads(pickle.dumps(pipeline(make_item(n)))) for n in (0, 1, 3)]  # as out of a worker
    preprocess = GroundingPreprocessor(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True)
    batch = preprocess(pseudo_collate(packed), training=True)
    inputs, samples = batch['inputs'], batch['data_samples']
    assert inputs['images'].shape == (1, 3, 48, 64)  # the three sentences are about one picture
    assert inputs['image_index'].tolist() == [0, 0, 0]
    assert inputs['images'].dtype == torch.float32
    red = (packed[2]['inputs'][2].float() - 123.675) / 58.395
    torch.testing.assert_close(inputs['images'][0, 0], red)
    assert (
        inputs['input_ids'].shape == inputs['text_mask'].shape == (3, 8)
    )  # as many as the longest has, in steps of eight
    assert inputs['text_mask'].sum(1).tolist() == [8, 8, 8]
    height_width = (48, 64) if gt_frame == 'input' else (30, 40)
    for sample, num_targets in zip(samples, (0, 1, 3), strict=True):
        assert isinstance(sample, GroundingSample)
        assert isinstance(sample.gt_instances.masks, BitmapMasks)
        assert sample.gt_instances.masks.masks.shape == (num_targets, *height_width)
        assert sample.gt_sem_seg.sem_seg.shape == (1, *height_width)
        assert sample.gt_sem_seg.sem_seg.any() == (num_targets > 0)


def test_a_pipeline_can_be_built_by_name(make_item, make_pipeline):
    assert make_pipeline({'type': 'mmvg.Letterbox', 'size': 32})(make_item())['inputs'].shape == (3, 32, 32)
