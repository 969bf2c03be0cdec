"""Mask Grounding in small, on words of RefShapes: ``model.aux_heads.update(grounding=small_grounding)``."""

from mmvg.models.heads import MaskGroundingHead

small_grounding = dict(
    type=MaskGroundingHead,
    image_channels='${stage_channels.3}',
    text_channels='${text_channels}',
    embed_channels='${text_channels}',
    vocab_size=128,
    channels=64,
    num_layers=2,
    num_heads=4,
    ffn_channels=128,
    dropout=0.0,
    mask_id=None,  # the vocabulary of words has no [MASK]
)
