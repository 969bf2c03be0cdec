"""Sentences about a table, by the grammar of RefShapes; left, right, above and below are those of the picture."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mmvg.refshapes.expression_sampler import ExpressionSampler
from mmvg.refshapes.expressions import Single, kind_of
from mmvg.refshapes.layout import choose
from mmvg.refshapes.sizes import KindWeights
from mmvg.refshapes.visible_scene import VisibleObject, VisibleScene
from mmvg.refshapes.wording import SentenceWriter

from .kinds import HANDLED, KINDS
from .objects import TableObject
from .render import TableView

WEIGHTS = KindWeights(
    attribute=0.32,
    place=0.12,
    relation=0.14,
    ordinal=0.03,
    count=0.06,
    group=0.06,
    conjunction=0.05,
    part=0.14,
    no_target=0.2,
)
MIN_PIXELS = 20  # of 320 x 240: fewer of an object or of a handle are not spoken of
_TRIES = 4  # per wanted sentence


class TableSentence(NamedTuple):
    """One sentence.

    Args:
        text: In lower case, without punctuation.
        kind: One of :data:`mmvg.refshapes.expressions.KINDS`.
        targets: Indices of the objects that it means; none for ``'no_target'``.
        part: ``'handle'`` if they are to be taken by it.
    """

    text: str
    kind: str
    targets: tuple[int, ...]
    part: str | None


def visible_table(objects: Sequence[TableObject], view: TableView) -> VisibleScene:
    """What sentences may say of a picture: attributes, and the centres of the visible boxes."""
    height, width = view.instances.shape
    unit = min(height, width)
    seen = []
    for index, thing in enumerate(objects):
        x1, y1, x2, y2 = mask_corners(view.mask(index))
        seen.append(
            VisibleObject(
                thing.kind,
                thing.colour,
                thing.size,
                thing.pattern,
                x=(x1 + x2) / 2 / unit,
                y=(y1 + y2) / 2 / unit,
                handle=thing.kind in HANDLED and is_seen(view.mask(index, 'handle')),
            )
        )
    return VisibleScene(width / unit, height / unit, tuple(seen))


def mask_corners(mask: np.ndarray) -> tuple[float, float, float, float]:
    """The box x1, y1, x2, y2 around a mask (H, W), in pixels; zeros for an empty one."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return 0.0, 0.0, 0.0, 0.0
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def is_seen(mask: np.ndarray) -> bool:
    """Whether enough of something is seen to speak of it."""
    return int(mask.sum()) * 320 * 240 >= MIN_PIXELS * mask.size


def table_sampler(objects: Sequence[TableObject], view: TableView, rng: np.random.Generator) -> ExpressionSampler:
    """A sampler of expressions that are true of a picture of a table, or miss narrowly."""
    return ExpressionSampler(visible_table(objects, view), rng, shapes=tuple(KINDS), handled=HANDLED)


def draw_sentences(
    objects: Sequence[TableObject], view: TableView, rng: np.random.Generator, number: int = 10
) -> tuple[TableSentence, ...]:
    """Draw up to ``number`` different sentences that mean their targets beyond doubt; none about an empty table."""
    sampler, writer = table_sampler(objects, view, rng), SentenceWriter(rng)
    found: dict[str, TableSentence] = {}
    for _ in range(_TRIES * number if objects else 0):
        if len(found) == number:
            break
        sampled = sampler.sample(choose(rng, WEIGHTS.nonzero()))
        if sampled is None:
            continue
        expression, answer = sampled
        text = writer.write(expression)
        kind = kind_of(expression) if answer.targets else 'no_target'
        part = expression.part if isinstance(expression, Single) else None
        found.setdefault(text, TableSentence(text, kind, answer.targets, part))
    return tuple(found.values())
