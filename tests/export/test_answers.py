"""What arrays answer is what tensors answer, candidate by candidate."""

import numpy as np
import pytest
import torch
from torch import nn

from mmvg.evaluation import VerdictMetric
from mmvg.export.answers import rule_from_data, rule_of
from mmvg.export.placement import place
from mmvg.models.heads import PixelMaskHead, RegionHead
from mmvg.models.postprocess import BoxPostprocess, GraspPostprocess, InstancePostprocess, MaskPostprocess
from mmvg.structures import Candidates, GroundingSample

SIZE = (48, 64)
INPUT = (32, 32)


class Head(nn.Module):
    def __init__(self, postprocess):
        super().__init__()
        self.postprocess = postprocess


def frames(letterbox):
    _, placed = place(np.zeros((*SIZE, 3), np.uint8), INPUT, letterbox, 'bilinear')
    matrix = np.array([[placed.scale[0], 0, placed.shift[0]], [0, placed.scale[1], placed.shift[1]], [0, 0, 1]])
    meta = dict(ori_shape=SIZE, img_shape=INPUT, homography_matrix=matrix)
    return placed, [GroundingSample(metainfo=meta) for _ in range(3)]


def assert_same(made, sample):
    expected = Candidates.from_sample(sample)
    assert made.mask_output == expected.mask_output
    assert made.target_score == pytest.approx(expected.target_score, abs=1e-5)
    for name in ('boxes', 'scores', 'points', 'grasps', 'grasp_scores'):
        ours, theirs = getattr(made, name), getattr(expected, name)
        assert (ours is None) == (theirs is None), name
        if ours is not None:
            np.testing.assert_allclose(ours, theirs, atol=2e-4, err_msg=name)
    for name in ('masks', 'global_mask'):
        ours, theirs = getattr(made, name), getattr(expected, name)
        assert (ours is None) == (theirs is None), name
        if ours is not None:  # a pixel may lie on the threshold
            assert np.mean(np.asarray(ours) != np.asarray(theirs)) < 1e-3, name


@pytest.mark.parametrize('letterbox', [False, True])
@pytest.mark.parametrize('settings', [{}, dict(nms_thr=0.3, score_thr=0.2)])
def test_boxes_alone_are_the_same(settings, letterbox):
    torch.manual_seed(0)
    outputs = dict(token_class_logits=torch.randn(1, 3, 5, 2), token_boxes_cxcywh_norm=torch.rand(1, 3, 5, 4))
    head = Head(BoxPostprocess(**settings))
    head.branch = 'token'
    rule = rule_of(head)
    assert rule_from_data(rule.to_data()) == rule
    placed, samples = frames(letterbox)
    head.postprocess(outputs['token_class_logits'][-1], outputs['token_boxes_cxcywh_norm'][-1], samples)
    arrays = {name: value.numpy() for name, value in outputs.items()}
    for i, sample in enumerate(samples):
        assert_same(rule.candidates(arrays, i, placed), sample)


@pytest.mark.parametrize('letterbox', [False, True])
@pytest.mark.parametrize(
    'settings',
    [{}, dict(nms_thr=0.3, score_weighted=False, mask_output='instance'), dict(align_corners=False, score_thr=0.2)],
)
def test_instances_are_the_same(settings, letterbox):
    torch.manual_seed(0)
    outputs = dict(
        class_logits=torch.randn(2, 3, 5, 2),
        boxes_cxcywh_norm=torch.rand(2, 3, 5, 4),
        instance_mask_logits=3 * torch.randn(3, 5, 8, 8),
        global_mask_logits=3 * torch.randn(3, 1, 8, 8),
        no_target_logits=torch.randn(3, 2),
        points=torch.rand(3, 5, 2),
        attention=torch.rand(3, 4, 4),
    )
    postprocess, (placed, samples) = InstancePostprocess(**settings), frames(letterbox)
    rule = rule_from_data(rule_of(Head(postprocess)).to_data())
    arrays = {name: value.numpy() for name, value in outputs.items()}
    for i, sample in enumerate(postprocess(outputs, samples)):
        assert_same(rule.candidates(arrays, i, placed), sample)


@pytest.mark.parametrize('letterbox', [False, True])
@pytest.mark.parametrize('settings', [{}, dict(interpolation='bicubic', align_corners=True, mask_thr=0.35)])
def test_masks_are_the_same(settings, letterbox):
    torch.manual_seed(0)
    logits = 3 * torch.randn(3, 1, 8, 8)
    logits[2] = -9  # an empty mask
    postprocess, (placed, samples) = MaskPostprocess(**settings), frames(letterbox)
    rule = rule_from_data(rule_of(Head(postprocess)).to_data())
    for i, sample in enumerate(postprocess(logits, samples)):
        assert_same(rule.candidates(dict(mask_logits=logits.numpy()), i, placed), sample)


@pytest.mark.parametrize('name', ['mask_logits', 'logits', 'instance_mask_logits', 'global_mask_logits'])
def test_a_mask_that_is_not_a_number_is_no_honest_nothing(name):
    """It is above no threshold, so that the score has to tell it; metrics refuse such a score."""
    outputs = dict(mask_logits=torch.zeros(3, 1, 8, 8), logits=torch.zeros(3, 5, 8, 8))
    queries = dict(
        class_logits=torch.zeros(1, 3, 5, 2),
        boxes_cxcywh_norm=torch.rand(1, 3, 5, 4),
        instance_mask_logits=torch.zeros(3, 5, 8, 8),
        global_mask_logits=torch.zeros(3, 1, 8, 8),
        no_target_logits=torch.ones(3, 2),
        points=torch.rand(3, 5, 2),
    )
    (outputs if name in outputs else queries)[name][1, 0, 2, 3] = torch.nan
    part = dict(mask_logits=MaskPostprocess, logits=GraspPostprocess).get(name, InstancePostprocess)()
    asked = {name: outputs[name]} if name in outputs else queries
    placed, samples = frames(letterbox=True)
    answers = part(outputs.get(name, queries), samples)
    rule = rule_from_data(rule_of(Head(part)).to_data())
    arrays = {key: value.numpy() for key, value in asked.items()}
    assert np.isnan([sample.target_score for sample in answers]).tolist() == [False, True, False]
    candidates = [rule.candidates(arrays, i, placed) for i in range(3)]
    assert np.isnan([made.target_score for made in candidates]).tolist() == [False, True, False]
    if name in outputs:  # a branch of the head tells whether anything is meant
        answers = part(outputs[name], samples, torch.full((3,), 0.9))
        assert np.isnan([sample.target_score for sample in answers]).tolist() == [False, True, False]
    answers[1].set_metainfo(dict(dataset='drawn', img_id=1, ref_id=1, sent_id=1, gt_frame='original'))
    with pytest.raises(ValueError, match='target_score holds a number that is NaN'):
        VerdictMetric().process({}, [dict(answers[1].to_dict(), no_target=True)])


def test_a_branch_that_tells_whether_anything_is_meant_is_asked():
    torch.manual_seed(0)
    head = PixelMaskHead(
        8,
        mask_loss=dict(type='BinaryMaskLoss'),
        postprocess=dict(type='MaskPostprocess', score_thr=0.5),
        no_target_loss=dict(type='NoTargetLoss'),
    ).eval()
    outputs = dict(mask_logits=torch.randn(3, 1, 8, 8), no_target_logits=2 * torch.randn(3, 2))
    head.forward = lambda features: outputs
    placed, samples = frames(letterbox=True)
    rule = rule_from_data(rule_of(head).to_data())
    arrays = {name: value.numpy() for name, value in outputs.items()}
    for i, sample in enumerate(head.predict(None, samples)):
        assert_same(rule.candidates(arrays, i, placed), sample)


@pytest.mark.parametrize('regions_decide', [False, True])
@pytest.mark.parametrize('target_score', ['max', 'any'])
@pytest.mark.parametrize('box_loss', [None, dict(type='SingleBoxLoss')])
def test_regions_with_and_without_a_box_are_the_same(regions_decide, target_score, box_loss):
    torch.manual_seed(0)
    head = RegionHead(
        in_channels=8,
        patch_size=4,
        region_loss=dict(type='RegionPresenceLoss'),
        mask_loss=dict(type='BinaryMaskLoss'),
        postprocess=dict(type='MaskPostprocess', score_thr=0.4 if regions_decide else 0.0),
        box_loss=box_loss,
        regions_decide=regions_decide,
        target_score=target_score,
    ).eval()
    outputs = dict(presence_logits=torch.randn(3, 16), mask_logits=torch.randn(3, 1, 32, 32))
    outputs['boxes_cxcywh_norm'] = None if box_loss is None else torch.rand(3, 4)
    head.forward = lambda features: outputs
    placed, samples = frames(letterbox=True)
    rule = rule_from_data(rule_of(head).to_data())
    arrays = {name: value.numpy() for name, value in outputs.items() if value is not None}
    for i, sample in enumerate(head.predict(None, samples)):
        assert_same(rule.candidates(arrays, i, placed), sample)


@pytest.mark.parametrize(
    'settings',
    [
        {},
        dict(gate='soft', jaw_size=None, score_thr=0.2, num_grasps=3),
        dict(gate='off', sigmas=(0.7, 0.5, 0.6), center_sigma=0.8, align_corners=True),
        dict(gate='off', activation='none'),
    ],
)
def test_grasps_are_the_same(settings):
    torch.manual_seed(0)
    logits = torch.randn(3, 5, 16, 16)
    postprocess, (placed, samples) = GraspPostprocess(**settings), frames(letterbox=True)
    rule = rule_from_data(rule_of(Head(postprocess)).to_data())
    for i, sample in enumerate(postprocess(logits, samples)):
        made = rule.candidates(dict(logits=logits.numpy()), i, placed)
        assert len(made.grasps)
        assert_same(made, sample)


@pytest.mark.parametrize('gate', ['hard', 'soft', 'off'])
def test_grasps_where_a_branch_says_that_nothing_is_meant_are_the_same(gate):
    torch.manual_seed(0)
    logits, exists = torch.randn(3, 5, 16, 16), torch.tensor([0.1, 0.6, 0.9])
    postprocess, (placed, samples) = GraspPostprocess(gate=gate, existence_thr=0.7), frames(letterbox=True)
    rule = rule_from_data(rule_of(Head(postprocess)).to_data())
    arrays = dict(logits=logits.numpy(), no_target_logits=torch.stack([exists, 1 - exists], 1).log().numpy())
    found = [rule.candidates(arrays, i, placed) for i in range(3)]
    assert [len(made.grasps) > 0 for made in found] == [False, False, True]
    for made, sample in zip(found, postprocess(logits, samples, exists), strict=True):
        assert_same(made, sample)


def test_a_part_without_a_rule_is_named():
    with pytest.raises(
        ValueError, match=r'Head answers by NoneType.*InstancePostprocess, BoxPostprocess, MaskPostprocess'
    ):
        rule_of(Head(None))
    with pytest.raises(ValueError, match=r"rule must be .*, not 'os\.system'"):
        rule_from_data(dict(rule='os.system'))


def test_grasps_from_the_shape_of_a_mask_are_refused():
    with pytest.raises(ValueError, match="grasps_from='mask'"):
        rule_of(Head(GraspPostprocess(grasps_from='mask')))
