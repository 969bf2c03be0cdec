"""The head of EEVG: a box from one token, and a mask from the cells that are left of a map."""

import torch
from mmdet.models.layers import MLP
from mmengine.model import BaseModule
from torch import Tensor

from mmvg.models.features import GroundingFeatures
from mmvg.models.heads.region_head import PatchMaskBranch
from mmvg.models.losses import GroundingTargets
from mmvg.registry import MODELS
from mmvg.structures import GroundingSample, image_window


@MODELS.register_module()
class SparseTokenHead(BaseModule):
    """Predict a box from the state of one query, and let each cell of a map draw its patch of the mask.

    The heads of EEVG (arXiv:2408.01120). Cells that token elimination has left out draw zeros. The answer has one box;
    its score, and that anything is meant, is the highest probability of a pixel of the mask.

    Args:
        in_channels: Channels C of the query and of the map.
        patch_size: Stride of the map in input pixels: the side of the patch that a cell draws.
        mask_loss: A :class:`MaskLoss`, usually :class:`EdgeWeightedMaskLoss` with an edge weight of 1.
        postprocess: A :class:`mmvg.models.postprocess.MaskPostprocess`.
        box_loss: Usually a :class:`SingleBoxLoss`; ``None`` leaves the box out.

    Examples:
        >>> import torch
        >>> from mmvg.models import GroundingFeatures
        >>> from mmvg.models.heads import SparseTokenHead
        >>> head = SparseTokenHead(
        ...     in_channels=8,
        ...     patch_size=4,
        ...     mask_loss=dict(type='EdgeWeightedMaskLoss', edge_weight=1.0),
        ...     postprocess=dict(type='MaskPostprocess'),
        ...     box_loss=dict(type='SingleBoxLoss', beta=0.0),
        ... )
        >>> features = GroundingFeatures(images=[torch.randn(2, 8, 8, 8)], query_states=torch.randn(1, 2, 1, 8))
        >>> {name: tuple(x.shape) for name, x in head(features).items()}
        {'mask_logits': (2, 1, 32, 32), 'boxes_cxcywh_norm': (2, 4)}
    """

    #: How an exported model finds the score of an answer.
    peak_decides = True

    def __init__(
        self,
        in_channels: int,
        patch_size: int,
        mask_loss: dict,
        postprocess: dict,
        box_loss: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.mask = PatchMaskBranch(in_channels, patch_size, num_layers=2)
        self.box = None if box_loss is None else MLP(in_channels, in_channels, 4, 3)
        self.mask_loss = MODELS.build(mask_loss)
        self.box_loss = None if box_loss is None else MODELS.build(box_loss)
        self.postprocess = MODELS.build(postprocess)

    def forward(self, features: GroundingFeatures) -> dict[str, Tensor | None]:
        """Return the raw outputs by name.

        - ``mask_logits`` (B, 1, H, W), at the size of the input.
        - ``boxes_cxcywh_norm`` (B, 4), fractions of the input image, in float32, or ``None``.

        Raises:
            ValueError: If a box is wanted and no decoder gives the state of one query.
        """
        boxes = None
        if self.box is not None:
            if features.query_states is None or features.query_states.shape[2] != 1:
                raise ValueError("SparseTokenHead reads 'query_states' of one query; add a LanguageDecoder to the neck")
            boxes = self.box(features.query_states[-1, :, 0]).float().sigmoid()
        return dict(mask_logits=self.mask(features.images[-1], features.kept), boxes_cxcywh_norm=boxes)

    def loss(self, features: GroundingFeatures, data_samples: list[GroundingSample]) -> dict[str, Tensor]:
        """Return the named losses of mask and box, already weighted.

        Raises:
            ValueError: If ground truth is not in input pixels or lacks masks.
        """
        outputs = self(features)
        targets = GroundingTargets.from_samples(data_samples, outputs['mask_logits'].device)
        losses = self.mask_loss(outputs['mask_logits'], targets)
        if self.box_loss is not None:
            losses |= self.box_loss(outputs['boxes_cxcywh_norm'], targets)
        return losses

    @torch.no_grad()
    def predict(self, features: GroundingFeatures, data_samples: list[GroundingSample]) -> list[GroundingSample]:
        """Return ``data_samples`` with mask, verdict and the one box."""
        outputs = self(features)
        answered = zip(outputs['mask_logits'], data_samples, strict=True)
        scores = torch.stack([_peak(logits, sample) for logits, sample in answered])
        samples = self.postprocess(outputs['mask_logits'], data_samples, scores)
        if self.box is not None:
            self.postprocess.add_boxes(samples, outputs['boxes_cxcywh_norm'], scores)
        return samples


def _peak(logits: Tensor, sample: GroundingSample) -> Tensor:
    """Highest probability of ``logits`` (1, H, W) in the image, without the border around it."""
    rows, columns = image_window(sample.metainfo, tuple(logits.shape[-2:]))
    return logits[:, rows, columns].float().amax().sigmoid()
