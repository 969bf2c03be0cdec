"""Names and shapes of weights as their authors lay them out, part by part."""

from itertools import pairwise


def of_module(name, *shape, bias=True):
    """Names and shapes of a linear map or a convolution."""
    return {f'{name}.weight': shape, **({f'{name}.bias': shape[:1]} if bias else {})}


def of_norm(name, width):
    """Of a LayerNorm."""
    return of_module(name, width)


def of_attention(name, width):
    """Of PyTorch's multi-head attention."""
    shapes = {f'{name}.in_proj_weight': (3 * width, width), f'{name}.in_proj_bias': (3 * width,)}
    return shapes | of_module(f'{name}.out_proj', width, width)


def of_mlp(name, *widths):
    """Of an MLP with these widths."""
    pairs = enumerate(pairwise(widths))
    return {k: v for i, (a, b) in pairs for k, v in of_module(f'{name}.layers.{i}', b, a).items()}


def of_batch_norm(name, width):
    """Of a BatchNorm."""
    buffers = {f'{name}.running_mean': (width,), f'{name}.running_var': (width,), f'{name}.num_batches_tracked': ()}
    return of_norm(name, width) | buffers


def of_layer(name, width, hidden):
    """Of a decoder layer of detrex, but for its cross-attention."""
    shapes = of_attention(f'{name}.attentions.0.attn', width)
    shapes |= of_module(f'{name}.ffns.0.layers.0.0', hidden, width) | of_module(
        f'{name}.ffns.0.layers.1', width, hidden
    )
    for i in range(3):
        shapes |= of_norm(f'{name}.norms.{i}', width)
    return shapes


def beit3_shapes(prefix, width, layers, patches, vocab, texts, patch):
    """Names and shapes of the encoder with ``patches`` image positions."""
    shapes = {
        'text_embed.weight': (vocab, width),
        'vision_embed.cls_token': (1, 1, width),
        'vision_embed.mask_token': (1, 1, width),
        **of_module('vision_embed.proj', width, 3, patch, patch),
        'encoder.embed_positions.A.weight': (patches + 3, width),
        'encoder.embed_positions.B.weight': (texts, width),
    }
    for way in 'AB':
        for i in range(layers):
            layer = f'encoder.layers.{i}'
            for norm in ('self_attn_layer_norm', 'self_attn.inner_attn_ln', 'final_layer_norm'):
                shapes |= of_norm(f'{layer}.{norm}.{way}', width)
            for projection in ('q_proj', 'k_proj', 'v_proj', 'out_proj'):
                shapes |= of_module(f'{layer}.self_attn.{projection}.{way}', width, width)
            shapes |= of_module(f'{layer}.ffn.{way}.fc1', 4 * width, width)
            shapes |= of_norm(f'{layer}.ffn.{way}.ffn_layernorm', 4 * width)
            shapes |= of_module(f'{layer}.ffn.{way}.fc2', width, 4 * width)
        shapes |= of_norm(f'encoder.layer_norm.{way}', width)
    return {f'{prefix}{name}': shape for name, shape in shapes.items()}
