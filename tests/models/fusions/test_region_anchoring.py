import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mmvg.models.backbones.staged_encoder import fuse_layers
from mmvg.models.fusions import RegionAnchoring

B, M, L, CV, CL, N = 2, 6, 5, 8, 4, 3


def make(**changes):
    torch.manual_seed(0)
    stage = RegionAnchoring(**dict(image_channels=CV, text_channels=CL, num_anchors=N) | changes)
    for parameter in stage.parameters():
        nn.init.normal_(parameter, std=0.5)
    return stage


def inputs():
    torch.manual_seed(1)
    mask = torch.tensor([[True] * 3 + [False] * 2, [True] * 5])
    return torch.randn(B, M, CV), torch.randn(B, L, CL), mask


def linear(layer, x):
    return x @ layer.weight.T + (0 if layer.bias is None else layer.bias)


def instance_norm(x):
    """Over the rows of (M, C), each column by itself."""
    return (x - x.mean(0)) / (x.var(0, unbiased=False) + 1e-5).sqrt()


def by_hand(stage, visual, text, mask, anchors):
    """Equations 1 to 8 for one sample, one anchor and one pixel at a time; padded tokens are simply not there."""
    text = text[mask]
    key, value = linear(stage.text_key, text), linear(stage.text_value, text)
    cross = []
    for a in anchors:
        query = linear(stage.anchor_query, a)
        weights = torch.softmax(torch.stack([query @ k / math.sqrt(CL) for k in key]), 0)
        read = F.layer_norm(a + sum(w * v for w, v in zip(weights, value, strict=True)), (CL,))
        read = read * stage.text_norm.weight + stage.text_norm.bias
        gate = torch.tanh(linear(stage.gate.out, torch.relu(linear(stage.gate.hidden, read))))
        cross.append(linear(stage.to_visual, gate * read + a))
    cross = torch.stack(cross)
    seen_keys = instance_norm(linear(stage.pixel_key[0], visual))
    s = torch.tensor([[linear(stage.cross_query, c) @ k / math.sqrt(CV) for k in seen_keys] for c in cross])
    fused = []
    for m in range(M):
        weights = torch.softmax(s[:, m], 0)
        f2 = sum(weights[n] * linear(stage.cross_value, cross[n]) for n in range(N))
        fused.append(F.layer_norm(visual[m] + stage.alpha2 * f2, (CV,), stage.pixel_norm.weight, stage.pixel_norm.bias))
    handed = []
    seen_values = instance_norm(linear(stage.pixel_value[0], visual))
    for n in range(N):
        weights = torch.softmax(s[n], 0)
        seen = stage.alpha1 * sum(weights[m] * seen_values[m] for m in range(M))
        norm = stage.anchor_norm
        handed.append(F.layer_norm(cross[n] + linear(stage.feedback, seen), (CV,), norm.weight, norm.bias))
    return torch.stack(fused), torch.stack(handed)


@torch.no_grad()
def test_a_stage_computes_the_equations_of_the_paper():
    stage, (visual, text, mask) = make(), inputs()
    fused, handed = stage(visual, text, mask)
    for i in range(B):
        expected = by_hand(stage, visual[i], text[i], mask[i], stage.anchors)
        torch.testing.assert_close(fused[i], expected[0], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(handed[i], expected[1], rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_a_later_stage_continues_with_the_anchors_it_is_given():
    stage, (visual, text, mask) = make(previous_channels=CL), inputs()
    previous = torch.randn(B, N, CL)
    fused, _ = stage(visual, text, mask, previous)
    assert stage.anchors is None
    torch.testing.assert_close(
        fused[0], by_hand(stage, visual[0], text[0], mask[0], previous[0])[0], rtol=1e-4, atol=1e-5
    )


def test_without_anchors_a_later_stage_says_so():
    visual, text, mask = inputs()
    with pytest.raises(ValueError, match='run the stages in order'):
        make(previous_channels=CL)(visual, text, mask)


def test_anchors_of_another_width_are_projected_first():
    stage, (visual, text, mask) = make(previous_channels=16), inputs()
    assert tuple(stage.anchor_in.weight.shape) == (CL, 16)
    fused, handed = stage(visual, text, mask, torch.randn(B, N, 16))
    assert fused.shape == (B, M, CV)
    assert handed.shape == (B, N, CV)
    assert not list(make(previous_channels=CL).anchor_in.parameters())


@torch.no_grad()
def test_what_stands_in_padded_tokens_changes_nothing():
    stage, (visual, text, mask) = make(), inputs()
    first = stage(visual, text, mask)
    text[0, 3:] = torch.tensor([1e4, -1e4, 0.0, 7.0])
    second = stage(visual, text, mask)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


@torch.no_grad()
def test_a_pixel_receives_a_convex_mixture_of_the_anchors():
    stage, (_, text, mask) = make(), inputs()
    cross = stage.read_text(stage.anchors.expand(B, -1, -1), text, mask)
    values = stage.cross_value(cross)
    spread = stage.spread(torch.randn(B, N, M), cross)
    for i in range(B):
        # weights that sum to one reproduce the mixture; three anchors in eight dimensions have only one solution
        system = torch.cat([values[i].T, torch.ones(1, N)])
        wanted = torch.cat([spread[i].T, torch.ones(1, M)])
        weights = torch.linalg.lstsq(system, wanted).solution
        torch.testing.assert_close(system @ weights, wanted, rtol=1e-3, atol=1e-4)
        assert (weights > -1e-4).all()
    # logits that favour one anchor everywhere hand out that anchor
    only_second = torch.tensor([0.0, 100.0, 0.0])[None, :, None].expand(B, N, M)
    torch.testing.assert_close(stage.spread(only_second, cross), values[:, 1:2].expand(-1, M, -1))


@torch.no_grad()
def test_without_the_gate_anchors_pass_by_a_plain_linear_map():
    stage, (_, text, mask) = make(gate=False), inputs()
    anchors = stage.anchors.expand(B, -1, -1)
    logits = stage.anchor_query(anchors) @ stage.text_key(text).transpose(1, 2) / math.sqrt(CL)
    weights = logits.masked_fill(~mask[:, None], -torch.inf).softmax(-1)
    expected = stage.to_visual(stage.text_norm(anchors + weights @ stage.text_value(text)))
    torch.testing.assert_close(stage.read_text(anchors, text, mask), expected)
    assert not any('gate' in name for name, _ in stage.named_parameters())


def test_fixed_alphas_are_no_parameters():
    names = {name for name, _ in make(learn_alpha1=False, learn_alpha2=False).named_parameters()}
    assert not names & {'alpha1', 'alpha2'}
    assert {'alpha1', 'alpha2'} <= {name for name, _ in make().named_parameters()}


def test_a_stage_that_hands_nothing_over_has_no_layers_for_it():
    stage, (visual, text, mask) = make(propagate=False), inputs()
    assert stage(visual, text, mask)[1] is None
    names = {name.partition('.')[0] for name, _ in stage.named_parameters()}
    assert not names & {'pixel_value', 'alpha1', 'feedback', 'anchor_norm'}


def test_bfloat16_gives_finite_results_for_a_single_token():
    stage, (visual, text, _) = make().bfloat16(), inputs()
    mask = torch.zeros(B, L, dtype=torch.bool)
    mask[:, 0] = True
    fused, handed = stage(visual.bfloat16(), text.bfloat16(), mask)
    assert fused.isfinite().all()
    assert handed.isfinite().all()


def test_layers_are_fused_as_half_the_stage_and_half_the_mean_of_its_blocks():
    blocks = [torch.full((1, 2), 1.0), torch.full((1, 2), 3.0), torch.full((1, 2), 8.0)]
    assert torch.equal(fuse_layers(torch.full((1, 2), 10.0), blocks), torch.full((1, 2), 7.0))
