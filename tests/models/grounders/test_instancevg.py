"""InstanceVG as a whole, 16 wide: what the config puts together trains, answers and survives a wrong assembly."""

import copy

import numpy as np
import pytest
import torch
from mmdet.models.task_modules.assigners import BBoxL1Cost, ClassificationCost, HungarianAssigner, IoUCost
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData, PixelData

from mmvg.models import Grounder, GroundingPreprocessor
from mmvg.models.backbones import BEiT3
from mmvg.models.heads import InstanceHead
from mmvg.models.losses import (
    DetectionCriterion,
    MaskCriterion,
    MinimapLoss,
    NoTargetLoss,
    PointL1Cost,
    SetMatcher,
)
from mmvg.models.necks import (
    DETRDecoder,
    FeatureProjection,
    InstanceQueryGenerator,
    LearnedQueries,
    PointPriorDecoder,
    SimpleFPN,
    TopDownDecoder,
)
from mmvg.models.postprocess import InstancePostprocess
from mmvg.registry import MODELS
from mmvg.structures import GroundingSample

SIZE, LENGTH = 64, 6
MODEL = dict(
    type=Grounder,
    data_preprocessor=dict(type=GroundingPreprocessor, mean=[127.5] * 3, std=[127.5] * 3, bgr_to_rgb=True),
    backbone=dict(
        type=BEiT3,
        img_size=SIZE,
        embed_dims=16,
        num_layers=2,
        num_heads=2,
        vocab_size=20,
        max_text_positions=16,
        drop_path_rate=0.0,
    ),
    neck=dict(
        projection=dict(type=FeatureProjection, image_channels=16, text_channels=16, out_channels=16),
        query_generator=dict(
            type=InstanceQueryGenerator, in_channels=16, num_queries=4, num_heads=2, ffn_channels=16, dropout=0.0
        ),
        pyramid=dict(type=SimpleFPN, in_channels=16, out_channels=16),
        query_decoder=dict(
            type=PointPriorDecoder, embed_dims=16, num_layers=2, num_heads=2, ffn_channels=16, dropout=0.0
        ),
        pixel_decoder=dict(type=TopDownDecoder, in_channels=(16,) * 4, channels=16, input_norm=False),
    ),
    neck_order=['projection', 'query_generator', 'pyramid', 'query_decoder', 'pixel_decoder'],
    head=dict(
        type=InstanceHead,
        in_channels=16,
        matcher=dict(
            type=SetMatcher,
            assigner=dict(
                type=HungarianAssigner,
                match_costs=[
                    dict(type=ClassificationCost, weight=1.0),
                    dict(type=BBoxL1Cost, box_format='xywh', weight=5.0),
                    dict(type=IoUCost, iou_mode='giou', weight=2.0),
                    dict(type=PointL1Cost, weight=2.0),
                ],
            ),
        ),
        detection_loss=dict(type=DetectionCriterion),
        mask_loss=dict(type=MaskCriterion),
        no_target_loss=dict(type=NoTargetLoss),
        minimap_loss=dict(type=MinimapLoss),
        postprocess=dict(type=InstancePostprocess),
    ),
)


def build(change=None):
    cfg = copy.deepcopy(MODEL)
    if change:
        change(cfg)
    torch.manual_seed(0)
    model = MODELS.build(cfg)
    model.init_weights()
    return model


def batch(counts, tokens=3):
    """Images with ``count`` bright rectangles, one above the other, and an expression of ``tokens`` tokens."""
    inputs, samples = [], []
    for number, count in enumerate(counts):
        image = np.full((SIZE, SIZE, 3), 60, dtype=np.uint8)
        masks = np.zeros((count, SIZE, SIZE), dtype=np.uint8)
        boxes = np.array([[8, 16 * i + 2, 40, 16 * i + 14] for i in range(count)], dtype=np.float32).reshape(-1, 4)
        for mask, (x1, y1, x2, y2) in zip(masks, boxes.astype(int), strict=True):
            mask[y1:y2, x1:x2] = 1
            image[y1:y2, x1:x2] = (40 + 50 * number, 220, 30)
        sample = GroundingSample(
            metainfo=dict(
                img_path=f'{number}.jpg',
                sent_id=number,
                img_shape=(SIZE, SIZE),
                ori_shape=(SIZE, 2 * SIZE),
                homography_matrix=np.diag([0.5, 1.0, 1.0]),
                gt_frame='input',
            )
        )
        sample.input_ids = torch.full((LENGTH,), 1)
        sample.input_ids[:tokens] = torch.arange(tokens) + 4 + number
        sample.text_mask = torch.arange(LENGTH) < tokens
        sample.gt_instances = InstanceData(bboxes=torch.from_numpy(boxes), masks=BitmapMasks(masks, SIZE, SIZE))
        sample.gt_sem_seg = PixelData(sem_seg=torch.from_numpy(masks.any(0, keepdims=True).astype(np.uint8)))
        sample.no_target = count == 0
        inputs.append(torch.from_numpy(image).permute(2, 0, 1))
        samples.append(sample)
    return dict(inputs=inputs, data_samples=samples)


def losses_of(model, data):
    return model(**model.data_preprocessor(data, training=True), mode='loss')


@pytest.mark.parametrize('counts', [(0, 0), (1, 2), (0, 3), (4, 4)])
def test_every_parameter_gets_a_finite_gradient_whatever_is_meant(counts, awake, unlearned):
    model = awake(build())
    losses = losses_of(model, batch(counts))
    sum(losses.values()).backward()
    assert all(loss.isfinite() for loss in losses.values())
    # boxes are compared with those of targets
    assert all(any(counts) or name.startswith('head.boxes.regress') for name in unlearned(model))


def detr(cfg):
    cfg['neck']['query_generator'] = dict(type=LearnedQueries, num_queries=4, channels=16)
    cfg['neck']['query_decoder'] = dict(type=DETRDecoder, embed_dims=16, num_layers=2, num_heads=2, ffn_channels=16)
    cfg['neck_order'] = ['projection', 'query_generator', 'query_decoder', 'pyramid', 'pixel_decoder']
    cfg['head']['minimap_loss'] = None
    cfg['head']['matcher']['assigner']['match_costs'].pop()


def deformable(cfg):
    detr(cfg)
    cfg['neck']['query_generator']['points'] = True
    cfg['neck']['query_decoder'] = dict(MODEL['neck']['query_decoder'], point_reference='point')
    cfg['neck_order'] = MODEL['neck_order']


def single_scale(cfg):
    deformable(cfg)
    cfg['neck']['query_decoder']['num_levels'] = 1
    cfg['neck_order'] = ['projection', 'query_generator', 'query_decoder', 'pyramid', 'pixel_decoder']


def one_query(cfg):
    cfg['neck']['query_generator']['num_queries'] = 1
    cfg['head']['mask_loss']['negative_weight'] = 0.0


@pytest.mark.parametrize('change', [detr, deformable, single_scale, one_query])
def test_the_ablated_models_train_without_a_dead_parameter_and_answer(change):
    model = build(change)
    sum(losses_of(model, batch((2, 0))).values()).backward()
    # the text is not read behind an encoder that has already fused it
    unused = {name for name, p in model.named_parameters() if p.grad is None}
    assert unused <= {name for name, _ in model.named_parameters() if name.startswith('neck.projection.text')} | {
        name for name, _ in model.named_parameters() if change is not one_query and '.B.' in name
    }
    answers = model.eval().test_step(batch((2, 0)))
    assert [len(a.pred_instances) for a in answers] == [1 if change is one_query else 4] * 2


def test_a_few_steps_on_one_batch_reduce_every_kind_of_loss():
    model = build()
    data = batch((2, 0, 1, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    history = []
    for _ in range(40):
        losses = losses_of(model, data)
        history.append({name: loss.item() for name, loss in losses.items()})
        optimizer.zero_grad()
        sum(losses.values()).backward()
        optimizer.step()
    assert sum(history[-1].values()) < 0.6 * sum(history[0].values())
    for name in ('loss_cls', 'loss_bbox', 'loss_giou', 'loss_mask_global_dice', 'loss_mask_pos_bce', 'loss_no_target'):
        assert history[-1][name] < history[0][name], name


def test_what_stands_in_padded_text_changes_nothing():
    model = build().eval()
    data, other = batch((1, 2)), batch((1, 2))
    for sample in other['data_samples']:
        sample.input_ids[3:] = 9
    with torch.no_grad():
        first = model(**model.data_preprocessor(data), mode='tensor')
        second = model(**model.data_preprocessor(other), mode='tensor')
    for name, value in first.items():
        torch.testing.assert_close(second[name], value, rtol=0, atol=1e-6, msg=name)


@pytest.mark.parametrize('tokens', [1, 2, LENGTH])
def test_short_and_full_expressions_give_finite_answers_in_original_pixels(tokens):
    answers = build().eval().test_step(batch((1, 0), tokens))
    for answer in answers:
        instances = answer.pred_instances
        assert answer.pred_frame == 'original'
        assert instances.bboxes.shape == (4, 4)
        assert instances.bboxes.isfinite().all()
        assert instances.masks.shape == (4, SIZE, 2 * SIZE)
        assert answer.pred_sem_seg.sem_seg.shape == (1, SIZE, 2 * SIZE)
        assert 0 <= answer.target_score <= 1
        assert answer.pred_no_target == (answer.target_score <= 0.7)
        # points are the centres of cells, 16 input pixels apart: 32 original pixels in x, 16 in y
        assert ((instances.points[:, 0] - 16) % 32 == 0).all()
        assert ((instances.points[:, 1] - 8) % 16 == 0).all()


def test_the_boxes_of_a_sample_do_not_depend_on_its_neighbours():
    model = build().eval()
    together, alone = model.test_step(batch((2, 1))), model.test_step(batch((2,)))
    torch.testing.assert_close(together[0].pred_instances.bboxes, alone[0].pred_instances.bboxes, rtol=0, atol=1e-3)


def test_several_necks_need_an_order_because_saved_configs_sort_their_keys():
    def forget(cfg):
        del cfg['neck_order']

    with pytest.raises(ValueError, match='neck_order must say'):
        build(forget)


def test_an_order_that_misses_a_neck_names_both():
    def drop(cfg):
        cfg['neck_order'] = cfg['neck_order'][:-1]

    with pytest.raises(ValueError, match='pixel_decoder'):
        build(drop)


def test_the_order_of_the_keys_does_not_matter():
    def sort(cfg):
        cfg['neck'] = dict(sorted(cfg['neck'].items()))

    assert list(build(sort).neck) == list(build().neck) == MODEL['neck_order']


def test_a_neck_can_be_left_out_and_the_head_says_which_one_it_needs():
    def leave_out(cfg):
        cfg['neck']['pixel_decoder'] = None

    model = build(leave_out)
    assert 'pixel_decoder' not in model.neck
    with pytest.raises(ValueError, match="'pixels', which a pixel decoder"):
        losses_of(model, batch((1, 0)))


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match="not 'train'"):
        build()({}, mode='train')


def test_losses_of_auxiliary_heads_are_named_after_them_and_end_with_training():
    def add(cfg):
        cfg['aux_heads'] = dict(extra=dict(cfg['head'], minimap_loss=None))

    model, data = build(add), batch((1, 0))
    losses = losses_of(model, data)
    own = {name for name in losses if not name.startswith('extra.')}
    assert {name.removeprefix('extra.') for name in losses if name.startswith('extra.')} == {
        name for name in own if 'minimap' not in name
    }
    model.aux_heads['extra'].predict = None  # would fail if it were asked
    assert len(model.eval().test_step(data)) == 2
