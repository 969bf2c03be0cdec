"""The best answers that a head, its loss and the grid of its logits allow, whatever the network in front of them."""

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvg.datasets.transforms import resize_masks
from mmvg.structures import GroundingSample, input_to_original_masks


def perfect_answers(
    head: nn.Module, outputs: dict[str, Tensor], train: list[GroundingSample], test: list[GroundingSample]
) -> list[GroundingSample]:
    """What ``head`` answers when its loss has got all that it wants: no network is asked.

    ``outputs``, what the head's ``forward`` returns, become free numbers; the loss on ``train`` is minimised over them;
    then they are the answer to ``test``.

    Args:
        head: A head with ``loss`` and ``predict``.
        outputs: Start values; entries that are no tensors stay.
        train: The samples in input pixels, as a training pipeline packs them.
        test: The same in the form of a test pipeline.
    """
    free = {key: _free(value) for key, value in outputs.items()}
    parameters = [p for value in free.values() for p in (value if isinstance(value, list) else [value])]
    parameters = [p for p in parameters if isinstance(p, Tensor)]
    head = head.train()
    features = SimpleNamespace(pixels=parameters[0], images=[parameters[0]], sentence=None)
    original, head.forward = head.forward, lambda features: _bounded(free)
    try:
        _minimise(parameters, lambda: sum(v for k, v in head.loss(features, train).items() if 'loss' in k))
        with torch.no_grad():
            return head.eval().predict(features, test)
    finally:
        head.forward = original


def _free(value: Tensor | list | None) -> Tensor | list | None:
    if isinstance(value, list):
        return [_free(part) for part in value]
    return value.detach().clone().float().requires_grad_() if isinstance(value, Tensor) else value


def _bounded(free: dict) -> dict:
    """Fractions and probabilities are free between 0 and 1."""
    bounded = ('boxes_cxcywh_norm', 'points', 'attention')
    return {k: v.sigmoid() if k.endswith(bounded) and isinstance(v, Tensor) else v for k, v in free.items()}


def _minimise(parameters: list[Tensor], loss: Callable[[], Tensor], steps: int = 300, lr: float = 0.3) -> None:
    optimizer = torch.optim.Adam(parameters, lr=lr)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
        scheduler.step()


def logit_grid(outputs: dict[str, Tensor]) -> tuple[int, int] | None:
    """The height and width of the mask logits among the ``outputs`` of a head; None without masks."""
    maps = (outputs[key] for key in ('mask_logits', 'global_mask_logits', 'logits') if key in outputs)
    return next((tuple(x.shape[-2:]) for x in maps if x is not None), None)


def best_masks(samples: list[GroundingSample], masks: list[np.ndarray], grid: tuple[int, int]) -> list[np.ndarray]:
    """The masks nearest to ``masks``, in original pixels, that a model can answer with whose logits lie on a grid.

    Masks are brought to the pixels of the input, free logits on the grid are enlarged to it (bilinear, pixel centres)
    and fitted, and their probabilities are brought back to the original images.

    Args:
        samples: As a test pipeline packs them, all with inputs of one size.
        masks: (H, W) bool in original pixels, one per sample.
        grid: (h, w) of the logits, over the input.
    """
    size = samples[0].img_shape[:2]
    wanted = torch.stack([_mask_of_input(sample, mask) for sample, mask in zip(samples, masks, strict=True)])
    logits = torch.zeros(len(samples), 1, *grid, requires_grad=True)

    def enlarged() -> Tensor:
        return F.interpolate(logits, size=size, mode='bilinear', align_corners=False)[:, 0]

    # each mask is a mean of its own, so that the rest of the batch does not matter
    _minimise(
        [logits],
        lambda: F.binary_cross_entropy_with_logits(enlarged(), wanted, reduction='none').mean((1, 2)).sum(),
        steps=150,
        lr=0.5,
    )
    probabilities = enlarged().detach().sigmoid()
    return [
        (input_to_original_masks(one[None], sample.metainfo, 'bilinear')[0] > 0.5).numpy()
        for one, sample in zip(probabilities, samples, strict=True)
    ]


def _mask_of_input(sample: GroundingSample, mask: np.ndarray) -> Tensor:
    """``mask`` (H, W) of an original image in the pixels of the input, as float."""
    matrix = np.asarray(sample.homography_matrix, dtype=np.float64)
    left, top = round(matrix[0, 2]), round(matrix[1, 2])
    width, height = round(matrix[0, 0] * mask.shape[1]), round(matrix[1, 1] * mask.shape[0])
    whole = torch.zeros(sample.img_shape[:2])
    inner = resize_masks(mask[None].astype(np.uint8), (width, height))[0]
    whole[top : top + height, left : left + width] = torch.from_numpy(inner)
    return whole
