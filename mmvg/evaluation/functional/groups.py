"""Sort expressions into groups, by kind, length, distractors and size of the target, for scores of each."""

from collections.abc import Mapping, Sequence

from mmvg.evaluation.functional.expression_kinds import DATA_KINDS, expression_kinds

#: What expressions are sorted by, in the order in which groups are reported.
ASPECTS = ('kind', 'words', 'distractors', 'size')

_WORDS = ((3, '1-3'), (6, '4-6'), (10, '7-10'))
#: COCO's border of small and medium, and of medium and large, in square pixels of the original image.
_AREAS = ((32**2, 'small'), (96**2, 'medium'))


def word_group(text: str) -> str:
    """Sort an expression by its length in words.

    Example:
        >>> word_group('the red mug'), word_group('the mug to the left of the plate')
        ('1-3', '7-10')
    """
    count = len(text.split())
    return next((name for most, name in _WORDS if count <= most), '11+')


def distractor_group(num_distractors: int) -> str:
    """Sort an expression by the number of objects of the category of its target that it does not mean.

    Example:
        >>> distractor_group(0), distractor_group(7)
        ('0', '3+')
    """
    return str(num_distractors) if num_distractors < 3 else '3+'


def size_group(area: float) -> str:
    """Sort an expression by the mean area of its targets, at COCO's borders: 32² and 96² pixels.

    Args:
        area: In square pixels of the original image.

    Example:
        >>> size_group(40 * 40)
        'medium'
    """
    return next((name for least, name in _AREAS if area < least), 'large')


def expression_groups(
    text: str, area: float | None = None, kind: str | None = None, num_distractors: int | None = None
) -> dict[str, tuple[str, ...]]:
    """Sort one expression by every one of :data:`ASPECTS` that is known.

    Args:
        text: The expression.
        area: Mean area of its targets in square pixels of the original image; None without a target.
        kind: What the data set says about it; otherwise its words decide (:func:`expression_kinds`), which may find
            several kinds or none.
        num_distractors: What the data set says, if it knows categories.

    Returns:
        Aspect to groups.

    Example:
        >>> expression_groups('the red mug on the left', area=100 * 100, num_distractors=1)
        {'kind': ('attribute', 'place'), 'words': ('4-6',), 'distractors': ('1',), 'size': ('large',)}
        >>> expression_groups('all mugs', kind='group')  # RefShapes' word for "count"
        {'kind': ('count',), 'words': ('1-3',)}
    """
    said = (DATA_KINDS.get(kind, kind),) if kind else expression_kinds(text)
    groups = dict(kind=tuple(name for name in said if name), words=(word_group(text),))
    if num_distractors is not None:
        groups['distractors'] = (distractor_group(num_distractors),)
    if area is not None:
        groups['size'] = (size_group(area),)
    return groups


def in_order(names: Sequence[str]) -> list[str]:
    """Order groups as their aspects do: small before large, few before many, anything else by name.

    Example:
        >>> in_order(['large', '7-10', 'small', '1-3'])
        ['1-3', '7-10', 'small', 'large']
    """
    known = ('0', '1', '2', '3+', *(name for _, name in _WORDS), '11+', 'small', 'medium', 'large')
    places: Mapping[str, int] = {name: place for place, name in enumerate(known)}
    return sorted(names, key=lambda name: (places.get(name, -1), name))
