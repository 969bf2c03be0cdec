import numpy as np
import pytest
import torch

from mmvg.models.postprocess import MaskPostprocess
from mmvg.structures import GroundingSample


def sample(ori=(6, 4), size=(12, 8), shift=(0, 0)):
    matrix = np.array([[2.0, 0, shift[0]], [0, 2.0, shift[1]], [0, 0, 1]])
    found = GroundingSample()
    found.set_metainfo(dict(img_shape=size, ori_shape=ori, homography_matrix=matrix))
    return found


def blocks(inside, size=(12, 8), scale=4):
    """Logits +-9 in blocks of ``scale`` input pixels."""
    return torch.tensor(inside).float().mul(18).sub(9)[None, None].reshape(1, 1, size[0] // scale, size[1] // scale)


def test_the_mask_is_brought_to_the_original_image():
    logits = blocks([[0, 0], [1, 1], [0, 0]])
    (found,) = MaskPostprocess()(logits, [sample()])
    mask = found.pred_sem_seg.sem_seg
    assert mask.shape == (1, 6, 4)
    assert mask[0, :, 0].tolist() == [False, False, True, True, False, False]
    assert found.pred_frame == 'original'
    assert found.pred_no_target is False
    assert 0.5 < found.target_score <= 1


def test_padding_is_cut_away():
    logits = torch.full((1, 1, 16, 8), -9.0)
    logits[..., 4:6, :] = 9.0  # the two rows of the letterbox that show the image's first one
    (found,) = MaskPostprocess()(logits, [sample(ori=(3, 4), size=(16, 8), shift=(0, 4))])
    assert found.pred_sem_seg.sem_seg[0, :, 0].tolist() == [True, False, False]


@pytest.mark.parametrize('interpolation', ['bilinear', 'bicubic'])
def test_the_threshold_is_strict_and_chosen(interpolation):
    logits = torch.zeros(1, 1, 3, 2)
    for thr, expected in ((0.5, False), (0.35, True)):
        (found,) = MaskPostprocess(mask_thr=thr, interpolation=interpolation)(logits, [sample()])
        assert bool(found.pred_sem_seg.sem_seg.all()) is expected
    assert found.target_score == pytest.approx(0.5)


def test_a_score_that_is_not_more_than_the_threshold_means_nothing():
    first, second = MaskPostprocess(score_thr=0.5)(
        torch.full((2, 1, 3, 2), 9.0), [sample(), sample()], torch.tensor([0.5, 0.75])
    )
    assert (first.pred_no_target, second.pred_no_target) == (True, False)
    assert not first.pred_sem_seg.sem_seg.any()
    assert second.pred_sem_seg.sem_seg.all()
    assert first.target_score == 0.5


def test_an_empty_mask_has_score_0_and_the_input_frame_is_possible():
    (found,) = MaskPostprocess(frame='input')(torch.full((1, 1, 3, 2), -9.0), [sample()])
    assert found.target_score == 0
    assert found.pred_sem_seg.sem_seg.shape == (1, 12, 8)
    assert found.pred_frame == 'input'


def test_unknown_settings_are_refused():
    with pytest.raises(ValueError, match="frame must be 'original' or 'input'"):
        MaskPostprocess(frame='resized')
    with pytest.raises(ValueError, match="interpolation must be 'bilinear' or 'bicubic'"):
        MaskPostprocess(interpolation='nearest')
