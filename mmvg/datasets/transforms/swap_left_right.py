"""Keep the words true when the image is mirrored."""

import re

from mmcv.transforms import BaseTransform

from mmvg.datasets.transforms.sample_name import sample_name
from mmvg.registry import TRANSFORMS

_ENDINGS = '|'.join(('', 'most', 'ward', 'wards', 'hand', 'handed', 'side', 'y'))
_WORD = re.compile(rf'\b(left|right)(?=(?:{_ENDINGS})\b)', re.IGNORECASE)


@TRANSFORMS.register_module()
class SwapLeftRight(BaseTransform):
    """Swap left and right in ``text`` when mmdet's ``RandomFlip``, which stands before it, has mirrored the image.

    Whole words only (``bright`` stays), with the usual endings: leftmost, lefthand, leftward(s), leftside, lefty;
    the case of ``Left`` and ``LEFT`` is kept.

    Example:
        >>> SwapLeftRight()(dict(text='Leftmost ring', flip=True, flip_direction='horizontal'))['text']
        'Rightmost ring'
    """

    def transform(self, results: dict) -> dict:
        """Rewrite ``text`` when ``flip`` is set.

        Raises:
            KeyError: If no ``RandomFlip`` stands before.
            ValueError: If the flip was not horizontal: above and below, top and bottom cannot be swapped this simply.
        """
        if 'flip' not in results:
            raise KeyError(f"{sample_name(results)}: 'flip' is missing; put RandomFlip before SwapLeftRight")
        if not results['flip']:
            return results
        if results['flip_direction'] != 'horizontal':
            raise ValueError(
                f'{sample_name(results)}: a {results["flip_direction"]} flip makes the words of {results["text"]!r} '
                "untrue; set RandomFlip(direction='horizontal')"
            )
        results['text'] = _WORD.sub(_opposite, results['text'])
        return results

    def __repr__(self) -> str:
        return 'SwapLeftRight()'


def _opposite(match: re.Match) -> str:
    """Return the opposite of a matched word, in the same case."""
    word = match[0]
    opposite = 'right' if word.lower() == 'left' else 'left'
    if word.isupper():
        return opposite.upper()
    return opposite.capitalize() if word[0].isupper() else opposite
