"""Predict a mask by a convolution whose kernel is made of the sentence."""

from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvg.models.features import GroundingFeatures
from mmvg.models.layers.deformable_enhancement import EnhancementBlock
from mmvg.models.layers.sample_convolution import sample_convolution
from mmvg.models.losses.mask_resolution import reduce_masks
from mmvg.models.losses.targets import GroundingTargets
from mmvg.registry import MODELS
from mmvg.structures import GroundingSample


@MODELS.register_module()
class VisualProjector(BaseModule):
    """Double the size of a map twice, and convolve it 1x1 (CRIS, arXiv:2111.15174; SegVLM, arXiv:2505.19242).

    The defaults are CRIS's; with the three switches on it is SegVLM's deformable-attentive visual enhancement.

    Args:
        in_channels: Channels C of the map.
        out_channels: Channels C' of the result.
        deform: Whether the convolutions are deformable; see :class:`EnhancementBlock`, as for the next three.
        residual: Whether there is a shortcut around each step.
        se: Whether squeeze-and-excitation weighs the channels.
        se_ratio: Channels per hidden channel of the squeeze-and-excitation.
        num_maps: How many results of C' channels the last convolution makes, one after the other.

    Examples:
        >>> import torch
        >>> from mmvg.models.heads import VisualProjector
        >>> VisualProjector(in_channels=8, out_channels=4)(torch.randn(2, 8, 5, 5)).shape
        torch.Size([2, 4, 20, 20])
    """

    def __init__(
        self,
        in_channels: int = 512,
        out_channels: int = 256,
        deform: bool = False,
        residual: bool = False,
        se: bool = False,
        se_ratio: int = 16,
        num_maps: int = 1,
    ) -> None:
        super().__init__()
        self.out_channels = out_channels
        self.num_maps = num_maps
        self.steps = nn.Sequential(
            EnhancementBlock(in_channels, in_channels, deform, residual, se, se_ratio),
            EnhancementBlock(in_channels, out_channels, deform, residual, se, se_ratio),
        )
        self.out = nn.Conv2d(out_channels, num_maps * out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Turn ``x`` (B, C, h, w) into (B, C', 4h, 4w), or into (B, num_maps * C', 4h, 4w)."""
        return self.out(self.steps(x))


@MODELS.register_module()
class DynamicMaskHead(BaseModule):
    """Predict one mask: convolve the projected map with a kernel and a bias that a linear layer makes of the sentence.

    This is the projector of CRIS (arXiv:2111.15174) and SegVLM (arXiv:2505.19242). It reads ``images``, one map, and
    ``sentence``.

    Args:
        projector: Enlarges the map, usually a :class:`VisualProjector`.
        mask_loss: A :class:`MaskLoss`, usually :class:`AdaptiveDiceMaskLoss`.
        postprocess: Usually a :class:`mmvg.models.postprocess.MaskPostprocess`.
        sentence_channels: Width of the sentence vector.
        kernel_size: Side of the kernel.

    Examples:
        >>> import torch
        >>> from mmvg.models import GroundingFeatures
        >>> from mmvg.models.heads import DynamicMaskHead
        >>> head = DynamicMaskHead(
        ...     projector=dict(type='VisualProjector', in_channels=8, out_channels=4),
        ...     mask_loss=dict(type='AdaptiveDiceMaskLoss'),
        ...     postprocess=dict(type='MaskPostprocess'),
        ...     sentence_channels=6,
        ... )
        >>> features = GroundingFeatures(images=[torch.randn(2, 8, 5, 5)], sentence=torch.randn(2, 6))
        >>> head(features)['mask_logits'].shape
        torch.Size([2, 1, 20, 20])
    """

    def __init__(
        self,
        projector: dict,
        mask_loss: dict,
        postprocess: dict,
        sentence_channels: int = 512,
        kernel_size: int = 3,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.projector = MODELS.build(projector)
        self.kernel_size = kernel_size
        self.kernel = nn.Linear(sentence_channels, self.projector.out_channels * kernel_size**2 + 1)
        self.mask_loss = MODELS.build(mask_loss)
        self.postprocess = MODELS.build(postprocess)

    def forward(self, features: GroundingFeatures) -> dict[str, Tensor]:
        """Return ``mask_logits`` (B, 1, 4h, 4w) for one map (B, C, h, w).

        Raises:
            ValueError: If there is not exactly one map, or no sentence vector.
        """
        if len(features.images) != 1 or features.sentence is None:
            raise ValueError(
                f'DynamicMaskHead reads one map and a sentence vector, it got {len(features.images)} maps and '
                f'{"no" if features.sentence is None else "a"} sentence vector'
            )
        kernel, bias = self.kernel(features.sentence).tensor_split([-1], dim=1)
        kernel = kernel.unflatten(1, (1, -1, self.kernel_size, self.kernel_size))
        return dict(mask_logits=sample_convolution(self.projector(features.images[0]), kernel, bias))

    def loss(self, features: GroundingFeatures, data_samples: list[GroundingSample]) -> dict[str, Tensor]:
        """Return the named losses of ``mask_loss``, and ``iou``, which takes no part in the training.

        ``iou`` is the mean IoU of the batch in percent at the size of the logits, where a cell belongs to the target
        if half of it or more is covered.

        Raises:
            ValueError: If samples have no union mask.
        """
        logits = self(features)['mask_logits']
        targets = GroundingTargets.from_samples(data_samples, logits.device)
        losses = self.mask_loss(logits, targets)
        masks = reduce_masks(targets.union, logits.shape[-2:], 'half').bool()
        return losses | dict(iou=self._iou(logits.detach(), masks))

    def predict(self, features: GroundingFeatures, data_samples: list[GroundingSample]) -> list[GroundingSample]:
        """Return ``data_samples`` with the predictions that :class:`MaskPostprocess` writes."""
        return self.postprocess(self(features)['mask_logits'], data_samples)

    def _iou(self, logits: Tensor, masks: Tensor) -> Tensor:
        found = logits.sigmoid() > self.postprocess.mask_thr
        overlap, union = (found & masks).flatten(1).sum(1), (found | masks).flatten(1).sum(1)
        return 100 * (overlap / union.clamp(min=1)).mean()
