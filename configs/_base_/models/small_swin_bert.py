"""Swin and BERT in small, for models that learn RefShapes from scratch; imported after one with both at full size.

Use ``model.backbone.image.update(small_image)`` and ``model.backbone.text.update(small_text)``.
"""

from mmvg.models.backbones import ConvStem

stage_channels = (32, 64, 128, 256)
text_channels = 96
channels = 64
vocab_size = 128
small_image = dict(
    depths=(1, 1, 1, 1),
    num_heads=(1, 2, 4, 8),
    window_size=6,
    drop_path_rate=0.0,
    weight_std=0.08,
    stem=dict(type=ConvStem, channels=('${stage_channels.0}', 48)),
    checkpoint=None,
)
small_text = dict(
    embed_dims='${text_channels}',
    num_layers=4,
    num_heads=4,
    ffn_channels=192,
    vocab_size='${vocab_size}',
    max_positions=32,
    dropout=0.0,
    weight_std=0.1,  # about 1 / sqrt(96)
    checkpoint=None,
)
