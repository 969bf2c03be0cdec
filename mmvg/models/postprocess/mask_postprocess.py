"""From one mask per expression to answered samples."""

import torch
from mmengine.structures import PixelData
from torch import Tensor

from mmvg.checks import check_choice
from mmvg.models.postprocess.base_postprocess import BasePostprocess
from mmvg.registry import MODELS
from mmvg.structures import GroundingSample


@MODELS.register_module()
class MaskPostprocess(BasePostprocess):
    """Writes the mask of an expression, and whether anything is meant, onto its sample.

    A probability map is brought to the input (bilinear), then, without the padding, to the original image, and there
    compared with ``mask_thr``.

    Args:
        mask_thr: A pixel whose probability is higher belongs to the mask.
        score_thr: Nothing is meant where the presence is not higher; the mask is empty then. Models without a
            presence always mean something.
        frame: See :class:`BasePostprocess`, like ``align_corners``.
        align_corners: On the way to the input.
        interpolation: On the way to the original image: ``'bilinear'`` or ``'bicubic'``.

    Raises:
        ValueError: If ``frame`` or ``interpolation`` is unknown.
    """

    def __init__(
        self,
        mask_thr: float = 0.5,
        score_thr: float = 0.5,
        frame: str = 'original',
        align_corners: bool = False,
        interpolation: str = 'bilinear',
    ) -> None:
        super().__init__(score_thr, mask_thr, frame, align_corners)
        check_choice('MaskPostprocess.interpolation', interpolation, ('bilinear', 'bicubic'))
        self.interpolation = interpolation

    @torch.no_grad()
    def __call__(
        self, mask_logits: Tensor, samples: list[GroundingSample], presence: Tensor | None = None
    ) -> list[GroundingSample]:
        """Write the answers onto ``samples``, and return these.

        Args:
            mask_logits: (B, 1, h, w) at any stride.
            samples: B of them, with ``img_shape``, ``ori_shape`` and ``homography_matrix``.
            presence: Probability (B,) that anything is meant. Without it ``target_score`` is the mean probability of
                the mask's pixels, 0 for an empty mask, and ``pred_no_target`` is False.
        """
        for i, sample in enumerate(samples):
            prob = self.enlarge(mask_logits[i].float(), sample).sigmoid()
            prob = self.masks_to_frame(prob, sample, self.interpolation)
            mask = prob > self.mask_thr
            if presence is None:
                sample.pred_no_target = False
                sample.target_score = float(prob[mask].mean().clamp(0, 1)) if mask.any() else 0.0
            else:
                sample.pred_no_target = not float(presence[i]) > self.score_thr
                sample.target_score = float(presence[i])
                mask = mask & (not sample.pred_no_target)
            sample.pred_sem_seg = PixelData(sem_seg=mask)
            sample.set_metainfo(dict(pred_frame=self.frame))
        return samples
