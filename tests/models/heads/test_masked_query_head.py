import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData, PixelData

from mmvg.models.features import GroundingFeatures
from mmvg.models.heads import MaskedQueryHead
from mmvg.structures import GroundingSample

SIDE = 32


def head(**options):
    torch.manual_seed(0)
    return MaskedQueryHead(
        **dict(
            in_channels=8,
            mask_loss=dict(type='BinaryMaskLoss'),
            postprocess=dict(type='MaskPostprocess'),
            num_layers=4,
            num_heads=2,
            ffn_channels=16,
        )
        | options
    )


def features():
    generator = torch.Generator().manual_seed(1)
    maps = [torch.randn(2, 8, s, s, generator=generator) for s in (4, 2, 1)]
    return GroundingFeatures(images=maps, pixels=torch.randn(2, 8, 8, 8, generator=generator))


def samples(no_target=(False, False)):
    found = []
    for nothing in no_target:
        mask = np.zeros((1, SIDE, SIDE), np.uint8)
        mask[:, 4:12, 4:28] = 1
        mask = mask[: 0 if nothing else 1]
        union = torch.from_numpy(mask).any(0, keepdim=True).to(torch.uint8)
        sample = GroundingSample(
            gt_instances=InstanceData(bboxes=torch.zeros(len(mask), 4), masks=BitmapMasks(mask, SIDE, SIDE)),
            gt_sem_seg=PixelData(sem_seg=union),
        )
        sample.no_target = nothing
        sample.set_metainfo(
            dict(img_shape=(SIDE, SIDE), ori_shape=(20, 40), homography_matrix=np.diag([0.8, 1.6, 1]), gt_frame='input')
        )
        found.append(sample)
    return found


@pytest.mark.parametrize('deep', [True, False])
def test_every_layer_has_a_mask_and_every_parameter_a_gradient(deep, unlearned):
    model = head(deep_supervision=deep)
    out = model(features())
    assert out['mask_logits'].shape == (2, 1, 8, 8)
    assert len(out['aux_outputs']) == 4
    losses = model.loss(features(), samples((False, True)))
    assert len(losses) == (10 if deep else 2)
    sum(losses.values()).backward()
    assert unlearned(model) == []
    assert all(p.grad.isfinite().all() for p in model.parameters())


@torch.no_grad()
def test_a_layer_sees_the_cells_of_the_mask_so_far_and_all_if_it_is_empty():
    model = head()
    logits = torch.full((2, 1, 8, 8), -5.0)
    logits[0, :, :4, :4] = 5.0
    closed = model._closed(logits, (2, 2))
    assert closed.shape == (4, 1, 4)  # two heads per image
    assert closed[0].tolist() == closed[1].tolist() == [[False, True, True, True]]
    assert not closed[2:].any()


@torch.no_grad()
def test_what_lies_outside_the_mask_is_not_seen():
    model, found = head(num_layers=1), features()
    first = model(found)['aux_outputs'][0]
    # make the coarsest map 2 x 2 and the mask so far its upper left cell
    coarse = torch.randn(2, 8, 2, 2)
    other = coarse.clone()
    other[..., 1, 1] += 1
    upper_left = torch.full_like(first, -5.0)
    upper_left[..., :4, :4] = 5.0
    model._mask = lambda query, pixels: upper_left + 0 * query.sum()
    closed = model._closed(upper_left, (2, 2))
    queries = [
        model.decoder.layers[0](
            query=model.query.expand(2, -1, -1),
            key=x.flatten(2).transpose(1, 2),
            value=x.flatten(2).transpose(1, 2),
            query_pos=model.query_position.expand(2, -1, -1),
            key_pos=torch.zeros(1, 4, 8),
            cross_attn_mask=closed,
        )
        for x in (coarse, other)
    ]
    assert torch.equal(*queries)


@torch.no_grad()
def test_levels_go_round_from_the_coarsest():
    model, found = head(num_layers=3), features()
    out = model(found)
    for layer, changed in enumerate((2, 1, 0)):
        images = list(found.images)
        images[changed] = images[changed] + torch.randn_like(images[changed])
        again = model(found.replace(images=images))
        logits = [*out['aux_outputs'], out['mask_logits']]
        other = [*again['aux_outputs'], again['mask_logits']]
        same = [torch.equal(a, b) for a, b in zip(logits, other, strict=True)]
        assert same[: layer + 1] == [True] * (layer + 1)
        assert not same[layer + 1]


@torch.no_grad()
def test_answers_in_original_pixels():
    model = head().eval()
    answered = model.predict(features(), samples())
    assert answered[1].pred_sem_seg.sem_seg.shape == (1, 20, 40)
    prob = F.interpolate(model(features())['mask_logits'], (SIDE, SIDE), mode='bilinear').sigmoid()
    assert answered[1].pred_sem_seg.sem_seg.any() == (prob[1] > 0.5).any()


def test_missing_maps_are_explained():
    with pytest.raises(ValueError, match='add a DeformablePixelDecoder'):
        head()(features().replace(pixels=None))
    with pytest.raises(ValueError, match='3 coarse maps'):
        head()(features().replace(images=[]))


def test_magnets_head_has_its_size():
    with torch.device('meta'):
        model = MaskedQueryHead(256, dict(type='BinaryMaskLoss'), dict(type='MaskPostprocess'))
    assert sum(p.numel() for p in model.parameters()) == pytest.approx(14.4e6, rel=0.01)
