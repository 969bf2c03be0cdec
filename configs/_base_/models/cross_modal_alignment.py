"""The fusion of MagNet (arXiv:2312.12198), in both directions and at four scales."""

from mmvg.models.fusions import CrossModalAlignmentFusion

alignment_fusion = dict(
    type=CrossModalAlignmentFusion,
    image_channels='${stage_channels}',
    text_channels='${text_channels}',
    scales=(1, 2, 3, 6),
)
