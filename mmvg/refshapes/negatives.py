"""Draw sentences that are not true of a picture: the negatives of R-RefCOCO."""

import numpy as np

from .attributes import HELD_OUT
from .expression_sampler import ExpressionSampler
from .records import SceneRecord, Sentence, visible_scene
from .sizes import STYLES
from .wording import SentenceWriter, as_typed


def draw_negatives(record: SceneRecord, style: str, number: int, rng: np.random.Generator) -> tuple[Sentence, ...]:
    """Draw different sentences that name nothing in the picture, in the forms and words of ``style``.

    All of their readings name nothing, see :mod:`mmvg.refshapes.evaluator`; a crowded picture may not have enough.

    Args:
        record: The picture.
        style: Key of ``STYLES``.
        number: At most so many.
        rng: Source of every choice.

    Example:
        >>> from mmvg.refshapes import SIZES, make_record
        >>> record, _ = make_record(SIZES['tiny'], seed=0, split='train', index=0, styles=[])
        >>> [sentence.sent for sentence in draw_negatives(record, 'refcoco', 2, np.random.default_rng(0))]
        ['the red mug', 'the large red ellipse below white disc']
    """
    excluded = () if record.split == 'testB' else HELD_OUT
    sampler = ExpressionSampler(visible_scene(record), rng, excluded, no_target_forms=STYLES[style].kinds.nonzero())
    writer = SentenceWriter(rng, STYLES[style].long)
    said: dict[str, Sentence] = {}
    for _ in range(4 * number):
        if len(said) == number:
            break
        sampled = sampler.sample('no_target')
        if sampled is not None:
            sent = writer.write(sampled[0])
            if sent not in said:
                said[sent] = Sentence(as_typed(sent, rng), sent, 'no_target')
    return tuple(said.values())
