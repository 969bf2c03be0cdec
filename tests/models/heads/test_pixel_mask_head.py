import numpy as np
import pytest
import torch
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData, PixelData

from mmvg.models.features import GroundingFeatures
from mmvg.models.heads import PixelMaskHead
from mmvg.structures import GroundingSample

SIDE = 16
PARTS = dict(mask_loss=dict(type='BinaryMaskLoss'), postprocess=dict(type='MaskPostprocess'))


def sample(rows=(4, 12)):
    mask = np.zeros((1, SIDE, SIDE), np.uint8)
    mask[:, slice(*rows), 4:8] = 1
    found = GroundingSample(
        gt_instances=InstanceData(
            bboxes=torch.tensor([[4.0, rows[0], 8, rows[1]]]), masks=BitmapMasks(mask, SIDE, SIDE)
        ),
        gt_sem_seg=PixelData(sem_seg=torch.from_numpy(mask)),
    )
    found.no_target = False
    found.set_metainfo(
        dict(img_shape=(SIDE, SIDE), ori_shape=(SIDE, SIDE), homography_matrix=np.eye(3), gt_frame='input')
    )
    return found


def features(channels=5):
    generator = torch.Generator().manual_seed(0)
    return GroundingFeatures(images=[], pixels=torch.randn(2, channels, 4, 4, generator=generator))


@pytest.mark.parametrize('num_logits', [1, 2])
def test_answers_with_a_mask_and_learns_one(num_logits):
    torch.manual_seed(0)
    head = PixelMaskHead(5, num_logits=num_logits, **PARTS)
    logits = head(features())['mask_logits']
    assert logits.shape == (2, 1, 4, 4)
    if num_logits == 2:
        both = head.classify(features().pixels)
        torch.testing.assert_close(logits.sigmoid(), both.softmax(1)[:, 1:])
    step = torch.optim.Adam(head.parameters(), lr=0.05)
    first = None
    for _ in range(20):
        losses = head.loss(features(), [sample(), sample((0, 16))])
        total = losses['loss_bce'] + losses['loss_dice']
        first = total.item() if first is None else first
        step.zero_grad()
        total.backward()
        step.step()
    assert total.item() < first
    answered = head.predict(features(), [sample(), sample()])
    assert answered[0].pred_sem_seg.sem_seg.shape == (1, SIDE, SIDE)


def test_a_missing_neck_and_a_wrong_number_of_logits_are_explained():
    head = PixelMaskHead(5, **PARTS)
    with pytest.raises(ValueError, match="reads 'pixels'"):
        head(GroundingFeatures(images=[]))
    with pytest.raises(ValueError, match='num_logits must be 1 or 2'):
        PixelMaskHead(5, num_logits=3, **PARTS)


@pytest.mark.parametrize('detach', [False, True])
def test_a_branch_learns_whether_anything_is_meant_and_empties_masks(detach):
    torch.manual_seed(0)
    postprocess = dict(type='MaskPostprocess', score_thr=0.5)
    loss = dict(type='NoTargetLoss', loss_weight=1.0, class_weights=(1.0, 1.0))
    head = PixelMaskHead(5, no_target_loss=loss, detach_existence=detach, **PARTS | dict(postprocess=postprocess))
    found = features()
    found.pixels.requires_grad_()
    nothing = sample((0, 0))
    nothing.no_target = True
    head.loss(found, [sample(), nothing])['loss_no_target'].backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in head.existence.parameters())
    assert (found.pixels.grad is None) == detach
    step = torch.optim.Adam(head.parameters(), lr=0.05)
    for _ in range(60):
        step.zero_grad()
        sum(head.loss(features(), [sample((0, 16)), nothing]).values()).backward()
        step.step()
    head.classify.bias.data += 9  # all pixels are in the mask, so that only the branch can tell
    something, none = head.predict(features(), [sample(), sample()])
    assert (something.pred_no_target, none.pred_no_target) == (False, True)
    assert something.target_score > 0.5 > none.target_score
    assert something.pred_sem_seg.sem_seg.any()
    assert not none.pred_sem_seg.sem_seg.any()


def test_without_a_branch_the_mask_tells_as_before():
    head = PixelMaskHead(5, **PARTS)
    assert set(head(features())) == {'mask_logits'}
    assert head.existence is None
    assert 'loss_no_target' not in head.loss(features(), [sample(), sample()])
