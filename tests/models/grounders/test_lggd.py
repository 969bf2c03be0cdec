"""LGGD as a whole, 64 wide on tiny CLIP towers: what the config puts together trains, answers and stays frozen."""

import copy

import numpy as np
import pytest
import torch
from mmengine.structures import PixelData

from mmvg.models import Grounder, GroundingPreprocessor
from mmvg.models.backbones import CLIPResNet, ConvTextEncoder
from mmvg.models.fusions import DualCrossAttentionFusion, LanguageGuidedUpsampling
from mmvg.models.heads import DynamicConvBranch, GraspHead, MapRefinement
from mmvg.models.losses import GraspCriterion
from mmvg.models.postprocess import GraspPostprocess
from mmvg.registry import MODELS
from mmvg.structures import GroundingSample
from mmvg.structures.grasp_maps import grasps_to_maps

SIZE, LENGTH = 64, 6
MODEL = dict(
    type=Grounder,
    data_preprocessor=dict(type=GroundingPreprocessor, mean=[127.5] * 3, std=[127.5] * 3, bgr_to_rgb=True),
    backbone=dict(
        type=CLIPResNet,
        image_layers=(1, 1, 1, 1),
        image_channels=4,
        pool_grid=2,
        head_channels=8,
        embed_dims=16,
        text_channels=64,
        text_layers=1,
        vocab_size=20,
        max_text_positions=LENGTH,
        pooling='pre',
        normalize_sentence=True,
        frozen=True,
    ),
    neck=dict(
        fusion=dict(
            type=DualCrossAttentionFusion, in_channels=128, embed_dims=64, num_heads=4, ffn_channels=64, dropout=0.1
        ),
        upsampling=dict(
            type=LanguageGuidedUpsampling,
            in_channels=64,
            skip_channels=(64, 32, 16),
            joined_channels=(64, 64, 32),
            out_channels=(64, 32, 32),
            plain_channels=(32, 32),
            sentence_channels=16,
        ),
    ),
    neck_order=['fusion', 'upsampling'],
    head=dict(
        type=GraspHead,
        coarse=dict(
            type=DynamicConvBranch, in_channels=32, channels=8, sentence_channels=16, num_kernels=2, hidden_channels=8
        ),
        refinement=dict(type=MapRefinement, widths=(8, 16, 16, 32)),
        criterion=dict(type=GraspCriterion),
        postprocess=dict(type=GraspPostprocess),
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


def batch(objects=(True, True), tokens=4):
    """Images with a bright bar, or nothing, and a grasp across it."""
    inputs, samples = [], []
    for number, is_there in enumerate(objects):
        image = np.full((SIZE, SIZE, 3), 60, dtype=np.uint8)
        mask = np.zeros((1, SIZE, SIZE), dtype=np.uint8)
        grasps = np.array([[20.0 + 8 * number, 32.0, 24.0, 20.0, 0.0]] * is_there).reshape(-1, 5)
        if is_there:
            mask[0, 8:56, 12 + 8 * number : 28 + 8 * number] = 1
            image[mask[0] > 0] = (40, 220, 30)
        maps, painted = grasps_to_maps(grasps, (SIZE, SIZE), quality_sigma=1, width_norm=60)
        sample = GroundingSample(
            metainfo=dict(
                img_path=f'{number}.png',
                sent_id=number,
                img_shape=(SIZE, SIZE),
                ori_shape=(2 * SIZE, 2 * SIZE),
                homography_matrix=np.diag([0.5, 0.5, 1.0]),
                gt_frame='input',
            )
        )
        sample.input_ids = torch.full((LENGTH,), 1)
        sample.input_ids[:tokens] = torch.arange(tokens) + 4 + number
        sample.text_mask = torch.arange(LENGTH) < tokens
        sample.gt_sem_seg = PixelData(sem_seg=torch.from_numpy(mask))
        sample.gt_grasp_maps = PixelData(maps=torch.from_numpy(maps), painted=torch.from_numpy(painted)[None])
        sample.no_target = False
        inputs.append(torch.from_numpy(image).permute(2, 0, 1))
        samples.append(sample)
    return dict(inputs=inputs, data_samples=samples)


def losses_of(model, data):
    return model(**model.data_preprocessor(data, training=True), mode='loss')


def nothing(cfg):
    cfg['neck']['fusion']['cross_attention'] = False
    cfg['neck']['upsampling']['attentive'] = False
    cfg['head']['refinement'] = None
    cfg['head']['coarse']['dynamic'] = False


def dcvlf(cfg):
    nothing(cfg)
    cfg['neck']['fusion']['cross_attention'] = True


def lmafn(cfg):
    dcvlf(cfg)
    cfg['neck']['upsampling']['attentive'] = True


def refinement(cfg):
    lmafn(cfg)
    cfg['head']['refinement'] = MODEL['head']['refinement']


def everything(cfg):
    refinement(cfg)
    cfg['head']['coarse']['dynamic'] = True


LADDER = [nothing, dcvlf, lmafn, refinement, everything]


def test_the_last_step_of_the_ladder_is_the_model():
    cfg = copy.deepcopy(MODEL)
    everything(cfg)
    first, second = build(), build(lambda cfg: everything(cfg))
    assert [name for name, _ in first.named_parameters()] == [name for name, _ in second.named_parameters()]


@pytest.mark.parametrize('objects', [(True, True), (True, False), (True,)])
@pytest.mark.parametrize('change', LADDER)
def test_every_row_of_table_vi_trains_an_iteration_without_a_dead_parameter(change, objects):
    model = build(change).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.06)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    losses = losses_of(model, batch(objects))
    assert all(loss.isfinite() for loss in losses.values())
    sum(losses.values()).backward()
    trained = {name for name, p in model.named_parameters() if p.requires_grad}
    assert {name for name, p in model.named_parameters() if p.grad is not None} == trained
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.requires_grad)
    optimizer.step()
    after = model.state_dict()
    assert all(not name.startswith('backbone.') for name in trained)
    for name, value in after.items():  # BatchNorm of the towers too, though the model is in training mode
        if name.startswith('backbone.'):
            torch.testing.assert_close(value, before[name], rtol=0, atol=0, msg=name)
    assert len(model.eval().test_step(batch(objects))) == len(objects)


def test_combinations_off_the_ladder_train_too():
    for bits in range(16):

        def change(cfg, bits=bits):
            nothing(cfg)
            cfg['neck']['fusion']['cross_attention'] = bool(bits & 1)
            cfg['neck']['upsampling']['attentive'] = bool(bits & 2)
            cfg['head']['refinement'] = MODEL['head']['refinement'] if bits & 4 else None
            cfg['head']['coarse']['dynamic'] = bool(bits & 8)

        sum(losses_of(build(change), batch((True,))).values()).backward()


def test_a_few_steps_on_one_batch_find_the_object_and_its_grasp():
    torch.manual_seed(0)
    model = build(lambda cfg: cfg['head'].update(postprocess=dict(type=GraspPostprocess, width_norm=60.0))).train()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=2e-3)
    data = batch()
    history = []
    for _ in range(60):
        losses = losses_of(model, data)
        history.append({name: loss.item() for name, loss in losses.items()})
        optimizer.zero_grad()
        sum(losses.values()).backward()
        optimizer.step()
    for name in history[0]:
        assert history[-1][name] < 0.5 * history[0][name], name
    for sample, answer in zip(data['data_samples'], model.test_step(data), strict=True):
        mask = answer.pred_sem_seg.sem_seg[0, ::2, ::2]
        truth = sample.gt_sem_seg.sem_seg[0].bool()
        assert (mask & truth).sum() / (mask | truth).sum() > 0.7


def test_what_stands_behind_the_end_of_the_text_changes_nothing():
    model = build().eval()
    data, other = batch(tokens=3), batch(tokens=3)
    for sample in other['data_samples']:
        sample.input_ids[3:] = 9
    with torch.no_grad():
        first = model(**model.data_preprocessor(data), mode='tensor')
        second = model(**model.data_preprocessor(other), mode='tensor')
    torch.testing.assert_close(first['logits'], second['logits'], rtol=0, atol=1e-6)


@pytest.mark.parametrize('tokens', [2, LENGTH])
def test_empty_and_full_expressions_give_finite_answers(tokens):
    model = build(lambda cfg: cfg['head'].update(postprocess=dict(type=GraspPostprocess, gate='off'))).eval()
    for answer in model.test_step(batch(tokens=tokens)):
        assert answer.pred_sem_seg.sem_seg.shape == (1, 2 * SIZE, 2 * SIZE)
        assert answer.pred_grasps.grasps.isfinite().all()


def test_an_answer_does_not_depend_on_its_neighbours():
    model = build().eval()
    with torch.no_grad():
        both = model(**model.data_preprocessor(batch()), mode='tensor')['logits']
        first = model(**model.data_preprocessor(batch((True,))), mode='tensor')['logits']
    torch.testing.assert_close(both[:1], first, rtol=0, atol=1e-5)


def test_a_small_encoder_from_scratch_takes_the_place_of_the_towers(awake, unlearned):
    def change(cfg):
        cfg['backbone'] = dict(
            type=ConvTextEncoder,
            image_channels=(8, 8, 8, 16),
            image_blocks=(0, 0, 1, 1),
            text_channels=16,
            text_heads=2,
            sentence_channels=16,
            vocab_size=20,
            first_map=1,
        )
        cfg['neck']['fusion'].update(in_channels=16, embed_dims=16, num_heads=2)
        cfg['neck']['upsampling'].update(
            in_channels=16,
            skip_channels=(8, 8),
            joined_channels=(8, 8),
            out_channels=(16, 32),
            plain_channels=(32,),
        )

    model = awake(build(change))
    sum(losses_of(model, batch()).values()).backward()
    # the first stage is used by the others, though its map is not given
    assert unlearned(model) == []


def test_mixed_precision_gives_losses_in_float32_that_are_close():
    model, data = build(), batch()
    model.eval()
    exact = losses_of(model, data)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        mixed = losses_of(model, data)
    for name, loss in exact.items():
        assert mixed[name].dtype == torch.float32
        torch.testing.assert_close(mixed[name], loss, rtol=0.05, atol=0.02, msg=name)
