import math

import numpy as np
import pytest
from mmcv.transforms import Compose
from mmdet.datasets.transforms import RandomFlip, Resize

from mmvg.datasets.tokenizers import WordTokenizer
from mmvg.datasets.transforms import (
    Letterbox,
    LoadGraspAnnotations,
    LoadGroundingAnnotations,
    PackGroundingInputs,
    Tokenize,
)

GRASPS = np.array([[320, 240, 60, 20, 0.3], [-30, 500, 40, 20, -1.5]], np.float32)


@pytest.fixture
def tokenize(tmp_path):
    file = tmp_path / 'vocab.txt'
    file.write_text('[PAD]\n[UNK]\n[BOS]\n[EOS]\nmug\n')
    return Tokenize(WordTokenizer(str(file)), max_length=5)


def item(grasps=GRASPS):
    """A sample of 640 x 480 whose image has been loaded."""
    box = dict(bbox=[300, 200, 340, 280], mask=[[300, 200, 340, 200, 340, 280, 300, 280]], bbox_label=0, ignore_flag=0)
    image = np.zeros((480, 640, 3), np.uint8)
    fields = dict(img=image, img_shape=(480, 640), ori_shape=(480, 640), height=480, width=640)
    return fields | dict(dataset='ocid_vlg', text='mug', no_target=False, instances=[box], grasps=grasps)


def pack(tokenize, *steps, grasps=GRASPS):
    return Compose([*steps, tokenize, PackGroundingInputs()])(item(grasps))['data_samples']


LOAD = (LoadGroundingAnnotations(), LoadGraspAnnotations())


def test_loaded_after_the_letterbox_grasps_stay_in_original_pixels(tokenize):
    sample = pack(tokenize, Letterbox(224), *LOAD)
    assert sample.gt_frame == 'original'
    assert np.array_equal(sample.gt_grasps.numpy(), GRASPS)


def test_loaded_before_it_they_go_to_the_input(tokenize):
    sample = pack(tokenize, *LOAD, Letterbox(224))
    assert sample.gt_frame == 'input'
    middle = np.float32([0.5, 0.5, 0, 0, 0])  # grasps count from the centre of the first pixel
    expected = (GRASPS + middle) * np.float32([0.35, 0.35, 0.35, 0.35, 1]) + np.float32([0, 28, 0, 0, 0]) - middle
    assert np.abs(sample.gt_grasps.numpy() - expected).max() < 1e-4


def test_loaded_without_a_move_they_are_the_same(tokenize):
    assert np.allclose(pack(tokenize, *LOAD).gt_grasps.numpy(), GRASPS)


def test_they_go_with_a_mirrored_image(tokenize):
    sample = pack(tokenize, *LOAD, Letterbox(224), RandomFlip(prob=1.0))
    x, y, w, h, theta = sample.gt_grasps[0].tolist()
    there = 0.35 * 320.5 - 0.5  # as in y: 0.35 * 240.5 + 28 - 0.5
    assert (x, y, w, h) == pytest.approx((223 - there, there, 21, 7), abs=1e-4)
    assert theta == pytest.approx(-0.3, abs=1e-5)


def test_a_stretch_changes_their_angle(tokenize):
    sample = pack(tokenize, *LOAD, Resize(scale=(224, 224), keep_ratio=False))
    expected = math.atan2(math.sin(0.3) * 224 / 480, math.cos(0.3) * 0.35)
    assert sample.gt_grasps[0, 4].item() == pytest.approx(expected, abs=1e-5)


def test_no_grasp_is_an_empty_table(tokenize):
    sample = pack(tokenize, *LOAD, Letterbox(224), grasps=np.zeros((0, 5), np.float32))
    assert sample.gt_grasps.shape == (0, 5)


def test_the_item_of_the_dataset_is_not_changed(tokenize):
    grasps = GRASPS.copy()
    pack(tokenize, *LOAD, Letterbox(224), grasps=grasps)
    assert np.array_equal(grasps, GRASPS)


def test_a_dataset_without_grasps_and_a_missing_step_are_named():
    with pytest.raises(KeyError, match='ocid_vlg has no grasps'):
        LoadGraspAnnotations()({'dataset': 'ocid_vlg', 'gt_frame': 'input'})
    with pytest.raises(KeyError, match='put LoadGroundingAnnotations before'):
        LoadGraspAnnotations()(item())
