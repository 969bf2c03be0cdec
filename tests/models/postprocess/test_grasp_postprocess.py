import math

import numpy as np
import pytest
import torch

from mmvg.models.postprocess import GraspPostprocess
from mmvg.structures import GroundingSample


def make_sample(size=64, scale=0.5, top=8):
    matrix = np.array([[scale, 0, 0], [0, scale, top], [0, 0, 1]])
    ori_shape = (int((size - 2 * top) / scale), int(size / scale))
    return GroundingSample(metainfo=dict(img_shape=(size, size), ori_shape=ori_shape, homography_matrix=matrix))


def make_logits(size=64, degrees=30.0):
    """An object at rows 24-40, columns 16-48, a grasp in its middle (32.5, 32.5), another off it (10, 54)."""
    logits = torch.full((1, 5, size, size), -8.0)
    logits[0, 0, 24:41, 16:49] = 8
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing='ij')
    on = torch.exp(-((x - 32.5) ** 2 + (y - 32.5) ** 2) / 18)
    off = torch.exp(-((x - 10) ** 2 + (y - 54) ** 2) / 18)
    logits[0, 1] = (0.02 + 0.7 * on + 0.9 * off).clamp(max=0.98).logit()
    logits[0, 2], logits[0, 3] = (f(math.radians(2 * degrees)) for f in (math.cos, math.sin))
    logits[0, 4] = math.log(0.4 / 0.6)
    return logits


def answer(logits=None, sample=None, **settings):
    sample = sample or make_sample()
    GraspPostprocess(**settings)(make_logits() if logits is None else logits, [sample])
    return sample


def test_the_answer_is_in_original_pixels():
    found = answer()
    assert found.pred_frame == 'original'
    assert found.pred_sem_seg.sem_seg.shape == (1, 96, 128)
    rows, columns = found.pred_sem_seg.sem_seg[0].nonzero().unbind(1)
    # rows 24 to 40 of the input are 2 * (24 - 8) to 2 * (41 - 8) - 1 of the image, and half a cell blurs them
    assert abs(rows.min().item() - 32) <= 1
    assert abs(rows.max().item() - 65) <= 1
    assert abs(columns.min().item() - 32) <= 1
    x, y, w, h, theta = found.pred_grasps.grasps[0].tolist()
    assert (x, y) == (pytest.approx(65.5, abs=1), pytest.approx(2 * 24.5 + 0.5, abs=1))
    assert (w, h) == (pytest.approx(0.4 * 35 / 0.5, rel=1e-4), pytest.approx(7 / 0.5))
    assert theta == pytest.approx(math.radians(30), abs=1e-5)
    assert found.target_score == pytest.approx(torch.tensor(8.0).sigmoid().item(), abs=0.05)  # of the mask
    assert found.pred_no_target is False


@pytest.mark.parametrize(('gate', 'best'), [('off', (21, 92)), ('hard', (65.5, 49.5)), ('soft', (65.5, 49.5))])
def test_the_gate_decides_whether_grasps_off_the_object_count(gate, best):
    x, y = answer(gate=gate).pred_grasps.grasps[0, :2].tolist()
    assert (x, y) == (pytest.approx(best[0], abs=1.5), pytest.approx(best[1], abs=1.5))


def test_scores_fall_and_number_at_most_as_many_as_asked_for():
    logits = make_logits()
    logits[0, 1] = torch.randn(64, 64, generator=torch.Generator().manual_seed(0))
    found = answer(logits, num_grasps=7).pred_grasps
    assert len(found.grasps) == len(found.scores) == 7
    assert (found.scores.diff() <= 0).all()


def test_an_empty_mask_means_no_grasp_and_no_target():
    logits = make_logits()
    logits[0, 0] = -8
    found = answer(logits)
    assert found.pred_grasps.grasps.shape == (0, 5)
    assert (found.target_score, found.pred_no_target) == (0.0, True)


def test_a_robot_can_ask_for_grasps_it_may_trust():
    assert len(answer(score_thr=0.2).pred_grasps.grasps) >= 1
    assert len(answer(score_thr=0.9).pred_grasps.grasps) == 0


def test_jaws_can_be_half_of_the_opening_and_widths_have_their_own_unit():
    grasp = answer(jaw_size=None, width_norm=104.0).pred_grasps.grasps[0]
    assert grasp[2:4].tolist() == [pytest.approx(0.4 * 208, rel=1e-4), pytest.approx(0.2 * 208, rel=1e-4)]


def test_maps_smaller_than_the_input_are_enlarged_first():
    small = torch.nn.functional.interpolate(make_logits(), scale_factor=0.5, mode='area')
    x, y = answer(small).pred_grasps.grasps[0, :2].tolist()
    assert (x, y) == (pytest.approx(65.5, abs=3), pytest.approx(49.5, abs=3))


def test_the_angle_of_a_vertical_grasp_survives_smoothing():
    found = answer(make_logits(degrees=90), sigmas=(2.0, 2.0, 1.0)).pred_grasps.grasps[0]
    assert abs(found[4].item()) == pytest.approx(math.pi / 2, abs=1e-3)


def test_the_baseline_reads_nothing_but_the_mask():
    logits = make_logits()
    logits[:, 1:] = torch.nan
    ((x, y, w, h, theta),) = answer(logits, grasps_from='mask').pred_grasps.grasps.tolist()
    assert (x, y) == (pytest.approx(64.5, abs=1.5), pytest.approx(48.5, abs=1.5))
    assert w == pytest.approx(1.1 * 34, abs=3)  # 17 rows of the input
    assert abs(theta) == pytest.approx(math.pi / 2, abs=0.05)
    assert h == pytest.approx(14)


def test_unknown_choices_are_refused():
    with pytest.raises(ValueError, match="not 'maybe'"):
        GraspPostprocess(gate='maybe')
    with pytest.raises(ValueError, match="not 'boxes'"):
        GraspPostprocess(grasps_from='boxes')


def test_numbers_that_were_learned_as_they_are_can_be_read_so():
    logits = make_logits()
    logits[:, 1], logits[:, 4] = logits[:, 1].sigmoid() * 1.2, 0.4  # a quality above 1, and a width
    raw = answer(logits, activation='none')
    assert raw.pred_grasps.grasps[0, 2].item() == pytest.approx(0.4 * 35 / 0.5, rel=1e-4)
    assert raw.pred_grasps.scores[0].item() == pytest.approx(1.2 * 0.72, abs=0.03)  # a bilinear peak is lower
    assert (answer(1.5 * logits, activation='none').pred_grasps.scores <= 1).all()
    as_crog = answer(logits)  # reads the sigmoid of the same numbers: in the same place, with another opening
    torch.testing.assert_close(as_crog.pred_grasps.grasps[0, :2], raw.pred_grasps.grasps[0, :2])
    opening = torch.tensor(0.4).sigmoid().item() * 35 / 0.5
    assert as_crog.pred_grasps.grasps[0, 2].item() == pytest.approx(opening, rel=1e-4)


def test_the_maps_are_kept_where_they_are_asked_for():
    assert 'pred_grasp_maps' not in answer()
    found = answer(keep_maps=True)
    quality, cos, sin, opening = found.pred_grasp_maps
    assert quality.shape == (96, 128)
    x, y, w, _, theta = found.pred_grasps.grasps[0].tolist()
    row, column = round(y), round(x)
    assert quality[row, column] == found.pred_grasps.scores[0] == quality.max()
    assert opening[row, column] == pytest.approx(w)
    assert torch.atan2(sin, cos)[row, column] / 2 == pytest.approx(theta, abs=1e-4)
    assert quality[92, 21] == 0  # off the object, as the gate has it


@pytest.mark.parametrize('gate', ['hard', 'soft', 'off'])
def test_nothing_is_answered_where_a_branch_is_not_sure_that_anything_is_meant(gate):
    postprocess, samples = GraspPostprocess(gate=gate, existence_thr=0.6), [make_sample(), make_sample()]
    sure, unsure = postprocess(make_logits().repeat(2, 1, 1, 1), samples, torch.tensor([0.7, 0.6]))
    assert not sure.pred_no_target
    assert sure.target_score == pytest.approx(0.7)
    assert len(sure.pred_grasps.grasps)
    assert unsure.pred_no_target
    assert unsure.target_score == 0
    assert not len(unsure.pred_grasps.grasps)
    assert not unsure.pred_sem_seg.sem_seg.any()


def test_an_empty_mask_is_no_answer_whatever_a_branch_says():
    logits = make_logits()
    logits[:, 0] = -8
    (sample,) = GraspPostprocess()(logits, [make_sample()], torch.tensor([0.9]))
    assert sample.pred_no_target
    assert sample.target_score == 0


def test_a_threshold_outside_of_0_to_1_is_refused():
    with pytest.raises(ValueError, match=r'1\.5'):
        GraspPostprocess(existence_thr=1.5)
