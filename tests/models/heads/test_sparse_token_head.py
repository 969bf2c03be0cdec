import numpy as np
import pytest
import torch
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData, PixelData

from mmvg.export.answers import rule_from_data, rule_of
from mmvg.export.placement import Placement
from mmvg.models import GroundingFeatures
from mmvg.models.heads import SparseTokenHead
from mmvg.models.losses import EdgeWeightedMaskLoss, SingleBoxLoss
from mmvg.models.postprocess import MaskPostprocess
from mmvg.structures import GroundingSample


def make(box=True, **postprocess):
    torch.manual_seed(0)
    return SparseTokenHead(
        in_channels=8,
        patch_size=4,
        mask_loss=dict(type=EdgeWeightedMaskLoss, edge_weight=1.0),
        box_loss=dict(type=SingleBoxLoss, loss_weight=0.1, beta=0.0) if box else None,
        postprocess=dict(type=MaskPostprocess, **postprocess),
    )


def features(kept=None):
    generator = torch.Generator().manual_seed(0)
    return GroundingFeatures(
        images=[torch.randn(2, 8, 4, 4, generator=generator)],
        query_states=torch.randn(1, 2, 1, 8, generator=generator),
        kept=kept,
    )


def samples(*counts):
    made = []
    for count in counts:
        masks = np.zeros((count, 16, 16), np.uint8)
        for i, mask in enumerate(masks):
            mask[2 * i : 2 * i + 4, 1:9] = 1
        sample = GroundingSample(
            metainfo=dict(img_shape=(16, 16), ori_shape=(32, 32), homography_matrix=np.diag([0.5, 0.5, 1]))
        )
        boxes = torch.tensor([[1.0, 2 * i, 9, 2 * i + 4] for i in range(count)]).reshape(-1, 4)
        sample.gt_instances = InstanceData(bboxes=boxes, masks=BitmapMasks(masks, 16, 16))
        sample.gt_sem_seg = PixelData(sem_seg=torch.from_numpy(masks.max(0, keepdims=True, initial=0)))
        sample.set_metainfo(dict(gt_frame='input'))
        sample.no_target = count == 0
        made.append(sample)
    return made


@torch.no_grad()
def test_a_cell_draws_its_patch_and_one_that_is_left_out_draws_zeros():
    head = make()
    head.mask.smooth.weight.zero_()
    head.mask.smooth.weight[0, 0, 2, 2] = 1.0  # passes pixels on as they are
    head.mask.smooth.bias.zero_()
    kept = torch.zeros(2, 4, 4).bool()
    kept[:, 1, 2] = True
    drawn, every = (head(features(which))['mask_logits'][:, 0] for which in (kept, None))
    assert torch.equal(drawn[:, 4:8, 8:12], every[:, 4:8, 8:12])
    assert drawn[:, 4:8, 8:12].all()
    assert drawn.count_nonzero() == 2 * 16
    hidden, last = head.mask.mlp[0], head.mask.mlp[2]
    cell = features().images[0][0, :, 1, 2]
    patch = last.weight[:, :, 0, 0] @ (hidden.weight[:, :, 0, 0] @ cell + hidden.bias).relu() + last.bias
    torch.testing.assert_close(drawn[0, 4:8, 8:12], patch.view(4, 4))


@pytest.mark.parametrize('counts', [(1, 1), (2, 0), (0, 0)])
def test_losses_are_finite_for_any_number_of_targets_and_all_weights_learn(counts):
    head = make()
    losses = head.loss(features(torch.ones(2, 4, 4).bool()), samples(*counts))
    assert set(losses) == {'loss_mask_focal', 'loss_mask_dice', 'loss_bbox', 'loss_giou'}
    sum(losses.values()).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in head.parameters())


def test_the_losses_are_those_of_the_paper():
    """Focal loss (0.25, 2) and dice (1 added to both sides) of the mask, a tenth of L1 and GIoU of the box."""
    head, given = make(), samples(1, 1)
    outputs = head(features())
    losses = head.loss(features(), given)
    mask = torch.stack([sample.gt_sem_seg.sem_seg for sample in given]).double()
    p = outputs['mask_logits'].double().sigmoid()
    of_truth = torch.where(mask > 0, p, 1 - p)
    focal = -(torch.where(mask > 0, 0.25, 0.75) * (1 - of_truth) ** 2 * of_truth.log()).mean()
    dice = (1 - (2 * (p * mask).sum((1, 2, 3)) + 1) / (p.sum((1, 2, 3)) + mask.sum((1, 2, 3)) + 1)).mean()
    truth = torch.tensor([5.0, 2, 8, 4]) / 16  # cxcywh
    assert losses['loss_mask_focal'].item() == pytest.approx(focal.item(), rel=1e-5)
    assert losses['loss_mask_dice'].item() == pytest.approx(dice.item(), rel=1e-5)
    l1 = 0.1 * (outputs['boxes_cxcywh_norm'] - truth).abs().sum(1).mean()
    assert losses['loss_bbox'].item() == pytest.approx(l1.item(), rel=1e-5)
    assert 0 < losses['loss_giou'] < 0.2


@torch.no_grad()
def test_the_answer_has_one_box_in_original_pixels_and_the_score_of_the_surest_pixel():
    head, given = make().eval(), samples(1, 1)
    outputs = head(features())
    answers = head.predict(features(), given)
    for answer, logits, box in zip(answers, outputs['mask_logits'], outputs['boxes_cxcywh_norm'], strict=True):
        assert answer.target_score == pytest.approx(logits.max().sigmoid().item())
        assert answer.pred_instances.scores.tolist() == [pytest.approx(answer.target_score)]
        assert not answer.pred_no_target
        x, y, w, h = (32 * box).tolist()
        expected = torch.tensor([[x - w / 2, y - h / 2, x + w / 2, y + h / 2]]).clamp(0, 32)
        torch.testing.assert_close(answer.pred_instances.bboxes, expected, atol=1e-4, rtol=0)
        assert answer.pred_sem_seg.sem_seg.shape == (1, 32, 32)


@torch.no_grad()
def test_the_border_of_a_letterbox_has_no_say_in_the_verdict():
    """Neither of a sample nor of arrays."""
    logits = torch.full((1, 1, 16, 16), -9.0)
    logits[..., :4, :] = 9.0  # above the picture
    head = make(box=False).eval()
    head.forward = lambda features: dict(mask_logits=logits)
    matrix = np.array([[0.5, 0, 0], [0, 0.5, 4], [0, 0, 1]])
    sample = GroundingSample(metainfo=dict(img_shape=(16, 16), ori_shape=(16, 32), homography_matrix=matrix))
    (answer,) = head.predict(None, [sample])
    assert answer.target_score == pytest.approx(torch.tensor(-9.0).sigmoid().item())
    placed = Placement((16, 32), (16, 16), (0.5, 0.5), (0, 4))
    made = rule_from_data(rule_of(head).to_data()).candidates(dict(mask_logits=logits.numpy()), 0, placed)
    assert made.target_score == pytest.approx(answer.target_score)


@torch.no_grad()
def test_with_one_threshold_for_both_nothing_is_meant_where_the_mask_is_empty():
    head = make(score_thr=0.5).eval()
    for bias in (-30.0, 30.0):
        head.mask.smooth.bias.fill_(bias)
        for answer in head.predict(features(), samples(1, 1)):
            assert answer.pred_no_target == (bias < 0) == (not answer.pred_sem_seg.sem_seg.any())


def test_without_a_box_no_query_is_needed_and_with_one_it_is():
    without = features().replace(query_states=None)
    assert make(box=False)(without)['boxes_cxcywh_norm'] is None
    assert 'pred_instances' not in make(box=False).eval().predict(without, samples(1, 1))[0]
    with pytest.raises(ValueError, match='add a LanguageDecoder'):
        make()(without)
