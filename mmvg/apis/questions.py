"""What is asked: pictures and sentences, checked and paired."""

from collections.abc import Iterable, Iterator, Mapping
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np

from mmvg.apis.images import ImageError, ImageSource, is_image_folder, list_images, read_image

#: Expressions with more words or letters are refused: no data set of the field has them, and no text encoder reads them
#: whole.
MAX_WORDS = 200
MAX_LETTERS = 2000


def check_expressions(expressions: str | Iterable[str]) -> list[str]:
    """The expressions as a list.

    Raises:
        ValueError: If there is none, or one is no text, blank, or longer than ``MAX_WORDS`` words or ``MAX_LETTERS``
            letters.
    """
    if isinstance(expressions, (bytes, Mapping)) or not isinstance(expressions, Iterable):
        raise ValueError(f'expressions are text, or a list of texts, not {expressions!r:.80}')
    expressions = [expressions] if isinstance(expressions, str) else list(expressions)
    if not expressions:
        raise ValueError('no expression was given; write what to look for, such as "the red mug"')
    for number, expression in enumerate(expressions):
        if not isinstance(expression, str):
            raise ValueError(f'expression {number} is {expression!r:.80}; it must be text')
        if not expression.isascii() and any('\ud800' <= letter <= '\udfff' for letter in expression):
            raise ValueError(f'expression {number} is {expression!r:.80}: it holds halves of letters; decode it again')
        if not any(letter.isalnum() for letter in expression):
            raise ValueError(f'expression {number} is {expression!r}: no word in it; write what to look for')
        if (words := len(expression.split())) > MAX_WORDS:
            raise ValueError(f'expression {number} has {words} words; at most {MAX_WORDS} are read, shorten it')
        if len(expression) > MAX_LETTERS:
            raise ValueError(f'expression {number} has {len(expression)} letters; at most {MAX_LETTERS} are read')
    return expressions


def check_batch_size(batch_size: Any) -> None:
    """Check the number of pairs that are computed together.

    Raises:
        ValueError: If it is no whole number, or less than 1.
    """
    if isinstance(batch_size, bool) or not isinstance(batch_size, Integral) or batch_size < 1:
        raise ValueError(f'batch_size must be a whole number, 1 or more, not {batch_size!r}')


class LastImages:
    """Reads pictures, and keeps the last one: expressions about one image stand next to each other.

    Args:
        allow_url: As in :func:`mmvg.apis.read_image`.
        skip_unreadable: Give None for a picture that cannot be read, and note why in ``problems``.
    """

    def __init__(self, allow_url: bool, skip_unreadable: bool) -> None:
        self.allow_url = allow_url
        self.skip_unreadable = skip_unreadable
        self.problems: list[str] = []
        self._last: tuple[Any, np.ndarray | None] | None = None

    def __call__(self, source: ImageSource) -> np.ndarray | None:
        if self._last is None or self._last[0] is not source:
            self._last = (source, self._read(source))
        return self._last[1]

    def _read(self, source: ImageSource) -> np.ndarray | None:
        try:
            return read_image(source, self.allow_url)
        except (ImageError, OSError) as error:
            if not self.skip_unreadable:
                raise
            self.problems.append(str(error))
            return None


def as_images(images: ImageSource | Iterable[ImageSource]) -> list[ImageSource]:
    """Return one picture, several, or those of a folder, as a list.

    Raises:
        ValueError: If there is none.
    """
    if is_image_folder(images):
        return list(list_images(images))
    several = isinstance(images, (list, tuple, Iterator)) and not hasattr(images, 'read')  # an open file is none
    images = list(images) if several else [images]
    if not images:
        raise ValueError('no image was given')
    return images


def pair(images: list[ImageSource], expressions: list[str], pairs: bool) -> list[tuple[ImageSource, str | int, str]]:
    """Pair every picture with every sentence, or with ``pairs`` the k-th picture with the k-th sentence.

    Returns:
        Picture, what its answers call it (its path, or its place among the pictures) and sentence.

    Raises:
        ValueError: If there are not as many pictures as sentences where they are paired.
    """
    named = [(image, str(image) if isinstance(image, (str, Path)) else place) for place, image in enumerate(images)]
    if not pairs:
        return [(*image, expression) for image in named for expression in expressions]
    if len(images) != len(expressions):
        raise ValueError(
            f'pairs=True needs an expression per image, but there are {len(images)} images and {len(expressions)} '
            'expressions'
        )
    return [(*image, expression) for image, expression in zip(named, expressions, strict=True)]
