import math

import numpy as np
import pytest
import torch

from mmvg.evaluation.functional.cover import covered_share
from mmvg.models.postprocess import InstancePostprocess


def logit(p):
    return math.log(p / (1 - p))


def outputs_of(probabilities, boxes, masks, global_mask, has_target=0.5):
    """Raw outputs of one image; two decoder layers, the first of which must not matter.

    ``masks`` and ``global_mask`` are (Q, 2, 2) and (2, 2) of 0 and 1.
    """
    q = len(probabilities)
    last = torch.tensor([[[logit(p), 0.0] for p in probabilities]])
    wrong = torch.full((1, 1, q, 2), 5.0)
    boxes = torch.tensor(boxes, dtype=torch.float32)[None]
    return dict(
        class_logits=torch.cat([wrong, last[None]]),
        boxes_cxcywh_norm=torch.stack([torch.zeros_like(boxes), boxes]),
        instance_mask_logits=(torch.tensor(masks, dtype=torch.float32) * 20 - 10)[None],
        global_mask_logits=(torch.tensor(global_mask, dtype=torch.float32) * 20 - 10)[None, None],
        no_target_logits=torch.tensor([[logit(has_target), 3.0]]),
        points=torch.tensor([[[0.25, 0.75]] * q]),
        attention=None,
    )


BOXES = [[0.25, 0.25, 0.5, 0.5], [0.75, 0.75, 0.5, 0.5], [0.25, 0.25, 0.5, 0.4]]  # the third: IoU 0.8 with the first
LEFT, RIGHT, TOP = [[1, 0], [1, 0]], [[0, 1], [0, 1]], [[1, 1], [0, 0]]


def answer(make_sample, probabilities, has_target=0.95, global_mask=TOP, masks=(LEFT, RIGHT, LEFT), **settings):
    boxes = BOXES[: len(probabilities)]
    outputs = outputs_of(probabilities, boxes, list(masks)[: len(probabilities)], global_mask, has_target)
    (sample,) = InstancePostprocess(**settings)(outputs, [make_sample(1)])
    return sample


def share(mask, rows, columns):
    """Part of the region that is set."""
    return mask[..., rows, columns].float().mean().item()


def test_score_is_the_class_probability_times_the_sigmoid_of_the_has_target_logit(make_sample):
    sample = answer(make_sample, [0.9, 0.6, 0.2], has_target=0.8)
    assert sample.pred_instances.scores.tolist() == pytest.approx([0.72, 0.48, 0.16], rel=1e-5)
    assert sample.target_score == pytest.approx(0.72, rel=1e-5)


def test_without_weighting_it_is_the_class_probability(make_sample):
    sample = answer(make_sample, [0.9, 0.6, 0.2], has_target=0.1, score_weighted=False)
    assert sample.pred_instances.scores.tolist() == pytest.approx([0.9, 0.6, 0.2], rel=1e-5)


def test_all_queries_are_kept_in_their_order_even_with_empty_boxes(make_sample):
    outputs = outputs_of([0.2, 0.9], [[0.5, 0.5, 0.0, 0.0], BOXES[0]], [LEFT, RIGHT], TOP)
    (sample,) = InstancePostprocess(frame='input')(outputs, [make_sample(1)])
    assert sample.pred_instances.bboxes.tolist() == [[16, 16, 16, 16], [0, 0, 16, 16]]
    assert len(sample.pred_instances) == 2
    assert share(sample.pred_instances.masks[0], slice(None), slice(0, 16)) == 1
    assert share(sample.pred_instances.masks[1], slice(None), slice(0, 16)) == 0


def test_boxes_points_and_masks_are_in_original_pixels_unless_asked_otherwise(make_sample):
    sample = answer(make_sample, [0.9, 0.6, 0.2])  # 32 x 32 input of a 48 x 64 image
    assert sample.pred_frame == 'original'
    torch.testing.assert_close(sample.pred_instances.bboxes[1], torch.tensor([32.0, 24.0, 64.0, 48.0]))
    torch.testing.assert_close(sample.pred_instances.points[0], torch.tensor([16.0, 36.0]))
    assert sample.pred_instances.masks.shape == (3, 48, 64)
    assert sample.pred_sem_seg.sem_seg.shape == (1, 48, 64)
    assert sample.pred_instances.masks.dtype == sample.pred_sem_seg.sem_seg.dtype == torch.bool
    sample = answer(make_sample, [0.9, 0.6, 0.2], frame='input')
    assert sample.pred_frame == 'input'
    torch.testing.assert_close(sample.pred_instances.bboxes[1], torch.tensor([16.0, 16.0, 32.0, 32.0]))
    torch.testing.assert_close(sample.pred_instances.points[0], torch.tensor([8.0, 24.0]))
    assert sample.pred_instances.masks.shape == (3, 32, 32)


def test_points_cover_the_box_they_lie_in_in_either_frame(make_sample):
    for frame, box in (('input', [0.0, 16.0, 16.0, 32.0]), ('original', [0.0, 24.0, 32.0, 48.0])):
        points = answer(make_sample, [0.9], frame=frame).pred_instances.points.numpy()
        assert covered_share(points, np.array([box])) == 1
        assert covered_share(points, np.array([[box[0], 0.0, box[2], box[1] - 1]])) == 0


def test_boxes_are_clipped_to_the_image(make_sample):
    outputs = outputs_of([0.9], [[0.0, 1.0, 0.5, 0.5]], [LEFT], TOP)
    (sample,) = InstancePostprocess(frame='input')(outputs, [make_sample(1)])
    assert sample.pred_instances.bboxes.tolist() == [[0, 24, 8, 32]]


def test_letterbox_padding_is_cut_off(make_sample):
    # 64 x 32 original at scale 0.5 in the middle rows 8..24 of the input
    matrix = np.array([[0.5, 0, 0], [0, 0.5, 8.0], [0, 0, 1]])
    outputs = outputs_of([0.99], [[0.5, 0.5, 1.0, 0.5]], [TOP], LEFT, has_target=0.99)
    (sample,) = InstancePostprocess()(outputs, [make_sample(1, ori_shape=(32, 64), homography_matrix=matrix)])
    torch.testing.assert_close(sample.pred_instances.bboxes, torch.tensor([[0.0, 0.0, 64.0, 32.0]]))
    assert share(sample.pred_instances.masks[0], slice(0, 16), slice(None)) == 1
    assert share(sample.pred_instances.masks[0], slice(16, 32), slice(None)) == 0


@pytest.mark.parametrize(('score_thr', 'no_target'), [(0.7, False), (0.76, True)])
def test_nothing_is_meant_if_no_score_is_above_the_threshold(make_sample, score_thr, no_target):
    sample = answer(make_sample, [0.8, 0.6, 0.2], has_target=0.9375, score_thr=score_thr)  # best score 0.75
    assert sample.pred_no_target is no_target


def test_a_score_that_equals_the_threshold_is_not_valid(make_sample):
    sample = answer(make_sample, [0.5], score_weighted=False, score_thr=0.5)
    assert sample.pred_instances.scores.tolist() == [0.5]
    assert sample.pred_no_target is True


@pytest.mark.parametrize(
    ('mask_output', 'quarters'),
    [('merge', (1, 1, 1, 0)), ('instance', (1, 0, 1, 0)), ('global', (1, 1, 0, 0))],
)
def test_mask_outputs_unite_valid_instances_and_the_global_mask(make_sample, mask_output, quarters):
    """Valid is the first query only (left half); the global mask is the top half."""
    sample = answer(make_sample, [0.9, 0.3], mask_output=mask_output, frame='input')
    mask = sample.pred_sem_seg.sem_seg
    low, high = slice(0, 16), slice(16, 32)
    assert tuple(share(mask, *q) for q in ((low, low), (low, high), (high, low), (high, high))) == quarters


@pytest.mark.parametrize(('mask_output', 'pixels'), [('merge', 512), ('instance', 0), ('global', 512)])
def test_the_global_mask_stays_when_nothing_is_predicted(make_sample, mask_output, pixels):
    sample = answer(make_sample, [0.3, 0.3], mask_output=mask_output, frame='input')
    assert sample.pred_no_target
    assert sample.pred_sem_seg.sem_seg.sum().item() == pixels


def test_nms_zeroes_the_score_of_the_worse_of_two_overlapping_queries(make_sample):
    sample = answer(make_sample, [0.8, 0.75, 0.9], score_weighted=False, nms_thr=0.7)
    assert sample.pred_instances.scores.tolist() == pytest.approx([0, 0.75, 0.9], abs=1e-6)
    kept = answer(make_sample, [0.8, 0.75, 0.9], score_weighted=False, nms_thr=0.85)
    assert kept.pred_instances.scores.tolist() == pytest.approx([0.8, 0.75, 0.9], abs=1e-6)


def test_nms_takes_masks_out_of_the_answer_too(make_sample):
    masks = (LEFT, RIGHT, RIGHT)
    both = answer(make_sample, [0.8, 0.1, 0.9], masks=masks, mask_output='instance', score_weighted=False)
    one = answer(make_sample, [0.8, 0.1, 0.9], masks=masks, mask_output='instance', score_weighted=False, nms_thr=0.7)
    assert both.pred_sem_seg.sem_seg.all()
    assert one.pred_sem_seg.sem_seg.float().mean().item() == 0.5


def test_pixels_must_be_more_probable_than_the_mask_threshold(make_sample):
    outputs = outputs_of([0.9], [BOXES[0]], [LEFT], TOP)
    outputs['instance_mask_logits'] = torch.tensor([[[[0.0, 0.0], [1.0, 1.0]]]])  # probabilities 0.5 .. 0.731
    for mask_thr, rows in ((0.5, 31), (0.6, 19), (0.75, 0)):  # logit of row y is y / 31; of 0.6 it is 0.405
        (sample,) = InstancePostprocess(mask_thr=mask_thr, frame='input')(outputs, [make_sample(1)])
        assert sample.pred_instances.masks[0].any(1).sum().item() == rows


def test_a_model_with_one_query_and_no_points_answers_too(make_sample):
    outputs = outputs_of([0.9], [BOXES[0]], [LEFT], TOP, has_target=0.9)
    outputs['points'] = None
    (sample,) = InstancePostprocess()(outputs, [make_sample(1)])
    assert sample.pred_instances.bboxes.shape == (1, 4)
    assert 'points' not in sample.pred_instances


@pytest.mark.parametrize('wrong', [dict(mask_output='both'), dict(frame='norm')])
def test_unknown_choices_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        InstancePostprocess(**wrong)


def test_a_misspelt_setting_is_refused(make_head):
    with pytest.raises(TypeError, match='nms_threshold'):
        make_head(postprocess=dict(type=InstancePostprocess, nms_threshold=0.7))


def test_the_attention_is_handed_on_for_drawing(make_sample):
    outputs = outputs_of([0.9], BOXES[:1], [LEFT], TOP)
    (sample,) = InstancePostprocess()(outputs, [make_sample(1)])
    assert 'pred_attention' not in sample
    (sample,) = InstancePostprocess()(outputs | dict(attention=torch.full((1, 3, 3), 0.1)), [make_sample(1)])
    assert sample.pred_attention.tolist() == [[pytest.approx(0.1)] * 3] * 3


def drawn_logits(kind, side=20, count=4):
    """Logits (N, h, w) of objects, of objects and noise, or of an empty and a full mask."""
    generator = torch.Generator().manual_seed(0)
    places = torch.rand(count, 3, generator=generator)[..., None, None]
    rows, columns = torch.linspace(0, 1, side)[:, None], torch.linspace(0, 1, side)[None]
    logits = 8 - 60 * torch.hypot(rows - places[:, 0], columns - places[:, 1]) * (1 + places[:, 2])
    logits = logits.clamp(min=-20)
    if kind == 'noise':
        logits += 4 * torch.randn(logits.shape, generator=generator)
    if kind == 'flat':
        logits = torch.stack([torch.full((side, side), value) for value in (-3.0, 0.0, 3.0)])
    return logits


@pytest.mark.parametrize('kind', ['objects', 'noise', 'flat'])
@pytest.mark.parametrize('align_corners', [True, False])
@pytest.mark.parametrize('mask_thr', [0.0, 0.35, 0.5, 1.0])
@pytest.mark.parametrize('img_shape', [(80, 80), (64, 96), (20, 20), (11, 13)])
def test_masks_that_are_computed_nearby_are_those_that_are_computed_everywhere(
    make_sample, kind, align_corners, mask_thr, img_shape
):
    logits = drawn_logits(kind)
    for frame, ori_shape, top in (('input', (9, 9), 0), ('original', (123, 131), 0), ('original', (40, 200), 3)):
        height, width = img_shape
        matrix = np.array([[width / ori_shape[1], 0, 0], [0, (height - 2 * top) / ori_shape[0], top], [0, 0, 1]])
        sample = make_sample(1, img_shape=img_shape, ori_shape=ori_shape, homography_matrix=matrix)
        postprocess = InstancePostprocess(mask_thr=mask_thr, align_corners=align_corners, frame=frame)
        found, expected = postprocess._binary_masks(logits, sample), postprocess._masks_everywhere(logits, sample)
        assert found.shape == expected.shape
        prob = postprocess.enlarge(logits, sample).sigmoid()
        prob = postprocess.masks_to_frame(prob, sample, mode='bilinear')
        assert not ((found != expected) & ((prob - mask_thr).abs() > 1e-5)).any()
        if kind != 'noise' and mask_thr == 0.5:
            assert 0 < expected.float().mean() < 1


def test_masks_of_logits_that_are_not_finite_are_computed_everywhere(make_sample):
    logits = drawn_logits('objects')
    logits[0, 3, 3] = torch.nan
    sample = make_sample(1)
    postprocess = InstancePostprocess()
    assert torch.equal(postprocess._binary_masks(logits, sample), postprocess._masks_everywhere(logits, sample))


def test_masks_of_a_large_picture_are_made_a_few_at_a_time_and_are_the_same(make_sample, monkeypatch):
    sample, logits = make_sample(1), drawn_logits('noise')
    whole = InstancePostprocess()._masks_everywhere(logits, sample)
    monkeypatch.setattr('mmvg.models.postprocess.instance_postprocess._MAX_FLOATS', 1)
    assert torch.equal(InstancePostprocess()._masks_everywhere(logits, sample), whole)
