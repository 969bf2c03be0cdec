"""What MagNet (arXiv:2312.12198) adds for training only: Mask Grounding and the cross-modal alignment loss."""

from mmvg.models.heads import CrossModalAlignmentHead, MaskGroundingHead

vocab_size = 30522
aux_heads = dict(
    grounding=dict(
        type=MaskGroundingHead,
        image_channels='${stage_channels.3}',
        text_channels='${text_channels}',
        embed_channels='${text_channels}',
        vocab_size='${vocab_size}',
    ),
    alignment=dict(
        type=CrossModalAlignmentHead,
        pixel_channels='${channels}',
        text_channels='${text_channels}',
        pixel_weight=0.5,
        text_weight=0.5,
    ),
)
