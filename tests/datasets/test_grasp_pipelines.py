"""What the pipelines make of unusual pictures, masks, grasps and sentences of OCID-VLG."""

import json
import math

import cv2
import numpy as np
import pytest
import torch
from mmdet.datasets.transforms import PhotoMetricDistortion

from mmvg.datasets import OCIDVLGDataset
from mmvg.datasets.tokenizers import CLIPTokenizer
from mmvg.datasets.transforms import (
    CleanText,
    EncodeGraspMaps,
    Letterbox,
    LoadGraspAnnotations,
    LoadGroundingAnnotations,
    LoadImage,
    PackGroundingInputs,
    Tokenize,
)
from mmvg.evaluation.metrics import GraspMetric, RESMetric

RECTANGLE = [[300, 230], [300, 250], [340, 250], [340, 230]]  # [320, 240, 40, 20, 0]


@pytest.fixture(scope='module')
def tokenize():
    return dict(type=Tokenize, tokenizer=CLIPTokenizer(), max_length=77)


@pytest.fixture
def load(tmp_path, tokenize):
    """Writes one record with its picture, and gives its sample."""

    def make(split='train', picture=None, jitter=(), **changes):
        instances = np.zeros((480, 640), np.uint8)
        instances[200:280, 300:340] = 3
        picture = np.full((480, 640, 3), 90, np.uint8) if picture is None else picture
        for kind, pixels in (('rgb', picture), ('seg_mask_instances_combi', instances)):
            path = tmp_path / 'ARID10/seq' / kind / 'a.png'
            path.parent.mkdir(parents=True, exist_ok=True)
            assert cv2.imwrite(str(path), pixels)
        record = dict(image_filename='ARID10/seq,a.png', question='the mug', answer=3, box=[300, 200, 40, 80])
        content = dict(data=[record | dict(grasps=[RECTANGLE]) | changes])
        file = tmp_path / f'refer/multiple/{split}_expressions.json'
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(content))
        load = [dict(type=LoadGroundingAnnotations), dict(type=LoadGraspAnnotations), *jitter]
        resize = [dict(type=Letterbox, size=224)]
        steps = [*load, *resize, dict(type=EncodeGraspMaps)] if split == 'train' else [*resize, *load]
        text = [dict(type=CleanText, reader='raw', empty='keep'), tokenize]
        pipeline = [dict(type=LoadImage), *steps, *text, dict(type=PackGroundingInputs)]
        test = dict(split=split, mode='tolerant', test_mode=split != 'train')
        return OCIDVLGDataset('multiple', data_root=str(tmp_path), pipeline=pipeline, **test)[0]

    return make


@pytest.mark.parametrize('channels', [1, 4])
def test_grey_and_transparent_pictures_have_three_channels(load, channels):
    picture = np.full((480, 640, channels), 90, np.uint8)
    picture[..., -1] = 90
    sample = load(picture=picture)
    assert sample['inputs'].shape == (3, 224, 224)
    shown = round(90 * 90 / 255 + 255 * 165 / 255) if channels == 4 else 90  # on white
    assert (sample['inputs'][:, 100, 100] == shown).all()


def test_a_picture_of_another_size_than_its_mask_is_an_error_with_file_and_record(load):
    with pytest.raises(ValueError, match=r'ref_id=0.*a\.png.*\(240, 320\).*\(480, 640\)'):
        load(picture=np.zeros((240, 320, 3), np.uint8))


def test_a_mask_without_a_pixel_is_scored_with_an_iou_of_zero(load):
    sample = load('test', answer=77)['data_samples']
    assert not sample.gt_sem_seg.sem_seg.any()
    assert len(sample.gt_grasps) == 1
    metric = RESMetric()
    for number, filled in enumerate((True, False)):
        pred = np.full((1, 480, 640), filled)
        metric.process(None, [sample.to_dict() | dict(sent_id=number, pred_sem_seg=dict(sem_seg=pred))])
    assert metric.evaluate(2)['res/mIoU'] == 0


def test_a_sample_without_grasps_is_scored_for_its_mask_and_not_for_grasps(load):
    sample = load('test', grasps=[[[math.nan, 0]] * 4])['data_samples']
    assert sample.gt_grasps.shape == (0, 5)
    assert sample.gt_sem_seg.sem_seg.sum() == 3200
    metric = GraspMetric()
    metric.process(None, [sample.to_dict() | dict(pred_grasps=dict(grasps=np.zeros((0, 5)), scores=np.zeros(0)))])
    assert math.isnan(metric.evaluate(1)['grasp/J@1'])


def test_rectangles_across_and_outside_the_border_are_painted_as_far_as_they_reach(load):
    across = [[x - 320, y - 240] for x, y in RECTANGLE]  # around the corner (0, 0)
    outside = [[x - 900, y] for x, y in RECTANGLE]
    sample = load(grasps=[across, outside])['data_samples']
    assert len(sample.gt_grasps) == 2
    rows, columns = sample.gt_grasp_maps.painted[0].numpy().nonzero()
    assert len(rows)
    assert columns.max() <= 4  # half of the 20 pixels that are painted, scaled by 0.35
    assert 23 <= rows.min() <= rows.max() <= 32  # 28 is the top of the image; nothing at the other side of the array


def test_grasps_before_and_after_the_letterbox(load):
    there = 0.35 * 320.5 - 0.5  # from the centre of the first pixel
    assert load()['data_samples'].gt_grasps[0].tolist() == pytest.approx([there, there, 14, 7, 0], abs=1e-4)
    assert load('test')['data_samples'].gt_grasps[0].tolist() == [320, 240, 40, 20, 0]


def test_colours_may_be_jittered_and_nothing_moves(load):
    mild = dict(brightness_delta=16, contrast_range=(0.8, 1.2), saturation_range=(0.8, 1.2), hue_delta=9)
    plain = load()
    for seed in range(3):
        np.random.seed(seed)
        sample = load(jitter=[dict(type=PhotoMetricDistortion, **mild)])
        assert (sample['inputs'][:, :28] == 0).all()  # the border
        assert sample['inputs'].float().std() > 0
        assert torch.equal(sample['data_samples'].gt_grasps, plain['data_samples'].gt_grasps)
        assert torch.equal(sample['data_samples'].gt_sem_seg.sem_seg, plain['data_samples'].gt_sem_seg.sem_seg)


def test_a_sentence_of_more_than_77_tokens_ends_with_the_end_token(load):
    sample = load('test', question='the mug that is left of ' * 40)['data_samples']
    assert sample.input_ids.shape == (77,)
    assert (sample.input_ids[0], sample.input_ids[-1]) == (49406, 49407)
    assert sample.text_mask.all()


def test_an_empty_sentence_is_its_begin_and_end(load):
    sample = load('test', question='')['data_samples']
    assert sample.input_ids[:3].tolist() == [49406, 49407, 0]
    assert sample.text_mask.sum() == 2
