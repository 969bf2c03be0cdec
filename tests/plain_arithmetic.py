"""The arithmetic of parts of released models in plain operations; ``w`` holds weights by the authors' names."""

import math

import torch

HEADS = 8


def linear(x, w, name):
    y = x @ w[f'{name}.weight'].T
    return y + w[f'{name}.bias'] if f'{name}.bias' in w else y


def layer_norm(x, w, name):
    x = (x - x.mean(-1, keepdim=True)) / (x.var(-1, unbiased=False, keepdim=True) + 1e-5).sqrt()
    return x * w[f'{name}.weight'] + w[f'{name}.bias']


def mlp(x, w, name):
    for i in (0, 1):
        x = linear(x, w, f'{name}.layers.{i}').relu()
    return linear(x, w, f'{name}.layers.2')


def ffn(x, w, layer):
    return x + linear(linear(x, w, f'{layer}.ffns.0.layers.0.0').relu(), w, f'{layer}.ffns.0.layers.1')


def attention(q, k, v, w, name):
    """Multi-head attention of (Q, C) to (K, C): output (Q, C) and weights averaged over the heads (Q, K)."""
    width = q.shape[1]
    matrices, biases = w[f'{name}.in_proj_weight'].split(width), w[f'{name}.in_proj_bias'].split(width)
    q, k, v = (x @ m.T + b for x, m, b in zip((q, k, v), matrices, biases, strict=True))
    outputs, weights = [], []
    for i in range(HEADS):
        part = slice(i * width // HEADS, (i + 1) * width // HEADS)
        weights.append((q[:, part] @ k[:, part].T / math.sqrt(width // HEADS)).softmax(-1))
        outputs.append(weights[-1] @ v[:, part])
    return linear(torch.cat(outputs, 1), w, f'{name}.out_proj'), torch.stack(weights).mean(0)


def sine_position(grid, width):
    """DETR's position of a grid of g x g cells, (g*g, C): the y half, then the x half."""
    half = width // 2
    rows = torch.zeros(grid * grid, width, dtype=torch.float64)
    for row in range(grid):
        for col in range(grid):
            for start, index in ((0, row), (half, col)):
                angle = (index + 1) / (grid + 1e-6) * 2 * math.pi
                for k in range(half):
                    wave = math.sin if k % 2 == 0 else math.cos
                    rows[row * grid + col, start + k] = wave(angle / 10000 ** (2 * (k // 2) / half))
    return rows.float()
