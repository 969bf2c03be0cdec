import pytest
import torch

from mmvg.models.features import GroundingFeatures
from mmvg.models.necks import DETRDecoder, LearnedQueries


def features(size=2):
    return GroundingFeatures(images=[torch.randn(size, 8, 3, 4)])


def test_learned_queries_are_the_same_for_every_image():
    neck = LearnedQueries(5, 8)
    out = neck(features(3))
    assert out.queries.shape == (3, 5, 8)
    assert torch.equal(out.queries[2], neck.table.weight)
    assert out.points is None


@torch.no_grad()
def test_states_depend_on_the_image_and_its_order_of_cells_only():
    neck, learned = DETRDecoder(8, 2, 2, 16).eval(), LearnedQueries(5, 8)
    given = features()
    states = neck(learned(given)).query_states
    assert states.shape == (2, 2, 5, 8)
    alone = neck(learned(GroundingFeatures(images=[given.images[0][1:]]))).query_states
    assert torch.allclose(alone[:, 0], states[:, 1], atol=1e-5)
    flipped = neck(learned(GroundingFeatures(images=[given.images[0].flip(3)]))).query_states
    assert not torch.allclose(flipped, states, atol=1e-2)  # positions are part of the keys


@torch.no_grad()
def test_agrees_with_torch_transformer_decoder():
    """Without positions, torch's own decoder computes the same from the same weights."""
    neck = DETRDecoder(8, 2, 2, 16, dropout=0.0).eval()
    for parameter in neck.parameters():
        parameter.normal_(std=0.5)
    layer = torch.nn.TransformerDecoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
    reference = torch.nn.TransformerDecoder(layer, 2, torch.nn.LayerNorm(8)).eval()
    for ours, theirs in zip(neck.decoder.layers, reference.layers, strict=True):
        theirs.self_attn.load_state_dict(ours.self_attn.attn.state_dict())
        theirs.multihead_attn.load_state_dict(ours.cross_attn.attn.state_dict())
        theirs.linear1.load_state_dict(ours.ffn.layers[0][0].state_dict())
        theirs.linear2.load_state_dict(ours.ffn.layers[1].state_dict())
        for i in range(3):
            getattr(theirs, f'norm{i + 1}').load_state_dict(ours.norms[i].state_dict())
    reference.norm.load_state_dict(neck.decoder.post_norm.state_dict())
    neck.image_position.forward = lambda mask: torch.zeros(1, 8, *mask.shape[1:])
    given = features()
    states = neck(given.replace(queries=torch.zeros(2, 5, 8))).query_states
    expected = reference(torch.zeros(2, 5, 8), given.images[0].flatten(2).transpose(1, 2))
    assert torch.allclose(states[-1], expected, atol=1e-5)


def test_gradients_are_finite_and_reach_the_queries(unlearned):
    neck, learned = DETRDecoder(8, 2, 2, 16), LearnedQueries(1, 8)
    neck(learned(features())).query_states.square().sum().backward()
    assert learned.table.weight.grad.abs().sum() > 0
    first = 'decoder.layers.0.self_attn.attn'  # among queries that start from zero
    assert unlearned(neck) == [f'{first}.in_proj_weight', f'{first}.out_proj.weight', 'decoder.layers.0.norms.0.weight']


def test_width_that_positions_cannot_fill_is_refused():
    with pytest.raises(ValueError, match='embed_dims'):
        DETRDecoder(6)


def test_without_queries_there_is_nothing_to_decode():
    with pytest.raises(ValueError, match='add a query generator'):
        DETRDecoder(8, num_heads=2, ffn_channels=16)(features())
