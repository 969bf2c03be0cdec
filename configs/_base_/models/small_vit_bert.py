"""ViT and BERT in small, for models that learn RefShapes from scratch; imported after one with both at full size.

Use ``model.backbone.image.update(small_image)`` and ``model.backbone.text.update(small_text)``.
"""

from mmengine.model import NormalInit

from mmvg.models.backbones import ConvStem

image_channels = 96
text_channels = 96
small_image = dict(
    num_heads=4,
    drop_path_rate=0.0,
    patch_embed=dict(type=ConvStem, channels=(32, 64, '${image_channels}')),
    weight_std=0.1,  # about 1 / sqrt(96)
    checkpoint=None,
)
small_text = dict(
    embed_dims='${text_channels}',
    num_layers=1,  # two layers of fresh weights blur the words
    num_heads=4,
    ffn_channels=192,
    vocab_size=128,
    max_positions=32,
    dropout=0.0,
    weight_std=0.1,
    checkpoint=None,
    init_cfg=dict(type=NormalInit, layer='Embedding', std=0.5),
)
