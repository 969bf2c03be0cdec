"""From one mask per expression to answered samples."""

import torch
from mmengine.structures import InstanceData
from torch import Tensor

from mmvg.checks import check_choice
from mmvg.models.postprocess.base_postprocess import BasePostprocess, mask_score, nan_where
from mmvg.registry import MODELS
from mmvg.structures import GroundingSample, cxcywh_to_xyxy


@MODELS.register_module()
class MaskPostprocess(BasePostprocess):
    """Writes the mask of an expression, and whether anything is meant, onto its sample.

    A probability map is brought to the input (bilinear), then, without the padding, to the original image, and there
    compared with ``mask_thr``.

    Args:
        mask_thr: A pixel whose probability is more than this belongs to the mask.
        score_thr: Nothing is meant where the target score is not higher; the mask is empty then. 0, for models that
            always mean something, leaves every mask as it is.
        frame: See :class:`BasePostprocess`, like ``align_corners``.
        align_corners: On the way to the input.
        interpolation: On the way to the original image: ``'bilinear'`` or ``'bicubic'``.

    Raises:
        ValueError: If ``frame`` or ``interpolation`` is unknown.

    Examples:
        >>> import numpy as np
        >>> import torch
        >>> from mmvg.models.postprocess import MaskPostprocess
        >>> from mmvg.structures import GroundingSample
        >>> frames = dict(img_shape=(16, 16), ori_shape=(32, 32), homography_matrix=np.diag([0.5, 0.5, 1]))
        >>> sample = GroundingSample(metainfo=frames)
        >>> (answer,) = MaskPostprocess()(torch.full((1, 1, 4, 4), 3.0), [sample])
        >>> answer.pred_sem_seg.sem_seg.shape, answer.pred_no_target
        (torch.Size([1, 32, 32]), False)
    """

    def __init__(
        self,
        mask_thr: float = 0.5,
        score_thr: float = 0.0,
        frame: str = 'original',
        align_corners: bool = False,
        interpolation: str = 'bilinear',
    ) -> None:
        super().__init__(score_thr, mask_thr, frame, align_corners)
        check_choice('MaskPostprocess.interpolation', interpolation, ('bilinear', 'bicubic'))
        self.interpolation = interpolation

    @torch.no_grad()
    def __call__(
        self, mask_logits: Tensor, samples: list[GroundingSample], target_scores: Tensor | None = None
    ) -> list[GroundingSample]:
        """Write the answers onto ``samples``, and return these.

        Args:
            mask_logits: (B, 1, h, w) at any stride.
            samples: B of them, with ``img_shape``, ``ori_shape`` and ``homography_matrix``.
            target_scores: Probability (B,) that anything is meant; by default the mean probability of the pixels of
                the mask, 0 for an empty mask.
        """
        nan = nan_where(mask_logits)
        scores = (nan if target_scores is None else target_scores.float() + nan).tolist()  # waits once a batch
        for i, sample in enumerate(samples):
            prob = self.enlarge(mask_logits[i].float(), sample).sigmoid()
            prob = self.masks_to_frame(prob, sample, self.interpolation)
            mask = self.binary(prob)
            score = mask_score(prob, mask) + scores[i] if target_scores is None else scores[i]
            self.decide(sample, score, mask, 'target')
        return samples

    def add_boxes(self, samples: list[GroundingSample], boxes_cxcywh_norm: Tensor, scores: Tensor) -> None:
        """Write the one box of each expression, and its score, beside the mask that has been written already.

        Args:
            samples: B of them, answered.
            boxes_cxcywh_norm: (B, 4), fractions of the input.
            scores: (B,) in [0, 1].
        """
        for sample, box, score in zip(samples, boxes_cxcywh_norm, scores, strict=True):
            height, width = sample.img_shape[:2]
            box = cxcywh_to_xyxy(box[None]).clamp(0, 1) * box.new_tensor([width, height, width, height])
            box = self.boxes_to_frame(box, sample)
            sample.pred_instances = InstanceData(bboxes=box, scores=score[None], masks=sample.pred_global_mask)
