import math

import torch
import torch.nn.functional as F

from mmvg.models.layers import WeightedDecoderLayer


def multi_head(attention, query, key, value, heads):
    """Scaled dot-product attention head by head; returns the output and the head-averaged weights."""
    width = query.shape[-1]
    w_q, w_k, w_v = attention.in_proj_weight.chunk(3)
    b_q, b_k, b_v = attention.in_proj_bias.chunk(3)
    q, k, v = query @ w_q.T + b_q, key @ w_k.T + b_k, value @ w_v.T + b_v
    size, seen, weights = width // heads, [], []
    for h in range(heads):
        part = slice(h * size, (h + 1) * size)
        weights.append((q[..., part] @ k[..., part].transpose(1, 2) / math.sqrt(size)).softmax(-1))
        seen.append(weights[-1] @ v[..., part])
    out = torch.cat(seen, -1) @ attention.out_proj.weight.T + attention.out_proj.bias
    return out, torch.stack(weights).mean(0)


def randomised(layer):
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.normal_(std=0.4)
    return layer


def test_layer_is_post_norm_attention_written_out():
    torch.manual_seed(0)
    layer = randomised(WeightedDecoderLayer(8, 2, 16, 0.1)).eval()
    query, memory = torch.randn(2, 3, 8), torch.randn(2, 5, 8)
    query_pos, memory_pos = torch.randn(2, 3, 8), torch.randn(1, 5, 8)

    def norm(i, x):
        return F.layer_norm(x, (8,), layer.norms[i].weight, layer.norms[i].bias, 1e-5)

    x = query
    x = norm(0, x + multi_head(layer.self_attn.attn, x + query_pos, x + query_pos, x, 2)[0])
    seen, expected_weights = multi_head(layer.cross_attn.attn, x + query_pos, memory + memory_pos, memory, 2)
    x = norm(1, x + seen)
    first, second = layer.ffn.layers[0][0], layer.ffn.layers[1]
    x = norm(2, x + second(torch.relu(first(x))))

    state, weights = layer(query, memory, query_pos, memory_pos)
    assert torch.allclose(state, x, atol=1e-5)
    assert torch.allclose(weights, expected_weights, atol=1e-6)
    assert torch.allclose(weights.sum(-1), torch.ones(2, 3), atol=1e-6)


def test_dropout_stays_out_of_the_residual_stream():
    layer = randomised(WeightedDecoderLayer(8, 2, 16, 1.0)).train()  # everything that can be dropped is dropped
    query = torch.randn(1, 3, 8)
    with torch.no_grad():
        state, weights = layer(query, torch.randn(1, 5, 8), query, torch.zeros(1, 5, 8))
        x = layer.norms[0](query + layer.self_attn.attn.out_proj.bias)
        x = layer.norms[1](x + layer.cross_attn.attn.out_proj.bias)
    assert torch.equal(weights, torch.zeros(1, 3, 5))
    assert torch.allclose(state, layer.norms[2](x), atol=1e-6)
