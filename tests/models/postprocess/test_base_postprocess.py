import pytest
import torch

from mmvg.models.postprocess import BasePostprocess, GraspPostprocess, InstancePostprocess, MaskPostprocess
from mmvg.registry import MODELS
from mmvg.structures import GroundingSample


@pytest.mark.parametrize(
    ('align_corners', 'row'),
    [
        (True, [0.0, 1.0, 2.0, 3.0]),  # the middles of the outer cells lie on the outer pixels
        (False, [0.0, 0.75, 2.25, 3.0]),  # the middles of the cells lie a quarter from the border
    ],
)
def test_logits_are_enlarged_by_the_rule_that_is_set(align_corners, row):
    part = BasePostprocess(0.5, 0.5, 'original', align_corners)
    enlarged = part.enlarge(torch.tensor([[[0.0, 3.0]]]), GroundingSample(metainfo=dict(img_shape=(2, 4))))
    torch.testing.assert_close(enlarged, torch.tensor([[row, row]]))


@pytest.mark.parametrize('align_corners', [True, False])
@pytest.mark.parametrize('size', [(6, 10), (12, 20)])
def test_a_mask_answer_follows_the_rule_that_is_set(align_corners, size):
    """Wherever the rule puts the border of a mask, the answer has it."""
    logits = torch.tensor([[[[9.0, -1.0], [9.0, -1.0]]]])
    sample = GroundingSample(metainfo=dict(img_shape=size, ori_shape=size))
    part = MODELS.build(dict(type=MaskPostprocess, align_corners=align_corners))
    (answer,) = part(logits, [sample])
    # the logit is 0 at 0.9 of the way between the middles of the two cells
    border = 0.9 * (size[1] - 1) + 0.5 if align_corners else (0.25 + 0.9 * 0.5) * size[1]
    assert answer.pred_sem_seg.sem_seg[0, 0].sum().item() == int(border + 0.5)


@pytest.mark.parametrize('part', [InstancePostprocess, MaskPostprocess, GraspPostprocess])
def test_every_part_is_found_by_its_name_and_takes_the_rule(part):
    for align_corners in (True, False):
        assert MODELS.build(dict(type=part.__name__, align_corners=align_corners)).align_corners is align_corners


def test_an_unknown_frame_is_refused():
    with pytest.raises(ValueError, match="frame must be 'original' or 'input', not 'norm'"):
        BasePostprocess(0.5, 0.5, 'norm', False)
