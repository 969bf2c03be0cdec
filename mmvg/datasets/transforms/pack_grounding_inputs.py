"""Pack what the data loader hands on, the last step of a pipeline."""

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData, PixelData

from mmvg.datasets.transforms.sample_name import sample_name
from mmvg.registry import TRANSFORMS
from mmvg.structures import META_KEYS, GroundingSample, original_to_input_grasps


@TRANSFORMS.register_module()
class PackGroundingInputs(BaseTransform):
    """Pack a sample as ``inputs`` (3, H, W) uint8 BGR and ``data_samples``, a :class:`GroundingSample`.

    Instances with ``ignore_flag`` (crowds) go to ``ignored_instances``; neither ``gt_instances`` nor the union mask
    ``gt_sem_seg`` has them. Where the ground truth is in the frame of the input, grasps are moved there now: they go
    with everything that has recorded itself in ``homography_matrix``.

    Args:
        meta_keys: What becomes metainfo, of the keys that the sample has.
        tokens: Whether ``Tokenize`` came before; off for models that read the text themselves.

    Example:
        >>> results = dict(img=np.zeros((48, 64, 3), np.uint8), text='the red ring', no_target=False)
        >>> results.update(input_ids=np.array([2, 5, 3]), text_mask=np.ones(3, bool))
        >>> packed = PackGroundingInputs()(results)
        >>> packed['inputs'].shape, packed['data_samples'].text
        (torch.Size([3, 48, 64]), 'the red ring')
    """

    def __init__(self, meta_keys: Sequence[str] = META_KEYS, tokens: bool = True) -> None:
        self.meta_keys = tuple(meta_keys)
        self.tokens = tokens

    def transform(self, results: dict) -> dict:
        """Pack ``img``, ``text``, tokens, ``no_target`` and, where they were loaded, boxes, masks and grasps.

        Raises:
            KeyError: If an earlier step of the pipeline is missing.
        """
        for key, step in (('img', 'LoadImage'), ('input_ids', 'Tokenize'), ('no_target', 'a grounding dataset')):
            if key not in results and (self.tokens or key != 'input_ids'):
                raise KeyError(f'{sample_name(results)}: {key!r} is missing; {step} has to set it before')
        sample = GroundingSample(metainfo={key: results[key] for key in self.meta_keys if key in results})
        sample.text = results['text']
        if self.tokens:
            sample.input_ids = torch.from_numpy(results['input_ids'])
            sample.text_mask = torch.from_numpy(results['text_mask'])
        sample.no_target = bool(results['no_target'])
        if 'gt_bboxes' in results:
            ignored = results['gt_ignore_flags']
            sample.gt_instances = _instances(results, ~ignored)
            if ignored.any():
                sample.ignored_instances = _instances(results, ignored)
        if 'gt_masks' in results:
            union = sample.gt_instances.masks.masks.max(axis=0, initial=0)
            sample.gt_sem_seg = PixelData(sem_seg=torch.from_numpy(union)[None])
        if 'gt_grasp_maps' in results:
            sample.gt_grasp_maps = results['gt_grasp_maps']
        if 'gt_grasps' in results:
            sample.gt_grasps = torch.from_numpy(_grasps(results))
        return {'inputs': torch.from_numpy(_channels_first(results['img'])), 'data_samples': sample}

    def __repr__(self) -> str:
        return f'PackGroundingInputs(meta_keys={self.meta_keys}, tokens={self.tokens})'


def _channels_first(image: np.ndarray) -> np.ndarray:
    """Copy an image (H, W, C) as (C, H, W), in half the time that PyTorch takes."""
    image = np.ascontiguousarray(image)
    channels = np.empty((image.shape[2], *image.shape[:2]), dtype=image.dtype)
    for number, channel in enumerate(channels):
        cv2.extractChannel(image, number, channel)
    return channels


def _grasps(results: dict) -> np.ndarray:
    """Return the grasps (M, 5) float32 in the frame of the ground truth."""
    grasps = results['gt_grasps']
    if results['gt_frame'] == 'input':
        grasps = original_to_input_grasps(grasps.astype(np.float64), results.get('homography_matrix'))
    return grasps.astype(np.float32)


def _instances(results: dict, keep: np.ndarray) -> InstanceData:
    """Select the instances with ``keep`` (N,): ``bboxes`` (M, 4) float32, ``labels`` (M,), ``masks`` BitmapMasks."""
    fields = {
        'bboxes': results['gt_bboxes'].tensor[torch.from_numpy(keep)],
        'labels': torch.from_numpy(results['gt_bboxes_labels'][keep]),
    }
    if 'gt_masks' in results:
        masks = results['gt_masks']
        fields['masks'] = BitmapMasks(masks.masks[keep], masks.height, masks.width)
    return InstanceData(**fields)
