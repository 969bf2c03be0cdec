"""Load boxes and masks of the instances that an expression means."""

import numpy as np
from mmdet.datasets.transforms import LoadAnnotations
from mmdet.structures.mask import BitmapMasks

from mmvg.checks import check_choice
from mmvg.datasets.transforms.resize import MASK_RULES, resize_masks
from mmvg.datasets.transforms.sample_name import sample_name
from mmvg.masks import decode_mask, encode_mask, polygons_to_rle
from mmvg.pictures import exif_orientation
from mmvg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadGroundingAnnotations(LoadAnnotations):
    """Load 0..N targets with mmdet's ``LoadAnnotations``, and refuse what that would silently ignore.

    Adds ``gt_bboxes`` (:class:`mmdet.structures.bbox.HorizontalBoxes`, (N, 4) xyxy), ``gt_bboxes_labels`` (N,),
    ``gt_ignore_flags`` (N,), ``gt_masks`` (:class:`mmdet.structures.mask.BitmapMasks`, (N, H, W), rasterised at the
    original size) and ``gt_frame``. Before the image is moved that is ``'input'``: the ground truth will be moved with
    it. Afterwards, as in test pipelines, it is ``frame``.

    Args:
        with_mask: Whether to rasterise masks; those of a sample with ``boxes_only`` are not known, and left out.
        frame: Where the ground truth is to be if the image has been resized already: ``'original'`` pixels, or
            ``'input'``, as several papers score.
        mask_rule: How masks are resized for ``frame='input'``: see :func:`resize_masks`.

    Raises:
        ValueError: If ``frame`` or ``mask_rule`` is unknown.

    Example:
        >>> instance = dict(bbox=[8, 8, 16, 24], bbox_label=0, ignore_flag=0, mask=[[8, 8, 16, 8, 16, 24, 8, 24]])
        >>> results = dict(ori_shape=(32, 48), img_shape=(32, 48), instances=[instance])
        >>> results = LoadGroundingAnnotations()(results)
        >>> results['gt_bboxes'].shape, results['gt_masks'].masks.shape, results['gt_frame']
        (torch.Size([1, 4]), (1, 32, 48), 'input')
    """

    def __init__(self, with_mask: bool = True, frame: str = 'original', mask_rule: str = 'half') -> None:
        self.frame = check_choice('LoadGroundingAnnotations.frame', frame, ('original', 'input'))
        self.mask_rule = check_choice('LoadGroundingAnnotations.mask_rule', mask_rule, MASK_RULES)
        super().__init__(with_bbox=True, with_label=True, with_mask=with_mask, poly2mask=True, box_type='hbox')

    def transform(self, results: dict) -> dict:
        """Load the ``instances`` of a data item.

        Raises:
            ValueError: If the image is not of the annotated size, a no-target sample has instances, or a mask cannot
                be rasterised.
        """
        annotated = (results.get('height'), results.get('width'))
        if None not in annotated and tuple(results['ori_shape']) != annotated:
            raise ValueError(
                f'{sample_name(results)}: the image is {results["ori_shape"]} (height, width), its annotation says '
                f'{annotated}; masks would be shifted. {_why_another_size(results)}'
            )
        if results.get('no_target') and results['instances']:
            raise ValueError(
                f'{sample_name(results)}: no_target is set, but there are {len(results["instances"])} instances'
            )
        moved = results.get('homography_matrix') is not None
        results['gt_frame'] = self.frame if moved else 'input'
        input_shape = results['img_shape']
        results = super().transform(results)
        if moved and self.frame == 'input':
            self._move(results, input_shape)
        return results

    def _move(self, results: dict, input_shape: tuple[int, int]) -> None:
        """Move boxes and masks with an image that has been resized, and perhaps padded, to ``input_shape`` (H, W)."""
        matrix = np.asarray(results['homography_matrix'], dtype=np.float64)
        scale, shift = (matrix[0, 0], matrix[1, 1]), (matrix[0, 2], matrix[1, 2])
        results['gt_bboxes'].rescale_(scale)
        results['gt_bboxes'].translate_(shift)
        results['gt_bboxes'].clip_(input_shape)
        if 'gt_masks' in results:
            height, width = (round(side * s) for side, s in zip(results['ori_shape'], scale[::-1], strict=True))
            left, top = map(round, shift)
            masks = np.zeros((len(results['gt_masks']), *input_shape), dtype=np.uint8)
            inner = resize_masks(results['gt_masks'].masks, (width, height), self.mask_rule)
            masks[:, top : top + height, left : left + width] = inner
            results['gt_masks'] = BitmapMasks(masks, *input_shape)

    def _load_masks(self, results: dict) -> None:
        if results.get('boxes_only'):
            return
        height, width = results['ori_shape']
        masks = np.zeros((len(results['instances']), height, width), dtype=np.uint8)
        for mask, instance in zip(masks, results['instances'], strict=True):
            try:
                mask[:] = decode_mask(_to_rle(instance.get('mask'), height, width))
            except ValueError as error:
                name = f'{sample_name(results)}, ann_id={instance.get("ann_id")}'
                raise ValueError(f'{name}: {error}; repair the mask or leave it out') from None
        results['gt_masks'] = BitmapMasks(masks, height, width)


def _why_another_size(results: dict) -> str:
    """Say what to do about an image that is not of the annotated size."""
    orientation = exif_orientation(results['img_path']) if results.get('img_path') else 1
    if orientation >= 5 and results['ori_shape'] == (results['width'], results['height']):
        return (
            f'The file lies on its side (EXIF orientation {orientation}): annotations of the upright picture need '
            "LoadImage(orientation='upright'), those of the stored pixels orientation='file'"
        )
    return 'Check that images and annotations are of the same release'


def _to_rle(mask: list | dict | None, height: int, width: int) -> dict:
    """Return the union of the polygons, or the RLE, compressed.

    Raises:
        ValueError: If the mask is malformed, which pycocotools would not notice, or not of the size of the image.
    """
    if mask is None:
        raise ValueError('there is no mask')
    rle = encode_mask(mask) if isinstance(mask, dict) else polygons_to_rle(mask, height, width)
    if rle['size'] != [height, width]:
        raise ValueError(f'RLE has size {rle["size"]}, the image {[height, width]}')
    return rle
