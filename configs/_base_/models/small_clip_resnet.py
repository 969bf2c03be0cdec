"""CLIP's ResNet and text encoder in small, for models that learn RefShapes from scratch; see small_swin_bert.py.

Use ``model.backbone.update(small_backbone)`` and ``model.neck.<part>.update(small_<part>)``.
"""

from mmengine.model import NormalInit

embed_dims = 48
text_channels = 64
channels = 48
small_backbone = dict(
    image_layers=(1, 1, 1, 1),
    image_channels=12,
    pool_grid=3,
    head_channels=8,
    text_channels='${text_channels}',
    text_layers=2,
    vocab_size=128,
    max_text_positions=16,
    checkpoint=None,
    init_cfg=dict(type=NormalInit, layer='Embedding', std=0.1),  # CLIP's 0.02 is soon lost at this learning rate
)
small_fusion = dict(in_channels=(96, 192, '${embed_dims}'), channels=(24, '${channels}', 96))
small_decoder = dict(num_layers=2, num_heads=4, ffn_channels=96, dropout=0.0)
