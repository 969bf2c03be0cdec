import pytest
import torch

from mmvg.models.postprocess import BoxPostprocess
from mmvg.structures import Answer

BOXES = torch.tensor([[[0.25, 0.25, 0.5, 0.5], [0.26, 0.25, 0.5, 0.5], [1.0, 0.5, 0.5, 0.5]]])  # the last sticks out
LOGITS = torch.tensor([[[2.0, 0.0], [3.0, 0.0], [0.0, 1.0]]])  # scores 0.881, 0.953 and 0.269


def test_all_queries_are_reported_in_original_pixels(make_sample):
    (answer,) = BoxPostprocess()(LOGITS, BOXES, [make_sample(1)])  # 64 x 48 pixels, seen as 32 x 32
    expected = [[0, 0, 32, 24], [0.64, 0, 32.64, 24], [48, 12, 64, 36]]
    torch.testing.assert_close(answer.pred_instances.bboxes, torch.tensor(expected))
    torch.testing.assert_close(answer.pred_instances.scores, LOGITS[0].softmax(-1)[:, 0])
    assert answer.target_score == pytest.approx(0.9526, abs=1e-4)
    assert answer.pred_no_target is False
    assert 'pred_sem_seg' not in answer
    assert 'masks' not in answer.pred_instances


def test_the_threshold_decides_whether_anything_is_meant(make_sample):
    (answer,) = BoxPostprocess(score_thr=0.96)(LOGITS, BOXES, [make_sample(0)])
    assert answer.pred_no_target is True
    record = Answer.from_sample(answer).to_record()
    assert record['boxes'] == []
    assert 'mask' not in record


def test_boxes_that_overlap_better_ones_get_score_0(make_sample):
    (answer,) = BoxPostprocess(nms_thr=0.7)(LOGITS, BOXES, [make_sample(1)])
    assert (answer.pred_instances.scores > 0).tolist() == [False, True, True]


def test_answers_stay_in_input_pixels_if_that_is_the_frame(make_sample):
    (answer,) = BoxPostprocess(frame='input')(LOGITS, BOXES, [make_sample(1)])
    assert answer.pred_instances.bboxes[0].tolist() == [0, 0, 16, 16]
    assert answer.pred_frame == 'input'
