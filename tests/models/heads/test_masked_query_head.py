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


def features(seed=1):
    generator = torch.Generator().manual_seed(seed)
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


@pytest.mark.parametrize('deep', ['mean', 'sum', 'off'])
def test_every_layer_has_a_mask_and_every_parameter_a_gradient(deep, unlearned):
    model = head(deep_supervision=deep)
    out = model(features())
    assert out['mask_logits'].shape == (2, 1, 8, 8)
    assert len(out['aux_outputs']) == 4
    losses = model.loss(features(), samples((False, True)))
    assert len(losses) == (2 if deep == 'off' else 10)
    sum(losses.values()).backward()
    assert unlearned(model) == []
    assert all(p.grad.isfinite().all() for p in model.parameters())


@torch.no_grad()
def test_the_mean_over_all_masks_weighs_as_one_mask_and_the_sum_as_five():
    model = head()
    mean = model.loss(features(), samples((False, True)))
    model.deep_supervision = 'sum'
    total = model.loss(features(), samples((False, True)))
    assert mean.keys() == total.keys()
    assert sum(total.values()).item() == pytest.approx(5 * sum(mean.values()).item(), rel=1e-5)
    model.deep_supervision = 'off'
    last = model.loss(features(), samples((False, True)))
    assert {name: loss.item() for name, loss in last.items()} == {name: total[name].item() for name in last}


@torch.no_grad()
def test_a_layer_sees_the_cells_of_the_mask_so_far_and_all_if_it_is_empty():
    model, given, counts = head(num_layers=2), {}, []
    model.decoder.layers[1].register_forward_pre_hook(lambda _, args, named: given.update(named), with_kwargs=True)
    for seed in range(80):
        logits = model(features(seed))['aux_outputs'][1][:, 0]
        # the middle of a cell of 4 x 4 pixels lies between its four inner ones
        middle = logits.unfold(1, 4, 4).unfold(2, 4, 4)[..., 1:3, 1:3].mean((3, 4)).flatten(1)
        closed = (middle < 0) & (middle >= 0).any(1, keepdim=True)
        assert torch.equal(given['cross_attn_mask'], closed.repeat_interleave(2, 0)[:, None])  # two heads per image
        counts += (middle < 0).sum(1).tolist()
    assert {1, 2, 3, 4} <= set(counts)


@torch.no_grad()
def test_what_lies_outside_the_mask_is_not_seen():
    model, given, seen = head(num_layers=2), {}, set()
    model.decoder.layers[1].register_forward_pre_hook(lambda _, args, named: given.update(named), with_kwargs=True)
    for seed in range(10):
        found = features(seed)
        logits = model(found)['mask_logits']
        closed = given['cross_attn_mask'][::2].unflatten(-1, (2, 2))  # (B, 1, 2, 2), of the first head
        for outside in (True, False):
            images = list(found.images)
            images[1] = images[1] + 5 * (closed == outside)
            same = model(found.replace(images=images))['mask_logits'].flatten(1).eq(logits.flatten(1)).all(1)
            for i in range(2):
                if (closed[i] == outside).any():
                    seen.add((outside, bool(same[i])))
    assert seen == {(True, True), (False, False)}


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
