"""Encode grasps as maps to train on."""

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmengine.structures import PixelData

from mmvg.checks import check_choice
from mmvg.datasets.transforms.sample_name import sample_name
from mmvg.registry import TRANSFORMS
from mmvg.structures import original_to_input_grasps
from mmvg.structures.grasp_maps import QUALITIES, grasps_to_maps


@TRANSFORMS.register_module()
class EncodeGraspMaps(BaseTransform):
    """Paint the grasps of a sample onto the input: quality, cos(2 theta), sin(2 theta) and width.

    Reads ``gt_grasps`` (M, 5) in original pixels, ``homography_matrix``, which moves them to the input, and the
    ``scale_factor`` that ``Letterbox`` recorded; sets ``gt_grasp_maps``, which :class:`PackGroundingInputs` hands on:
    ``maps`` (4, H, W) float32 and ``painted`` (1, H, W) bool. All lengths are in pixels of the input, so that what a
    model sees has one width, whatever the size of the image was. The defaults are for OCID-VLG at 224 x 224, where 100
    pixels of its images are 35 of the input.

    Args:
        center_ratio: Painted share of the opening.
        quality_sigma: Gaussian that smooths the quality, in input pixels.
        width_norm: Opening in input pixels that has width 1; as in :class:`GraspPostprocess`.
        smooth_width: Smooth the width as the quality is.
        quality: ``'flat'`` or ``'peak'``; see :func:`mmvg.structures.grasp_maps.grasps_to_maps`.

    Example:
        >>> results = dict(img=np.zeros((224, 224, 3), np.uint8), gt_grasps=np.array([[112.0, 90, 80, 40, 0.3]]))
        >>> EncodeGraspMaps()(results)['gt_grasp_maps'].maps.shape
        torch.Size([4, 224, 224])
    """

    def __init__(
        self,
        center_ratio: float = 0.5,
        quality_sigma: float = 1.05,
        width_norm: float = 35.0,
        smooth_width: bool = True,
        quality: str = 'flat',
    ) -> None:
        check_choice('EncodeGraspMaps.quality', quality, QUALITIES)
        self.center_ratio = center_ratio
        self.quality_sigma = quality_sigma
        self.width_norm = width_norm
        self.smooth_width = smooth_width
        self.quality = quality

    def transform(self, results: dict) -> dict:
        """Add ``gt_grasp_maps``.

        Raises:
            ValueError: If the image was stretched, which changes every angle.
        """
        scale_x, scale_y = results.get('scale_factor', (1.0, 1.0))
        if abs(scale_x - scale_y) > 0.02 * max(scale_x, scale_y):
            raise ValueError(
                f'{sample_name(results)}: the image was scaled by {scale_x:.3f} and {scale_y:.3f}; grasps need '
                'Letterbox or another resize that keeps the ratio of the sides'
            )
        grasps = np.asarray(results['gt_grasps'], dtype=np.float64)
        maps, painted = grasps_to_maps(
            original_to_input_grasps(grasps, results.get('homography_matrix')),
            results['img'].shape[:2],
            self.center_ratio,
            self.quality_sigma,
            self.width_norm,
            self.smooth_width,
            self.quality,
        )
        results['gt_grasp_maps'] = PixelData(maps=torch.from_numpy(maps), painted=torch.from_numpy(painted)[None])
        return results

    def __repr__(self) -> str:
        return (
            f'EncodeGraspMaps(center_ratio={self.center_ratio}, quality_sigma={self.quality_sigma}, '
            f'width_norm={self.width_norm}, smooth_width={self.smooth_width}, quality={self.quality!r})'
        )
