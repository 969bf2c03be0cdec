"""Ground truth of a batch as tensors, in the form in which the losses of this package read it."""

from dataclasses import dataclass
from itertools import compress

import torch
from torch import Tensor
from torchvision.ops import masks_to_boxes

from mmvg.models.layers import send
from mmvg.structures import GroundingSample, xyxy_to_cxcywh


@dataclass
class GroundingTargets:
    """Hold the targets of all B images one after the other, T in all.

    Args:
        boxes_cxcywh_norm: (T, 4) float32, fractions of the input image.
        counts: Number of targets of each image; B numbers that add up to T.
        masks: (T, H, W) uint8 of 0 and 1 in input pixels, or ``None`` if the data has no instance masks.
        union: (B, 1, H, W) uint8, 1 in every target of the image, or ``None`` if the data has no masks.
        no_target: (B,) bool.
        input_shape: (H, W) of the batch.
        mask_known: B bools, False for an image whose data has boxes only: its ``masks`` and ``union`` are empty and
            must not be learned. ``None`` if there is no such image.

    Examples:
        >>> import torch
        >>> from mmvg.models.losses import GroundingTargets
        >>> masks = torch.zeros(2, 16, 16)
        >>> masks[0, :8], masks[1, 8:, :4] = 1, 1
        >>> targets = GroundingTargets.from_masks(masks, counts=[2, 0])  # two in the first image, none in the second
        >>> targets.boxes_cxcywh_norm
        tensor([[0.5000, 0.2500, 1.0000, 0.5000],
                [0.1250, 0.7500, 0.2500, 0.5000]])
        >>> targets.union.shape, targets.no_target
        (torch.Size([2, 1, 16, 16]), tensor([False,  True]))
    """

    boxes_cxcywh_norm: Tensor
    counts: list[int]
    masks: Tensor | None
    union: Tensor | None
    no_target: Tensor
    input_shape: tuple[int, int]
    mask_known: list[bool] | None = None

    @classmethod
    def from_samples(cls, samples: list[GroundingSample], device: torch.device) -> 'GroundingTargets':
        """Collect ``gt_instances``, ``gt_sem_seg`` and ``no_target`` of packed samples on ``device``.

        ``boxes_only`` of a sample says that its data has no masks. Samples of the host are put together there, and go
        to the device in one transfer a field, which does not wait for it.

        Raises:
            ValueError: If ground truth is not in input pixels, its size is not the image's, or image sizes differ.
        """
        input_shape = tuple(samples[0].img_shape[:2])
        for sample in samples:
            _check_frame(sample, input_shape)
        height, width = input_shape
        counts = [len(_boxes(sample)) for sample in samples]
        boxes = torch.cat([_boxes(sample).float() for sample in samples])
        if not torch.isfinite(boxes).all():
            raise ValueError(_not_finite(samples))
        scale = boxes.new_tensor([width, height, width, height])
        known = [not sample.get('boxes_only', False) for sample in samples]
        has_masks = all('masks' in sample.gt_instances for sample in compress(samples, known))
        has_union = all('gt_sem_seg' in sample for sample in compress(samples, known))
        return cls(
            boxes_cxcywh_norm=send(xyxy_to_cxcywh(boxes / scale), device),
            counts=counts,
            masks=send(torch.cat([_masks(x, input_shape) for x in samples]), device) if has_masks else None,
            union=send(torch.stack([_union(x, input_shape) for x in samples]), device) if has_union else None,
            no_target=send(torch.tensor([bool(sample.no_target) for sample in samples]), device),
            input_shape=input_shape,
            mask_known=None if all(known) else known,
        )

    @classmethod
    def from_masks(cls, masks: Tensor, counts: list[int]) -> 'GroundingTargets':
        """Make targets of masks alone; a box is the tightest one around its mask.

        Args:
            masks: (T, H, W) of 0 and 1 in input pixels, none of them empty.
            counts: Number of targets of each image; B numbers that add up to T.
        """
        masks = masks.to(torch.uint8)
        height, width = masks.shape[1:]
        boxes = masks_to_boxes(masks)
        boxes = boxes + boxes.new_tensor([0, 0, 1, 1])  # to the far edges of the last pixels
        return cls(
            boxes_cxcywh_norm=xyxy_to_cxcywh(boxes / boxes.new_tensor([width, height, width, height])),
            counts=counts,
            masks=masks,
            union=torch.stack([of_image.any(0, keepdim=True).to(masks) for of_image in masks.split(counts)]),
            no_target=torch.tensor([count == 0 for count in counts], device=masks.device),
            input_shape=(height, width),
        )

    def all_masks(self, reader: str) -> Tensor:
        """Return ``union`` for a loss that has nothing to learn without it.

        Args:
            reader: Who needs the masks, for the message.

        Raises:
            ValueError: If an image has none.
        """
        if self.mask_known is not None:
            lacking = self.mask_known.count(False)
            raise ValueError(
                f'{reader} learns from masks, but {lacking} of the {len(self.counts)} expressions of a batch have '
                'boxes only. Give them masks, leave them out, or train a model that learns from boxes as well, such as '
                'InstanceVG (docs/custom_data.md)'
            )
        if self.union is None:
            raise ValueError(f'{reader} needs gt_sem_seg on every sample')
        return self.union

    def known(self, *values: Tensor) -> tuple[Tensor, ...]:
        """Return the rows of ``values`` (B, ...) whose image has masks."""
        if self.mask_known is None:
            return values
        rows = send(torch.tensor(self.mask_known).nonzero()[:, 0], values[0].device)
        return tuple(value[rows] for value in values)


def _boxes(sample: GroundingSample) -> Tensor:
    boxes = sample.gt_instances.bboxes
    return boxes if isinstance(boxes, Tensor) else boxes.tensor


def _masks(sample: GroundingSample, input_shape: tuple[int, int]) -> Tensor:
    if 'masks' in sample.gt_instances:
        return sample.gt_instances.masks.to_tensor(torch.uint8, 'cpu')
    return torch.zeros(len(_boxes(sample)), *input_shape, dtype=torch.uint8)


def _union(sample: GroundingSample, input_shape: tuple[int, int]) -> Tensor:
    if 'gt_sem_seg' in sample:
        return sample.gt_sem_seg.sem_seg.to(dtype=torch.uint8)
    return torch.zeros(1, *input_shape, dtype=torch.uint8)


def _name(sample: GroundingSample) -> str:
    return f'{sample.get("img_path", "a sample")} (sent_id {sample.get("sent_id")})'


def _not_finite(samples: list[GroundingSample]) -> str:
    sample = next(sample for sample in samples if not torch.isfinite(_boxes(sample)).all())
    return f'{_name(sample)}: a target box is not finite: {_boxes(sample).tolist()}'


def _check_frame(sample: GroundingSample, input_shape: tuple[int, int]) -> None:
    name = _name(sample)
    if sample.get('gt_frame', 'input') != 'input':
        raise ValueError(
            f"{name}: the losses need ground truth in input pixels, but gt_frame is '{sample.gt_frame}'; put "
            'LoadGroundingAnnotations before Resize in the training pipeline'
        )
    if tuple(sample.img_shape[:2]) != input_shape:
        raise ValueError(
            f'{name}: its input is {tuple(sample.img_shape[:2])}, but the batch starts with {input_shape}; resize '
            'all images of a batch to one size (Resize with keep_ratio=False, or Letterbox)'
        )
    masks = sample.gt_instances.get('masks')
    if masks is not None and (masks.height, masks.width) != input_shape:
        raise ValueError(f'{name}: masks are {masks.height} x {masks.width}, but the input is {input_shape}')
