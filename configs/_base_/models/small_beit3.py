"""BEiT-3 in small, for models that learn RefShapes from scratch; see small_swin_bert.py.

Use ``model.backbone.update(small_backbone)``.
"""

from mmvg.models.backbones import ConvStem

encoder_channels = 128
channels = 48
small_backbone = dict(
    patch_size=16,
    num_layers=4,
    num_heads=4,
    vocab_size=128,
    max_text_positions=32,
    drop_path_rate=0.0,
    position_std=0.1,
    weight_std=0.15,  # cut at one standard deviation, this leaves 0.08, about 1 / sqrt(128)
    patch_embed=dict(type=ConvStem, channels=(24, 48, 96, '${encoder_channels}')),
    checkpoint=None,
)
