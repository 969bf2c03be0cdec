"""Read the image of a sample."""

import logging

import cv2
import mmcv
from mmcv.transforms import LoadImageFromFile
from mmengine.logging import print_log

from mmvg.checks import check_choice
from mmvg.datasets.transforms.sample_name import sample_name
from mmvg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadImage(LoadImageFromFile):
    """Read the image with mmcv's ``LoadImageFromFile``, with errors that name the sample.

    ``img`` is (H, W, 3) uint8 BGR: greyscale gets three channels, and EXIF orientation is ignored, for annotations are
    in the pixels of the file.

    Args:
        bad_image: What to do with a missing or unreadable file: ``'raise'``, or ``'skip'`` the sample with a warning;
            a training dataset counts it and draws another one.
        backend_args: Backend of :func:`mmengine.fileio.get`; None reads local files.

    Example:
        >>> path = 'data/refshapes/images/train2014/COCO_train2014_000000000009.jpg'
        >>> results = LoadImage()(dict(img_path=path))
        >>> results['img'].shape, results['ori_shape']
        ((120, 160, 3), (120, 160))
    """

    def __init__(self, bad_image: str = 'raise', backend_args: dict | None = None) -> None:
        check_choice('LoadImage.bad_image', bad_image, ('raise', 'skip'))
        super().__init__(color_type='color_ignore_orientation', backend_args=backend_args)
        self.bad_image = bad_image

    def transform(self, results: dict) -> dict | None:
        """Read ``img_path``, or decode ``img_bytes`` where a dataset gives these.

        Sets ``img``, ``img_shape`` and ``ori_shape``, both (H, W). None for a sample to skip.

        Raises:
            FileNotFoundError: If the file is not there and ``bad_image='raise'``.
            ValueError: If it is not a whole image and ``bad_image='raise'``.
        """
        content = results.pop('img_bytes', None)
        try:
            return super().transform(results) if content is None else self._decode(content, results)
        except FileNotFoundError:
            error = FileNotFoundError(
                f'{sample_name(results)}: there is no such image; data/README.md says which images go where'
            )
        except (AssertionError, cv2.error):
            error = ValueError(
                f'{sample_name(results)}: the file is not an image, or is cut off or damaged; fetch it again'
            )
        if self.bad_image == 'raise':
            raise error
        print_log(f'{error}; the sample is skipped', 'current', logging.WARNING)
        return None

    def _decode(self, content: bytes, results: dict) -> dict:
        """Decode the bytes of an image file."""
        image = mmcv.imfrombytes(content, flag=self.color_type, backend=self.imdecode_backend)
        if image is None:
            raise AssertionError('not an image')  # as mmcv says it of a file
        results.update(img=image, img_shape=image.shape[:2], ori_shape=image.shape[:2])
        return results

    def __repr__(self) -> str:
        return f'LoadImage(bad_image={self.bad_image!r}, backend_args={self.backend_args})'
