"""RaAM-RVG as a whole, eight channels wide: what the configs put together trains, answers, and runs under DDP."""

import copy

import pytest
import torch
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData, PixelData
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from mmvg.models import Grounder, GroundingPreprocessor
from mmvg.models.backbones import BertTextEncoder, ConvStem, StagedEncoder, SwinStages, ViTStages
from mmvg.models.fusions import PixelWordFusion, RegionAwareFusion, RegionModulation
from mmvg.models.heads import RegionHead
from mmvg.models.losses import EdgeWeightedMaskLoss, RegionPresenceLoss, SingleBoxLoss
from mmvg.models.postprocess import MaskPostprocess
from mmvg.registry import MODELS
from mmvg.structures import GroundingSample

SIZE, LENGTH = 64, 6
MODEL = dict(
    type=Grounder,
    data_preprocessor=dict(type=GroundingPreprocessor, mean=[127.5] * 3, std=[127.5] * 3, bgr_to_rgb=True),
    backbone=dict(
        type=StagedEncoder,
        image=dict(
            type=ViTStages,
            img_size=SIZE,
            patch_size=16,
            embed_dims=8,
            num_layers=8,
            num_heads=2,
            drop_path_rate=0.0,
            patch_embed=dict(type=ConvStem, channels=(4, 4, 4, 8), norm_cfg=dict(type='GN', num_groups=2)),
            weight_std=0.3,
        ),
        text=dict(
            type=BertTextEncoder,
            embed_dims=8,
            num_layers=1,
            num_heads=2,
            ffn_channels=16,
            vocab_size=20,
            max_positions=8,
            dropout=0.0,
            weight_std=0.3,
        ),
        fusion=dict(type=RegionAwareFusion, image_channels=(8,) * 4, text_channels=8, anchor_std=1.0, weight_std=0.3),
        layer_fusion=True,
    ),
    neck=dict(type=RegionModulation, in_channels=(8, 8, 8), anchor_channels=8),
    head=dict(
        type=RegionHead,
        in_channels=24,
        patch_size=16,
        hidden_channels=8,
        region_loss=dict(type=RegionPresenceLoss),
        mask_loss=dict(type=EdgeWeightedMaskLoss),
        box_loss=dict(type=SingleBoxLoss),
        postprocess=dict(type=MaskPostprocess),
    ),
)


def joint(cfg):
    """The paper's model for REC and RES."""


def gres(cfg):
    cfg['head'].update(box_loss=None, regions_decide=True)


def swin(cfg):
    cfg['backbone']['image'] = dict(
        type=SwinStages, embed_dims=4, depths=(1, 1, 2, 1), num_heads=(1, 1, 2, 2), window_size=2, drop_path_rate=0.0
    )
    cfg['backbone']['fusion']['image_channels'] = (4, 8, 16, 32)
    cfg['neck'].update(in_channels=(8, 16, 32), anchor_channels=32, out_channels=8)
    cfg['head']['patch_size'] = 8


def direct(cfg):
    cfg['backbone']['fusion'] = dict(type=PixelWordFusion, image_channels=(8,) * 4, text_channels=8)
    cfg['neck']['anchor_channels'] = None


def one_stage(cfg):
    cfg['backbone']['fusion']['num_init_stages'] = 1


def three_stages(cfg):
    cfg['backbone']['fusion']['num_init_stages'] = 3


def four_stages(cfg):
    cfg['backbone']['fusion']['num_init_stages'] = 4


def no_flow_control(cfg):
    cfg['backbone']['fusion'].update(gate=False, learn_alpha1=False, learn_alpha2=False)


def no_losses(cfg):
    gres(cfg)
    cfg['head'].update(regions_decide=False)
    cfg['head']['region_loss']['loss_weight'] = 0.0
    cfg['head']['mask_loss']['edge_weight'] = 1.0


VARIANTS = [joint, gres, swin, direct, one_stage, three_stages, four_stages, no_flow_control, no_losses]


def build(change=joint):
    cfg = copy.deepcopy(MODEL)
    change(cfg)
    torch.manual_seed(0)
    model = MODELS.build(cfg)
    model.init_weights()
    return model


def batch(counts, tokens=3, seed=0):
    """Images with ``count`` bright rectangles, one above the other, and an expression of ``tokens`` tokens."""
    generator = torch.Generator().manual_seed(seed)
    inputs, samples = [], []
    for number, count in enumerate(counts):
        image = torch.randint(40, 80, (3, SIZE, SIZE), generator=generator, dtype=torch.uint8)
        masks = torch.zeros(count, SIZE, SIZE, dtype=torch.uint8)
        boxes = torch.tensor([[8, 20 * i + 2, 40, 20 * i + 16] for i in range(count)], dtype=torch.float32)
        boxes = boxes.reshape(-1, 4)
        for mask, (x1, y1, x2, y2) in zip(masks, boxes.long(), strict=True):
            mask[y1:y2, x1:x2] = 1
            image[:, y1:y2, x1:x2] += torch.tensor([50 + 30 * number, 100, 30], dtype=torch.uint8)[:, None, None]
        sample = GroundingSample(
            metainfo=dict(
                img_path=f'{number}.jpg',
                sent_id=number,
                img_shape=(SIZE, SIZE),
                ori_shape=(SIZE, 2 * SIZE),
                homography_matrix=torch.diag(torch.tensor([0.5, 1.0, 1.0])).numpy(),
                gt_frame='input',
            )
        )
        sample.input_ids = torch.full((LENGTH,), 1)
        sample.input_ids[:tokens] = torch.arange(tokens) + 4 + number
        sample.text_mask = torch.arange(LENGTH) < tokens
        sample.gt_instances = InstanceData(bboxes=boxes, masks=BitmapMasks(masks.numpy(), SIZE, SIZE))
        sample.gt_sem_seg = PixelData(sem_seg=masks.amax(0, keepdim=True) if count else masks.new_zeros(1, SIZE, SIZE))
        sample.no_target = count == 0
        inputs.append(image)
        samples.append(sample)
    return dict(inputs=inputs, data_samples=samples)


def losses_of(model, data):
    return model(**model.data_preprocessor(data, training=True), mode='loss')


@pytest.mark.parametrize('change', VARIANTS, ids=lambda change: change.__name__)
def test_every_row_of_table_5_trains_and_reaches_every_parameter(change):
    model = build(change)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    losses = losses_of(model, batch((3, 1)))
    sum(losses.values()).backward()
    optimizer.step()
    missing = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
    assert missing == []
    silent = [name for name, p in model.named_parameters() if not p.grad.abs().max() > 1e-9]
    if change is no_losses:  # the presence is there, with a weight of 0
        silent = [name for name in silent if not name.startswith('head.presence')]
    if (
        change is direct
    ):  # LAVT's keys have a bias, which does nothing under a softmax; its queries lose theirs in a norm
        silent = [name for name in silent if not name.endswith(('key.bias', 'query.bias', 'out.bias'))]
    # transformers' and mmdet's attention have a bias on the keys, which the softmax takes away
    assert [name for name in silent if 'self.key.bias' not in name] == []
    assert all(loss.isfinite() for loss in losses_of(model, batch((2, 0))).values())


@pytest.mark.parametrize('counts', [(0, 0), (1, 0), (3, 1)])
def test_losses_are_finite_whatever_is_meant(counts):
    losses = losses_of(build(), batch(counts))
    sum(losses.values()).backward()
    assert all(loss.isfinite() for loss in losses.values())


def test_a_few_steps_on_one_batch_reduce_every_loss():
    model, data = build(), batch((2, 1, 1, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    history = []
    for _ in range(40):
        losses = losses_of(model, data)
        history.append({name: loss.item() for name, loss in losses.items()})
        optimizer.zero_grad()
        sum(losses.values()).backward()
        optimizer.step()
    assert sum(history[-1].values()) < 0.7 * sum(history[0].values())
    assert [name for name in history[0] if history[-1][name] >= history[0][name]] == []


@pytest.mark.parametrize('change', [joint, swin, direct], ids=lambda change: change.__name__)
def test_what_stands_in_padded_text_changes_nothing(change):
    model = build(change).eval()
    data, other = batch((1, 2)), batch((1, 2))
    for sample in other['data_samples']:
        sample.input_ids[3:] = 9
    with torch.no_grad():
        first = model(**model.data_preprocessor(data), mode='tensor')
        second = model(**model.data_preprocessor(other), mode='tensor')
    for name, value in first.items():
        torch.testing.assert_close(second[name], value, rtol=0, atol=1e-6, msg=name)


@pytest.mark.parametrize('tokens', [1, 2, LENGTH])
def test_short_and_full_expressions_are_answered_in_original_pixels(tokens):
    for answer in build().eval().test_step(batch((1, 0), tokens)):
        assert answer.pred_instances.bboxes.shape == (1, 4)
        assert answer.pred_instances.bboxes.isfinite().all()
        assert answer.pred_sem_seg.sem_seg.shape == (1, SIZE, 2 * SIZE)
        assert not answer.pred_no_target


@torch.no_grad()
def test_maps_are_averaged_with_those_of_the_blocks_of_their_stage():
    seen = []

    class Spy(nn.Module):
        def __init__(self, fusion):
            super().__init__()
            self.fusion = fusion

        def forward(self, stage, blocks, size, *rest):
            output = self.fusion(stage, blocks, size, *rest)
            seen.append((blocks, output.tokens))
            return output

    model = build().eval()
    model.backbone.fusion = Spy(model.backbone.fusion)
    inputs = model.data_preprocessor(batch((1, 1)))['inputs']
    maps = model.backbone(inputs['images'], inputs['input_ids'], inputs['text_mask']).images
    assert len(maps) == 4
    for x, (blocks, fused) in zip(maps, seen, strict=True):
        assert len(blocks) == 2
        expected = (fused + (blocks[0] + blocks[1]) / 2) / 2
        torch.testing.assert_close(x.flatten(2).transpose(1, 2), expected)


def test_regions_that_do_not_divide_the_map_are_explained():
    def nine_regions(cfg):
        cfg['backbone']['fusion']['num_anchors'] = 9
        cfg['head']['num_regions'] = 9

    with pytest.raises(ValueError, match='3 x 3 regions do not divide a map of 4 x 4 cells evenly; choose an input'):
        losses_of(build(nine_regions), batch((1,)))


def _train_in_a_process(rank, changes):
    for change in changes:
        model = DistributedDataParallel(build(change), find_unused_parameters=False)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        # a rank without any target among ranks with some; the second step fails if the first left a gradient out
        for counts in ((0, 0), (2, 1)) if rank else ((1, 3), (0, 0)):
            data = model.module.data_preprocessor(batch(counts, seed=rank), training=True)
            optimizer.zero_grad()
            sum(model(**data, mode='loss').values()).backward()
            optimizer.step()
        weights = torch.cat([p.detach().flatten() for p in model.parameters()])
        both = [torch.empty_like(weights) for _ in range(2)]
        distributed.all_gather(both, weights)
        assert torch.equal(*both), change.__name__


def test_two_processes_find_no_unused_parameter(run_in_processes):
    run_in_processes(_train_in_a_process, 2, [joint, gres, swin, direct, one_stage])
