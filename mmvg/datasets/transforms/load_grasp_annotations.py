"""Load the grasps that an expression means."""

from mmcv.transforms import BaseTransform

from mmvg.datasets.transforms.sample_name import sample_name
from mmvg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadGraspAnnotations(BaseTransform):
    """Add ``gt_grasps`` (M, 5), M >= 0, the ``grasps`` of a data item in pixels of the original image.

    Stands after :class:`LoadGroundingAnnotations`, which decides the frame: where ``gt_frame`` is ``'input'``,
    :class:`PackGroundingInputs` moves the grasps by everything that has moved the image, as recorded in
    ``homography_matrix``.

    Example:
        >>> import numpy as np
        >>> results = dict(grasps=np.array([[112.0, 90, 80, 40, 0.3]]), gt_frame='input')
        >>> LoadGraspAnnotations()(results)['gt_grasps'].shape
        (1, 5)
    """

    def transform(self, results: dict) -> dict:
        """Copy ``grasps`` to ``gt_grasps``.

        Raises:
            KeyError: If the dataset has no grasps, or no annotations have been loaded before.
        """
        if 'grasps' not in results:
            raise KeyError(f"{sample_name(results)}: 'grasps' is missing; {results.get('dataset')} has no grasps")
        if 'gt_frame' not in results:
            raise KeyError(f"{sample_name(results)}: 'gt_frame' is missing; put LoadGroundingAnnotations before")
        results['gt_grasps'] = results['grasps'].copy()
        return results

    def __repr__(self) -> str:
        return 'LoadGraspAnnotations()'
