"""Sentences that are not true of a picture, said about one of its objects: the negatives of R-RefCOCO."""

import numpy as np

from .attributes import HELD_OUT
from .english import Writer, as_typed
from .proposals import Proposer
from .recipes import STYLES
from .records import SceneRecord, Sentence, view_of


def deny(record: SceneRecord, style: str, number: int, rng: np.random.Generator) -> tuple[Sentence, ...]:
    """Up to ``number`` different sentences that name nothing in the picture, in the forms and words of ``style``.

    All of their readings name nothing, see :mod:`mmvg.refshapes.evaluator`; a crowded picture may not have enough.
    """
    unnamed = () if record.split == 'testB' else HELD_OUT
    proposer = Proposer(view_of(record), rng, unnamed, miss_forms=STYLES[style].mix.weights())
    writer = Writer(rng, STYLES[style].long)
    said: dict[str, Sentence] = {}
    for _ in range(4 * number):
        if len(said) == number:
            break
        proposal = proposer.propose('no_target')
        if proposal is not None:
            sent = writer.write(proposal[0])
            if sent not in said:
                said[sent] = Sentence(as_typed(sent, rng), sent, 'no_target')
    return tuple(said.values())
