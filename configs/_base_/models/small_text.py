"""A small text tower in CLIP's layout, trained from scratch on the words of RefShapes."""

from mmengine.model import NormalInit

from mmvg.models.backbones import CLIPTextEncoder

sentence_channels = 48

small_text = dict(
    type=CLIPTextEncoder,
    embed_dims=64,
    num_layers=2,
    head_channels=16,
    vocab_size=128,
    max_positions=16,
    out_channels='${sentence_channels}',
    init_cfg=dict(type=NormalInit, layer='Embedding', std=0.1),  # CLIP's 0.02 is soon lost at high learning rates
)
