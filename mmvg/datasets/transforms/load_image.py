"""Read the image of a sample."""

import logging
import os.path as osp
from collections.abc import Sequence

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine import fileio
from mmengine.logging import print_log

from mmvg.checks import check_choice
from mmvg.datasets.transforms.sample_name import sample_name
from mmvg.pictures import ImageError, decode_picture
from mmvg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadImage(BaseTransform):
    """Read the image as :func:`mmvg.pictures.decode_picture` does for everybody, with errors that name the sample.

    ``img`` is (H, W, 3) uint8 BGR: grey gets three channels, transparency becomes white. Where pictures come again at
    once, for another expression, each is decoded once.

    Args:
        bad_image: What to do with a missing or unreadable file: ``'raise'``, or ``'skip'`` the sample with a warning;
            a training dataset counts it and draws another one.
        backend_args: Backend of :func:`mmengine.fileio.get`; None reads local files.
        orientation: ``'file'`` leaves the pixels as the file stores them, which is what annotations of the public data
            sets count in; ``'upright'`` applies the EXIF orientation, for annotations that were made on the upright
            picture, as in most labelling tools.

    Example:
        >>> path = 'data/refshapes/images/train2014/COCO_train2014_000000000009.jpg'
        >>> results = LoadImage()(dict(img_path=path))
        >>> results['img'].shape, results['ori_shape']
        ((120, 160, 3), (120, 160))
    """

    def __init__(self, bad_image: str = 'raise', backend_args: dict | None = None, orientation: str = 'file') -> None:
        self.bad_image = check_choice('LoadImage.bad_image', bad_image, ('raise', 'skip'))
        self.backend_args = backend_args
        self.orientation = check_choice('LoadImage.orientation', orientation, ('file', 'upright'))
        self._last: tuple[bytes | None, np.ndarray | None] = None, None
        self._come_again = False  # whether pictures do so at all; otherwise a copy would be made for nothing

    def transform(self, results: dict) -> dict | None:
        """Read ``img_path``, or decode ``img_bytes`` where a dataset gives these.

        Sets ``img``, ``img_shape`` and ``ori_shape``, both (H, W). None for a sample to skip.

        Raises:
            FileNotFoundError: If the file is not there and ``bad_image='raise'``.
            ValueError: If it is not a whole image and ``bad_image='raise'``.
        """
        name = sample_name(results)
        try:
            content = results.pop('img_bytes', None)
            content = self._read(results['img_path'], name) if content is None else content
            image = self._decode(content, name)
        except (OSError, ImageError) as error:
            if self.bad_image == 'raise':
                raise
            print_log(f'{error}; the sample is skipped', 'current', logging.WARNING)
            return None
        results.update(img=image, img_shape=image.shape[:2], ori_shape=image.shape[:2])
        return results

    def _decode(self, content: bytes, name: str) -> np.ndarray:
        last, pixels = self._last
        self._come_again |= last == content
        if last == content and pixels is not None:
            return pixels.copy()
        pixels = decode_picture(content, name, upright=self.orientation == 'upright')
        self._last = content, pixels.copy() if self._come_again else None
        return pixels

    def __getstate__(self) -> dict:
        return dict(self.__dict__, _last=(None, None))

    def _read(self, path: str, name: str) -> bytes:
        if self.backend_args is None and osp.exists(path) and not osp.isfile(path):  # a pipe would hang
            raise ImageError(f'{name}: is not a file')
        try:
            return fileio.get(path, backend_args=self.backend_args)
        except FileNotFoundError:
            raise FileNotFoundError(
                f'{name}: there is no such image; data/README.md says which images go where'
            ) from None

    def __repr__(self) -> str:
        return (
            f'LoadImage(bad_image={self.bad_image!r}, backend_args={self.backend_args}, '
            f'orientation={self.orientation!r})'
        )


def loads_upright(pipeline: Sequence[dict | BaseTransform]) -> bool:
    """Whether the first steps of a pipeline, built or not, turn images upright.

    Example:
        >>> loads_upright([LoadImage()]), loads_upright([dict(type='LoadImage', orientation='upright')])
        (False, True)
    """
    settings = (
        step.get('orientation') if isinstance(step, dict) else getattr(step, 'orientation', None) for step in pipeline
    )
    return 'upright' in settings
