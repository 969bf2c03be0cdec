import pytest
import torch

from mmvg.models.features import GroundingFeatures
from mmvg.models.heads import RegionDecoder
from mmvg.models.heads.region_decoder import RegionLanguageAttention


def decoder(**options):
    torch.manual_seed(0)
    sizes = dict(in_channels=8, text_channels=6, num_regions=4, num_layers=4, num_heads=2, ffn_channels=16)
    return RegionDecoder(**sizes | options)


def features(seed=1):
    generator = torch.Generator().manual_seed(seed)
    return GroundingFeatures(
        images=[torch.randn(2, 8, s, s, generator=generator) for s in (4, 2, 1)],
        pixels=torch.randn(2, 8, 8, 8, generator=generator),
        text=torch.randn(2, 5, 6, generator=generator),
        text_mask=torch.arange(5) < torch.tensor([[5], [3]]),
    )


def test_every_parameter_learns(awake, unlearned):
    model = awake(decoder())
    regions, filters = model(features())
    assert regions.shape == filters.shape == (2, 4, 8)
    (regions.square().sum() + filters.square().sum()).backward()
    assert unlearned(model) == []


def test_words_start_at_zero_and_learn_at_once():
    model, given = decoder(), features()
    other = given.replace(text=given.text + 1)
    assert torch.equal(model(given)[0], model(other)[0])
    model(given)[0].square().sum().backward()
    assert model.language.project.weight.grad.abs().max() > 0


@torch.no_grad()
@pytest.mark.parametrize('reads_padding', [False, True])
def test_padding_is_read_only_where_the_authors_code_is_followed(awake, reads_padding):
    model, given = awake(decoder(reads_padding=reads_padding)), features()
    padding = torch.where(given.text_mask[..., None], given.text, given.text + 1)
    changed = (model(given)[0] - model(given.replace(text=padding))[0]).abs().amax((1, 2))
    assert changed[0] == 0  # has none
    assert (changed[1] > 1e-5) == reads_padding


@torch.no_grad()
def test_what_is_read_is_weighed_by_a_gate_that_starts_half_open(awake):
    attention = awake(RegionLanguageAttention(channels=8, text_channels=6, num_heads=2))
    attention.gate.zero_()
    given, regions = features(), torch.randn(2, 4, 8)
    words = attention.project(given.text)
    read, _ = attention.attention(regions, words, words, key_padding_mask=~given.text_mask)
    expected = torch.nn.functional.layer_norm(regions + read, (8,), attention.norm.weight, attention.norm.bias) / 2
    torch.testing.assert_close(attention(regions, given.text, given.text_mask), expected)


@torch.no_grad()
def test_a_region_gathers_within_its_own_mask_and_everywhere_if_that_is_empty():
    model, given, counts = decoder(num_layers=2), {}, set()
    model.decoder.layers[1].cross_attn.register_forward_pre_hook(
        lambda _, args, named: given.update(named), with_kwargs=True
    )
    # what the first of two layers gives is what the second one masks by
    first = decoder(num_layers=1)
    first.load_state_dict({k: v for k, v in model.state_dict().items() if 'decoder.layers.1.' not in k})
    for seed in range(40):
        found = features(seed)
        model(found)
        _, filters = first(found)
        masks = torch.einsum('bqc,bchw->bqhw', filters, found.pixels)
        # the middle of a cell of 4 x 4 pixels lies between its four inner ones
        middle = masks.unfold(2, 4, 4).unfold(3, 4, 4)[..., 1:3, 1:3].mean((4, 5)).flatten(2)
        closed = (middle < 0) & (middle >= 0).any(2, keepdim=True)
        assert torch.equal(given['attn_mask'], closed.repeat_interleave(2, 0))  # two heads per image
        counts |= set((middle < 0).sum(2).flatten().tolist())
    assert {0, 1, 2, 3, 4} <= counts


@torch.no_grad()
def test_levels_go_round_from_the_coarsest():
    found = features()
    for layers, changed in ((1, 2), (2, 1), (3, 0)):
        model = decoder(num_layers=layers)
        images = list(found.images)
        for level in range(3):
            other = found.replace(images=[x + torch.randn_like(x) * (i == level) for i, x in enumerate(images)])
            same = torch.equal(model(found)[0], model(other)[0])
            assert same == (level < changed), (layers, level)


def test_missing_maps_are_explained():
    with pytest.raises(ValueError, match=r'RegionDecoder reads .* add a DeformablePixelDecoder'):
        decoder()(features().replace(pixels=None))


def test_relas_decoder_has_its_size():
    with torch.device('meta'):
        model = RegionDecoder(256, 768)
    layer = 2 * (4 * 256 * 256 + 4 * 256) + 2 * 256 * 2048 + 2048 + 256 + 3 * 512
    language = 768 * 256 + 4 * 256 * 256 + 4 * 256 + 512 + 1
    tables = 2 * 100 * 256 + 3 * 256
    assert sum(p.numel() for p in model.parameters()) == 9 * layer + language + tables + 512 + 3 * (256 * 256 + 256)
