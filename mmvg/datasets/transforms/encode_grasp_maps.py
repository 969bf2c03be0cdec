"""Encode grasps as maps to train on."""

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmengine.structures import PixelData

from mmvg.datasets.transforms.sample_name import sample_name
from mmvg.registry import TRANSFORMS
from mmvg.structures import transform_grasps
from mmvg.structures.grasp_maps import grasps_to_maps


@TRANSFORMS.register_module()
class EncodeGraspMaps(BaseTransform):
    """Paint the grasps of a sample onto the input: quality, cos(2 theta), sin(2 theta) and width.

    Reads ``gt_grasps`` (M, 5) in original pixels, ``homography_matrix``, which moves them to the input, and the
    ``scale_factor`` that ``Letterbox`` recorded; sets ``gt_grasp_maps``, which :class:`PackGroundingInputs` hands on:
    ``maps`` (4, H, W) float32 and ``painted`` (1, H, W) bool. Widths are in pixels of the image before ``Letterbox``,
    so that a model learns the same numbers whatever the size of its input. The defaults are for OCID-VLG.

    Args:
        center_ratio: Painted share of the opening.
        quality_sigma: Gaussian that smooths the quality, in original pixels.
        width_norm: Opening in original pixels that has width 1.
        smooth_width: Smooth the width as the quality is.

    Example:
        >>> results = dict(img=np.zeros((224, 224, 3), np.uint8), gt_grasps=np.array([[112.0, 90, 80, 40, 0.3]]))
        >>> EncodeGraspMaps()(results)['gt_grasp_maps'].maps.shape
        torch.Size([4, 224, 224])
    """

    def __init__(
        self,
        center_ratio: float = 0.5,
        quality_sigma: float = 3.0,
        width_norm: float = 100.0,
        smooth_width: bool = True,
    ) -> None:
        self.center_ratio = center_ratio
        self.quality_sigma = quality_sigma
        self.width_norm = width_norm
        self.smooth_width = smooth_width

    def transform(self, results: dict) -> dict:
        """Add ``gt_grasp_maps``.

        Raises:
            ValueError: If the image was stretched, which changes every angle.
        """
        scale_x, scale_y = results.get('scale_factor', (1.0, 1.0))
        scale = (scale_x + scale_y) / 2
        if abs(scale_x - scale_y) > 0.02 * scale:
            raise ValueError(
                f'{sample_name(results)}: the image was scaled by {scale_x:.3f} and {scale_y:.3f}; grasps need '
                'Letterbox or another resize that keeps the ratio of the sides'
            )
        grasps = np.array(results['gt_grasps'], dtype=np.float64)
        if results.get('homography_matrix') is not None:
            grasps[:, :2] += 0.5  # grasps count from the centre of the first pixel, the matrix from its corner
            grasps = transform_grasps(grasps, results['homography_matrix'])
            grasps[:, :2] -= 0.5
        maps, painted = grasps_to_maps(
            grasps,
            results['img'].shape[:2],
            scale,
            self.center_ratio,
            self.quality_sigma,
            self.width_norm,
            self.smooth_width,
        )
        results['gt_grasp_maps'] = PixelData(maps=torch.from_numpy(maps), painted=torch.from_numpy(painted)[None])
        return results

    def __repr__(self) -> str:
        return (
            f'EncodeGraspMaps(center_ratio={self.center_ratio}, quality_sigma={self.quality_sigma}, '
            f'width_norm={self.width_norm}, smooth_width={self.smooth_width})'
        )
