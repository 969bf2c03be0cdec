import numpy as np
import pytest
import torch
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData, PixelData

from mmvg.models.features import GroundingFeatures
from mmvg.models.heads import CrossModalAlignmentHead
from mmvg.models.losses import AlignmentLoss
from mmvg.structures import GroundingSample

SIDE = 16


def sample(rows, columns=(0, SIDE)):
    mask = np.zeros((1, SIDE, SIDE), np.uint8)
    mask[:, slice(*rows), slice(*columns)] = 1
    found = GroundingSample(
        gt_instances=InstanceData(bboxes=torch.zeros(1, 4), masks=BitmapMasks(mask, SIDE, SIDE)),
        gt_sem_seg=PixelData(sem_seg=torch.from_numpy(mask)),
    )
    found.no_target = not mask.any()
    found.set_metainfo(dict(img_shape=(SIDE, SIDE), gt_frame='input'))
    return found


def features():
    generator = torch.Generator().manual_seed(0)
    return GroundingFeatures(
        images=[],
        pixels=torch.randn(3, 6, 4, 4, generator=generator).requires_grad_(),
        text=torch.randn(3, 5, 7, generator=generator).requires_grad_(),
        text_mask=torch.arange(5)[None] < torch.tensor([5, 3, 2])[:, None],
    )


def test_is_the_mean_over_the_images_that_have_both_sets():
    torch.manual_seed(0)
    head = CrossModalAlignmentHead(6, 7, pixel_weight=0.5, text_weight=2.0)
    found = features()
    # rows 0 to 5: the first row of cells is covered, the second by half (not more), so it is background
    samples = [sample((0, 6)), sample((0, 0)), sample((8, 16), (0, 8))]
    losses = head.loss(found, samples)
    expected = []
    for i, cells in ((0, [0, 1, 2, 3]), (2, [8, 9, 12, 13])):
        foreground = torch.isin(torch.arange(16), torch.tensor(cells))
        words = found.text[i, found.text_mask[i]].mean(0)
        expected.append(AlignmentLoss()(found.pixels[i].flatten(1).t(), foreground, head.project(words)))
    torch.testing.assert_close(losses['loss_p2p'], 0.5 * (expected[0][0] + expected[1][0]) / 2)
    torch.testing.assert_close(losses['loss_p2t'], 2.0 * (expected[0][1] + expected[1][1]) / 2)
    sum(losses.values()).backward()
    assert found.pixels.grad[1].abs().max() == 0
    assert found.text.grad[0].abs().max() > 0
    assert found.text.grad[0, ~found.text_mask[0]].abs().sum() == 0


@pytest.mark.parametrize('rows', [(0, 0), (0, SIDE)])
def test_nothing_to_compare_is_zero_with_a_gradient(rows):
    head = CrossModalAlignmentHead(6, 7)
    found = features()
    losses = head.loss(found, [sample(rows)] * 3)
    assert {name: value.item() for name, value in losses.items()} == dict(loss_p2p=0, loss_p2t=0)
    sum(losses.values()).backward()
    for tensor in (*head.parameters(), found.pixels):
        assert tensor.grad.count_nonzero() == 0  # there, for processes that wait


def test_a_term_without_weight_is_not_there():
    head = CrossModalAlignmentHead(6, 7, text_weight=0.0)
    assert head.project is None
    assert set(head.loss(features(), [sample((0, 4))] * 3)) == {'loss_p2p'}
    head = CrossModalAlignmentHead(6, 7, pixel_weight=0.0)
    assert set(head.loss(features(), [sample((0, 4))] * 3)) == {'loss_p2t'}


def test_half_precision_does_not_overflow():
    head = CrossModalAlignmentHead(6, 7)
    found = features()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        losses = head.loss(found, [sample((0, 4))] * 3)
    assert all(value.dtype == torch.float32 and value.isfinite() for value in losses.values())


def test_a_missing_neck_is_explained():
    with pytest.raises(ValueError, match="reads 'pixels'"):
        CrossModalAlignmentHead(6, 7).loss(features().replace(pixels=None), [])
