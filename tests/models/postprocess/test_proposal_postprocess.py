"""Declared unit, frame and rule of boxes."""

import pytest
import torch

from mmvg.models.postprocess import BoxUnit, ProposalPostprocess, Proposals
from mmvg.structures import Answer, GroundingSample

#: The same box in a picture of 100 x 200 (height, width) that a model sees as 50 x 80, or padded to 60 x 60.
BOX = [20.0, 30.0, 100.0, 50.0]
SAME = [
    ('pixel', 'original', None, BOX),
    ('fraction', 'original', None, [0.1, 0.3, 0.5, 0.5]),
    ('fraction', 'resized', None, [0.1, 0.3, 0.5, 0.5]),
    ('fraction', 'padded-corner', None, [0.1, 0.15, 0.5, 0.25]),
    ('permille', 'original', None, [100.0, 300, 500, 500]),
    ('permille', 'padded-corner', None, [100.0, 150, 500, 250]),
    ('pixel', 'resized', (50, 80), [8.0, 15, 40, 25]),
    ('pixel', 'padded-corner', (60, 60), [6.0, 9, 30, 15]),
]


def sample_of(height=100, width=200):
    return GroundingSample(metainfo=dict(ori_shape=(height, width), img_shape=(height, width)))


@pytest.mark.parametrize(('unit', 'frame', 'input_size', 'box'), SAME)
def test_a_box_is_the_same_in_every_unit(unit, frame, input_size, box):
    postprocess = ProposalPostprocess(unit=unit, box_frame=frame)
    found = Proposals(torch.tensor([box]), torch.ones(1), input_size=input_size)
    (sample,) = postprocess([found], [sample_of()])
    torch.testing.assert_close(sample.pred_instances.bboxes, torch.tensor([BOX]))


def test_what_sticks_out_of_the_picture_is_cut_off():
    boxes = BoxUnit('fraction').to_original(torch.tensor([[-0.5, 0.5, 1.5, 2.0]]), (100, 200))
    assert boxes.tolist() == [[0, 50, 200, 100]]


def test_pixels_of_a_picture_of_unknown_size_are_refused():
    with pytest.raises(ValueError, match='pixels of the resized picture, whose size this model does not tell'):
        BoxUnit('pixel', 'resized').to_original(torch.zeros(1, 4), (100, 200))


@pytest.mark.parametrize(('rule', 'kept'), [('all', [0.3, 0.9, 0.6, 0.9]), ('best_scored', [0.9]), ('first', [0.3])])
def test_which_box_counts_is_declared(rule, kept):
    boxes = torch.tensor([[0.0, 0, 1, 1], [0.0, 0, 0.5, 1], [0.5, 0, 1, 1], [0.0, 0, 1, 0.5]])
    found = Proposals(boxes, torch.tensor([0.3, 0.9, 0.6, 0.9]))
    (sample,) = ProposalPostprocess(unit='fraction', box_rule=rule, score_thr=0.5)([found], [sample_of()])
    torch.testing.assert_close(sample.pred_instances.scores, torch.tensor(kept))
    assert sample.pred_no_target == (max(kept) <= 0.5)
    if rule == 'best_scored':  # of equals the first
        assert sample.pred_instances.bboxes.tolist() == [[0, 0, 100, 100]]


@pytest.mark.parametrize('rule', ['all', 'best_scored', 'first'])
@pytest.mark.parametrize('masks', [None, torch.zeros(0, 4, 4)])
def test_no_proposal_is_the_answer_that_nothing_is_meant(rule, masks):
    found = Proposals(torch.zeros(0, 4), torch.zeros(0), masks)
    (sample,) = ProposalPostprocess(unit='fraction', box_rule=rule, score_thr=0.0)([found], [sample_of()])
    assert sample.pred_no_target
    assert sample.target_score == 0
    assert sample.pred_instances.bboxes.shape == (0, 4)
    answer = Answer.from_sample(sample)
    assert answer.no_target
    assert len(answer.boxes) == 0
    if masks is None:
        assert 'pred_sem_seg' not in sample  # boxes alone say nothing about masks
    else:
        assert not sample.pred_sem_seg.sem_seg.any()


def test_overlapping_boxes_are_left_out_and_the_best_are_kept():
    boxes = torch.tensor([[0.0, 0, 0.5, 1], [0.0, 0, 0.45, 1], [0.5, 0, 1, 1], [0.5, 0, 0.6, 0.1]])
    found = Proposals(boxes, torch.tensor([0.8, 0.9, 0.7, 0.1]))
    (sample,) = ProposalPostprocess(unit='fraction', nms_thr=0.5, max_candidates=2)([found], [sample_of()])
    torch.testing.assert_close(sample.pred_instances.scores, torch.tensor([0.9, 0.7]))


def test_masks_go_to_the_original_size_and_are_joined_where_they_pass():
    probabilities = torch.zeros(2, 2, 2)
    probabilities[0, :, 0] = 1.0  # the left half
    probabilities[1, 0] = 1.0  # the upper half
    found = Proposals(torch.zeros(2, 4), torch.tensor([0.9, 0.2]), probabilities)
    (sample,) = ProposalPostprocess(unit='fraction', score_thr=0.5)([found], [sample_of(40, 80)])
    left = torch.zeros(40, 80, dtype=torch.bool)
    left[:, :40] = True
    assert torch.equal(sample.pred_sem_seg.sem_seg[0], left)
    assert torch.equal(sample.pred_instances.masks[1], torch.arange(40)[:, None].expand(40, 80) < 20)


@pytest.mark.parametrize(('setting', 'value'), [('unit', 'pixels'), ('box_frame', 'square'), ('box_rule', 'best')])
def test_a_choice_that_does_not_exist_is_refused(setting, value):
    settings = dict(unit='pixel') | {setting: value}
    with pytest.raises(ValueError, match=setting.removeprefix('box_')):
        ProposalPostprocess(**settings)
