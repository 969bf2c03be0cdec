"""From the five maps of a grasp head to a mask and ranked grasps."""

import torch
from mmengine.structures import InstanceData
from torch import Tensor

from mmvg.checks import check_choice
from mmvg.models.losses.grasp_criterion import ACTIVATIONS, activate_grasp_maps
from mmvg.models.postprocess.base_postprocess import BasePostprocess, mask_score, nan_where
from mmvg.registry import MODELS
from mmvg.structures import GroundingSample, check_threshold, passes
from mmvg.structures.grasp_maps import maps_to_grasps, mask_to_grasp, smooth_map

GATES = ('off', 'hard', 'soft')


@MODELS.register_module()
class GraspPostprocess(BasePostprocess):
    """Brings maps back to original pixels, each by itself, and reads the best grasps there.

    Quality is trained on the object alone, so the mask has to say where it counts. Lengths are in pixels of the input,
    as a model sees them; the way back enlarges them with the image. The defaults are for OCID-VLG at 224 x 224, where
    35 pixels of the input are 100 of an image.

    Args:
        mask_thr: A pixel whose probability is more than this belongs to the mask.
        gate: ``'hard'``: quality is 0 outside the mask; ``'soft'``: it is multiplied by the probability of the mask;
            ``'off'``.
        num_grasps: At most so many.
        min_distance: Of peaks, in pixels of the original image.
        score_thr: Quality that a grasp must exceed. 0 answers always, for J@N; 0.2 lets a robot abstain.
        width_norm: Opening in input pixels of width 1, as in the encoder of the maps.
        jaw_size: h of all grasps in input pixels; ``None``: half of the opening.
        sigmas: Gaussian smoothing (input pixels) of quality, of cos and sin, and of width.
        center_sigma: Gaussian window (input pixels) in which a centre is moved to the middle of its peak; 0 leaves it
            on a whole pixel, as in the literature. See :func:`mmvg.structures.grasp_maps.refine_centers`.
        grasps_from: ``'maps'``, or ``'mask'`` for the baseline that looks at nothing but the shape of the mask.
        activation: What is read from quality and width: their ``'sigmoid'``, or the numbers as they are, cut to [0, 1]
            (``'none'``). The same as of :class:`mmvg.models.losses.GraspCriterion`, except to answer as CROG does,
            which learns the numbers and reads their sigmoid.
        existence_thr: Of a head with a branch for existence: the probability that anything is meant which an answer
            must exceed; else its mask is empty, and so are its grasps.
        keep_maps: Leave the maps that grasps are read from on the samples, as ``pred_grasp_maps``, to be drawn.
        align_corners: See :class:`BasePostprocess`.

    Raises:
        ValueError: If ``gate``, ``grasps_from`` or ``activation`` is unknown, or a threshold is not in [0, 1].

    Examples:
        >>> import numpy as np
        >>> import torch
        >>> from mmvg.models.postprocess import GraspPostprocess
        >>> from mmvg.structures import GroundingSample
        >>> frames = dict(img_shape=(16, 16), ori_shape=(32, 32), homography_matrix=np.diag([0.5, 0.5, 1]))
        >>> sample = GroundingSample(metainfo=frames)
        >>> (answer,) = GraspPostprocess()(torch.rand(1, 5, 16, 16), [sample])
        >>> answer.pred_sem_seg.sem_seg.shape, answer.pred_grasps.grasps.shape
        (torch.Size([1, 32, 32]), torch.Size([5, 5]))
    """

    def __init__(
        self,
        mask_thr: float = 0.35,
        gate: str = 'hard',
        num_grasps: int = 5,
        min_distance: int = 2,
        score_thr: float = 0.0,
        width_norm: float = 35.0,
        jaw_size: float | None = 7.0,
        sigmas: tuple[float, float, float] = (0.0, 0.0, 0.0),
        center_sigma: float = 0.0,
        grasps_from: str = 'maps',
        activation: str = 'sigmoid',
        existence_thr: float = 0.5,
        keep_maps: bool = False,
        align_corners: bool = False,
    ) -> None:
        super().__init__(score_thr, mask_thr, 'original', align_corners)
        check_choice('GraspPostprocess.gate', gate, GATES)
        check_choice('GraspPostprocess.grasps_from', grasps_from, ('maps', 'mask'))
        check_choice('GraspPostprocess.activation', activation, ACTIVATIONS)
        self.gate = gate
        self.num_grasps = num_grasps
        self.min_distance = min_distance
        self.width_norm = width_norm
        self.jaw_size = jaw_size
        self.sigmas = sigmas
        self.center_sigma = center_sigma
        self.grasps_from = grasps_from
        self.activation = activation
        self.existence_thr = check_threshold(existence_thr, 'existence_thr')
        self.keep_maps = keep_maps

    @torch.no_grad()
    def __call__(
        self, logits: Tensor, samples: list[GroundingSample], target_scores: Tensor | None = None
    ) -> list[GroundingSample]:
        """Write ``pred_sem_seg``, ``pred_grasps``, ``pred_no_target`` and ``target_score`` onto ``samples``.

        Args:
            logits: (B, 5, h, w): mask, quality, cos, sin, width.
            samples: B of them, with ``img_shape``, ``ori_shape`` and ``homography_matrix``.
            target_scores: Probability (B,) that anything is meant, see ``existence_thr``. By default ``target_score``
                is the mean probability of the pixels of the mask; 0 for an empty mask in both cases.
        """
        exists = [None] * len(samples) if target_scores is None else target_scores.tolist()
        for raw, nan, exist, sample in zip(logits.float(), nan_where(logits).tolist(), exists, samples, strict=True):
            raw = self.enlarge(raw, sample)[None]  # logits, as the loss enlarges them
            maps = torch.cat([raw[:, :1].sigmoid(), activate_grasp_maps(raw[:, 1:], self.activation)], dim=1)[0]
            if self.activation == 'none':
                maps[1].clamp_(0, 1)
                maps[4].clamp_(0, 1)
            values = self.masks_to_frame(maps, sample, mode='bilinear')
            mask = self.binary(values[0])
            if exist is not None and not passes(exist, self.existence_thr):
                mask = torch.zeros_like(mask)
                values[1] = 0  # the quality of grasps, which a soft gate or none would let through
            maps = self._grasp_maps(values, mask, self._enlargement(sample))
            grasps, scores = self._grasps(maps, values[0], mask, self._enlargement(sample))
            if self.keep_maps:
                sample.pred_grasp_maps = maps
            sample.pred_grasps = InstanceData(grasps=grasps, scores=scores)
            score = mask_score(values[0], mask) if exist is None else exist * bool(mask.any())
            self.decide(sample, score + nan, mask[None], 'global')
        return samples

    @staticmethod
    def _enlargement(sample: GroundingSample) -> float:
        """Original pixels per input pixel, whose sides are about equal."""
        matrix = sample.get('homography_matrix')
        return 1.0 if matrix is None else float(matrix[0][0] * matrix[1][1]) ** -0.5

    def _grasp_maps(self, values: Tensor, mask: Tensor, enlargement: float) -> Tensor:
        """Gated quality, cos, sin and width in pixels (4, H, W) of ``values`` (5, H, W), which begin with the mask."""
        probability, quality, cos, sin, width = values
        if self.gate != 'off':
            quality = quality * (mask if self.gate == 'hard' else probability)
        of_quality, of_angle, of_width = (sigma * enlargement for sigma in self.sigmas)
        width = self.width_norm * enlargement * smooth_map(width, of_width)
        return torch.stack(
            [smooth_map(quality, of_quality), smooth_map(cos, of_angle), smooth_map(sin, of_angle), width]
        )

    def _grasps(self, maps: Tensor, probability: Tensor, mask: Tensor, enlargement: float) -> tuple[Tensor, Tensor]:
        """Grasps (M, 5) and scores (M,) from ``maps`` (4, H, W) in original pixels, or from the mask (H, W)."""
        jaw_size = None if self.jaw_size is None else self.jaw_size * enlargement
        if self.grasps_from == 'mask':
            grasps = torch.from_numpy(mask_to_grasp(mask.cpu().numpy(), jaw_size)).to(maps)
            return grasps, probability[mask].mean().expand(len(grasps))
        return maps_to_grasps(
            *maps, self.num_grasps, self.min_distance, self.score_thr, jaw_size, self.center_sigma * enlargement
        )
