"""What an answer file means by its numbers: declared by whoever wrote it, never guessed.

A guess that is made box by box, "as pixels or as permille, whichever fits", is made with the truth in sight: it rates
random boxes far above chance. So the unit, the frame, the order of the four numbers and the rule which box counts are
said once for a whole file, on the command line or in its first line.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from mmvg.checks import check_choice, suggest

#: What a number counts: pixels of the frame, or parts of its width and height.
UNITS = {'pixel': None, 'permille': 1000.0, 'fraction': 1.0}
#: What the four numbers of a box are.
LAYOUTS = ('xyxy', 'xywh', 'cxcywh', 'yxyx')
#: Which of several boxes or masks of one answer counts.
RULES = ('first', 'best_scored', 'all')

_WHY_UNIT = (
    'it is not guessed, for a guess per box picks the unit that fits the truth: declare --unit pixel, permille '
    '(0 to 1000) or fraction (0 to 1)'
)
_WHY_RULE = (
    'it is not guessed, for the best of several boxes is known only with the truth in sight: declare --rule first, '
    'best_scored or all'
)
_FRAME = re.compile(r'original|resized(:(?P<w>\d+)x(?P<h>\d+))?|padded-(?P<place>center|corner)(:(?P<side>\d+))?')


class DeclarationError(ValueError):
    """A declaration is missing, contradicts itself or is none that there is."""


@dataclass(frozen=True)
class Frame:
    """The picture whose pixels, or whose width and height, the numbers are measured in.

    Args:
        kind: ``'original'``; ``'resized'``, to ``size`` without keeping the aspect ratio; ``'padded-center'`` or
            ``'padded-corner'``, to a square whose margins lie on both sides, or right and below.
        size: (width, height) after resizing, or of the square; None where it is the record's (``resized``), or the
            longer side of the picture (padded).
    """

    kind: str = 'original'
    size: tuple[int, int] | None = None

    @classmethod
    def parse(cls, text: str) -> 'Frame':
        """Read ``original``, ``resized``, ``resized:WxH``, ``padded-center``, ``padded-corner`` or either ``:SIDE``.

        Raises:
            DeclarationError: If it is none of these.

        Example:
            >>> Frame.parse('resized:1000x800'), Frame.parse('padded-center:448').size
            (Frame(kind='resized', size=(1000, 800)), (448, 448))
        """
        match = _FRAME.fullmatch(text)
        if match is None:
            raise DeclarationError(
                f'frame {text!r}: write original, resized (its size in each record), resized:WIDTHxHEIGHT, '
                'padded-center, padded-corner, or padded-center:SIDE in pixels of a square that was resized'
            )
        side = match['side']
        size = (int(match['w']), int(match['h'])) if match['w'] else (int(side), int(side)) if side else None
        if size is not None and 0 in size:
            raise DeclarationError(f'frame {text!r} has no pixel')
        return cls(text.split(':')[0], size)

    def __str__(self) -> str:
        if self.size is None:
            return self.kind
        return f'{self.kind}:{self.size[0]}x{self.size[1]}' if self.kind == 'resized' else f'{self.kind}:{self.size[0]}'


@dataclass(frozen=True)
class Declaration:
    """Everything that has to be known to read the numbers of an answer file.

    Args:
        unit: ``'pixel'``, ``'permille'`` or ``'fraction'``; None for masks and for text formats that fix it.
        rule: Which box or mask counts where an answer has several.
        frame: Whose pixels, or whose width and height.
        layout: What the four numbers are.
        text_format: How the raw text of a language model is read (:data:`mmvg.scoring.text_formats.TEXT_FORMATS`);
            None if there is none.
        nothing: Texts that say that nothing is meant, without regard to case and final punctuation.

    Raises:
        DeclarationError: If one is none of the choices.

    Example:
        >>> Declaration.of(dict(unit='permille', rule='first', frame='padded-center'))
        Declaration(unit='permille', rule='first', frame=Frame(kind='padded-center', size=None), layout='xyxy', ...)
    """

    unit: str | None = None
    rule: str | None = None
    frame: Frame = Frame()
    layout: str = 'xyxy'
    text_format: str | None = None
    nothing: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, choices in (('unit', UNITS), ('rule', RULES), ('layout', LAYOUTS)):
            value = getattr(self, name)
            if value is not None:
                try:
                    check_choice(name, value, tuple(choices))
                except ValueError as error:
                    raise DeclarationError(str(error)) from None

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> 'Declaration':
        """Make one of plain settings, those of the command line or of the first line of a file.

        Raises:
            DeclarationError: If a key is unknown or a value is none of the choices.
        """
        known = [entry.name for entry in fields(cls)]
        for name in settings:
            if name not in known:
                raise DeclarationError(
                    f'unknown declaration {name!r}; known are {", ".join(known)}{suggest(name, known)}'
                )
        made = {name: value for name, value in settings.items() if value is not None}
        if isinstance(made.get('frame'), str):
            made['frame'] = Frame.parse(made['frame'])
        if 'nothing' in made:
            made['nothing'] = tuple([made['nothing']] if isinstance(made['nothing'], str) else made['nothing'])
        return cls(**made)

    def require_unit(self) -> str:
        """Return the unit.

        Raises:
            DeclarationError: If it is not declared; says why it is not guessed.
        """
        if self.unit is None:
            raise DeclarationError(f'the unit of the boxes is not declared; {_WHY_UNIT}')
        return self.unit

    def require_rule(self) -> str:
        """Return the rule which box counts.

        Raises:
            DeclarationError: If it is not declared; says why it is not guessed.
        """
        if self.rule is None:
            raise DeclarationError(f'which box counts is not declared; {_WHY_RULE}')
        return self.rule

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it, what is not declared left out."""
        made = dict(vars(self), frame=str(self.frame), nothing=list(self.nothing))
        return {name: value for name, value in made.items() if value not in (None, [])}


def to_xyxy(boxes: np.ndarray, layout: str) -> np.ndarray:
    """Bring boxes (N, 4) float64 of a layout into corners.

    Example:
        >>> to_xyxy(np.array([[5.0, 5, 4, 2]]), 'cxcywh').tolist()
        [[3.0, 4.0, 7.0, 6.0]]
    """
    if layout == 'xyxy':
        return boxes
    first, second = boxes[:, :2], boxes[:, 2:]
    if layout == 'yxyx':
        return boxes[:, [1, 0, 3, 2]]
    low = first if layout == 'xywh' else first - second / 2
    return np.concatenate([low, low + second], axis=1)


def to_original(
    points: np.ndarray, unit: str, frame: Frame, size: tuple[int, int], resized: tuple[int, int] | None = None
) -> np.ndarray:
    """Bring coordinates to pixels of the original picture.

    Args:
        points: (..., 2K), x and y in turn.
        unit: One of ``UNITS``.
        frame: Whose pixels, or whose width and height.
        size: (width, height) of the original picture.
        resized: (width, height) of the resized one where ``frame`` does not say it.

    Returns:
        (..., 2K) float64. Nothing is clipped.

    Raises:
        DeclarationError: If pixels of a resized picture are meant and its size is not known.

    Example:
        >>> to_original(np.array([250, 500, 750, 1000]), 'permille', Frame(), size=(640, 480)).tolist()
        [160.0, 240.0, 480.0, 480.0]
        >>> to_original(np.array([0.5, 0.5]), 'fraction', Frame('padded-center'), size=(640, 480)).tolist()
        [320.0, 240.0]
    """
    extent = frame_extent(unit, frame, size, resized)
    scale, shift = frame_to_original(frame, size)
    points = np.asarray(points, dtype=np.float64)
    repeats = points.shape[-1] // 2
    if unit == 'pixel' and frame.kind == 'original':
        return points
    return points / np.tile(extent, repeats) * np.tile(scale, repeats) - np.tile(shift, repeats)


def frame_extent(
    unit: str, frame: Frame, size: tuple[int, int], resized: tuple[int, int] | None = None
) -> tuple[float, float]:
    """Return what the right and the lower border of the frame are in the unit.

    Raises:
        DeclarationError: If pixels of a resized picture are meant and its size is not known.

    Example:
        >>> frame_extent('pixel', Frame('padded-corner'), size=(640, 480))
        (640, 640)
    """
    if (parts := UNITS[unit]) is not None:
        return parts, parts
    if frame.kind == 'original':
        return size
    if frame.kind == 'resized':
        if (known := frame.size or resized) is None:
            raise DeclarationError(
                'pixels of a resized picture need its size: --frame resized:WIDTHxHEIGHT, or "input_size": '
                '[width, height] in the record'
            )
        return known
    return frame.size or (max(size), max(size))


def frame_to_original(frame: Frame, size: tuple[int, int]) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the size of the frame in original pixels, and its margin left and above."""
    if frame.kind in ('original', 'resized'):
        return size, (0.0, 0.0)
    side = max(size)
    margins = ((side - size[0]) / 2, (side - size[1]) / 2) if frame.kind == 'padded-center' else (0.0, 0.0)
    return (side, side), margins
