import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mmvg.models import GroundingFeatures
from mmvg.models.fusions import LanguageDecoder
from mmvg.models.layers import TokenElimination

SIZES = dict(img_size=48, patch_size=8, max_length=7, embed_dims=8, num_layers=3, num_heads=2, ffn_channels=16)


def make(threshold=None, compact=False, **settings):
    torch.manual_seed(0)
    elimination = None
    if threshold is not None:
        elimination = dict(type=TokenElimination, threshold=threshold, compact=compact)
    return LanguageDecoder(**SIZES | dict(dropout=0.0, elimination=elimination) | settings)


def inputs(batch=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.tensor([5, 2, 4])[:batch, None]
    return GroundingFeatures(
        images=[3 * torch.randn(batch, 8, 6, 6, generator=generator)],
        text=torch.randn(batch, 5, 8, generator=generator),
        text_mask=torch.arange(5) < lengths,
    )


def attend(attention, query, key, value, hidden=None):
    """The attention of ``nn.MultiheadAttention`` by hand, with two heads."""
    weights, biases = attention.in_proj_weight.chunk(3), attention.in_proj_bias.chunk(3)
    query, key, value = (
        F.linear(x, w, b).unflatten(2, (2, -1)).transpose(1, 2)
        for x, w, b in zip((query, key, value), weights, biases, strict=True)
    )
    logits = query @ key.transpose(2, 3) / query.shape[-1] ** 0.5
    if hidden is not None:
        logits = logits.masked_fill(hidden[:, None, None], -torch.inf)
    return attention.out_proj((logits.softmax(-1) @ value).transpose(1, 2).flatten(2)), logits


@torch.no_grad()
def plainly(decoder, features, threshold):
    """Decode sample by sample with tensors that hold what is left and nothing else, as the paper tells it."""
    states, maps = [], []
    choose = TokenElimination(threshold or 0.0).eval()
    for i in range(len(features.text)):
        words = features.text[i : i + 1, : features.text_mask[i].sum()]
        keys = words + decoder.text_positions[:, : words.shape[1]]
        tokens = torch.cat([decoder.query, features.images[0][i : i + 1].flatten(2).transpose(1, 2)], 1)
        left = torch.arange(36)
        for layer in decoder.layers:
            positions = decoder.positions[:, [0, *(left + 1)]]
            looking = tokens + positions
            seen, logits = attend(layer.self_attn, looking, looking, tokens)
            tokens = layer.norm1(tokens + seen)
            if threshold is not None:
                here = torch.zeros(1, 36).bool()
                here[0, left] = True
                of_query = torch.zeros(1, 36)
                of_query[0, left] = logits[0, :, 0, 1:].mean(0)
                stays = choose(of_query, here, (6, 6))[0, left]
                left, rows = left[stays], [0, *(stays.nonzero()[:, 0] + 1)]
                tokens, positions = tokens[:, rows], positions[:, rows]
            tokens = layer.norm2(tokens + attend(layer.multihead_attn, tokens + positions, keys, words)[0])
            tokens = layer.norm3(tokens + layer.linear2(layer.linear1(tokens).relu()))
        tokens = decoder.norm(tokens)[0]
        whole = torch.zeros(36, 8)
        whole[left] = tokens[1:]
        states.append(tokens[0])
        maps.append(whole.T.view(8, 6, 6))
    return torch.stack(states), torch.stack(maps)


@torch.no_grad()
@pytest.mark.parametrize('compact', [False, True])
@pytest.mark.parametrize('threshold', [None, 0.015, 0.2])
def test_it_is_the_decoder_of_the_paper(threshold, compact):
    decoder, features = make(threshold, compact).eval(), inputs()
    for parameter in decoder.layers.parameters():
        nn.init.normal_(parameter, std=0.4)
    decoded = decoder(features)
    state, maps = plainly(decoder, features, threshold)
    torch.testing.assert_close(decoded.query_states[0, :, 0], state, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(decoded.images[0], maps, atol=1e-5, rtol=1e-5)
    if threshold is None:
        assert decoded.kept is None
    else:
        assert torch.equal(decoded.kept, maps.abs().sum(1) > 0)
        assert 0 < decoded.kept.sum() < decoded.kept.numel()


@torch.no_grad()
def test_fewer_cells_are_computed_with_from_layer_to_layer():
    decoder = make(0.1, compact=True).eval()
    sizes = []
    for layer in decoder.layers:
        layer.linear1.register_forward_pre_hook(lambda module, args: sizes.append(args[0].shape[1]))
    kept = decoder(inputs()).kept
    assert 37 > sizes[0] > sizes[1] > sizes[2]
    assert sizes[2] == 1 + kept.flatten(1).sum(1).max()


@pytest.mark.parametrize('compact', [False, True])
def test_all_weights_learn_and_cells_that_are_left_out_get_no_gradient_from_the_map(compact):
    decoder, features = make(0.1, compact), inputs()
    features.images[0].requires_grad_()
    decoded = decoder(features)
    (decoded.images[0].square().sum() + decoded.query_states.square().sum()).backward()
    gradients = {name: p.grad for name, p in decoder.named_parameters()}
    assert [name for name, g in gradients.items() if g is None or not g.isfinite().all()] == []
    assert features.images[0].grad.isfinite().all()
    assert not decoded.images[0][~decoded.kept[:, None].expand_as(decoded.images[0])].any()


@torch.no_grad()
def test_padding_of_the_text_and_other_samples_do_not_matter():
    decoder, features = make(0.1).eval(), inputs()
    noisy = features.replace(text=features.text + 9 * ~features.text_mask[..., None])
    together = decoder(features)
    assert torch.equal(decoder(noisy).images[0], together.images[0])
    for i in range(3):
        one = features.replace(
            images=[features.images[0][i : i + 1]],
            text=features.text[i : i + 1],
            text_mask=features.text_mask[i : i + 1],
        )
        torch.testing.assert_close(decoder(one).images[0][0], together.images[0][i])


def test_a_graph_hides_and_does_not_shorten():
    class Whole(nn.Module):
        def __init__(self):
            super().__init__()
            self.decoder = make(0.1, compact=True).eval()

        def forward(self, image, text, text_mask):
            decoded = self.decoder(GroundingFeatures(images=[image], text=text, text_mask=text_mask))
            return decoded.images[0], decoded.kept

    model, features = Whole(), inputs()
    given = (features.images[0], features.text, features.text_mask)
    batch = torch.export.Dim('batch', min=1, max=64)
    program = torch.export.export(model, given, dynamic_shapes=({0: batch},) * 3).module()
    with torch.no_grad():
        for found, expected in zip(program(*given), model(*given), strict=True):
            torch.testing.assert_close(found, expected)


def test_other_sizes_are_refused():
    decoder, features = make(), inputs()
    with pytest.raises(ValueError, match='built for one map of 6 cells a side'):
        decoder(features.replace(images=[torch.zeros(3, 8, 5, 5)]))
    with pytest.raises(ValueError, match='positions for 7 tokens, but got 9'):
        decoder(features.replace(text=torch.zeros(3, 9, 8)))
