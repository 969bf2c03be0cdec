"""New pictures to try sentences on: scenes of RefShapes that no training set holds."""

import numpy as np

from mmvg.refshapes import SIZES, make_record

#: Any number but those that data sets are made with.
FIRST_SEED = 20_000_000


def draw_example(number: int, most: int = 4) -> tuple[np.ndarray, list[str]]:
    """Draw a scene as those that ``make train`` trains on.

    Args:
        number: 0 or more; the same number gives the same scene.
        most: Sentences wanted.

    Returns:
        A picture (H, W, 3) uint8 RGB, and sentences about it, of different kinds as far as there are; one that means
        nothing in it comes last, if there is one.
    """
    record, image = make_record(SIZES['small'], FIRST_SEED + number, 'val', number, ['grefcoco'])
    sentences = [said for reference in record.references['grefcoco'] for said in reference.sentences[:1]]
    first = {sentence.kind: sentence for sentence in reversed(sentences)}  # of each kind, the one said first
    ordered = [*first.values(), *(sentence for sentence in sentences if sentence not in first.values())]
    denied = [sentence for sentence in ordered if sentence.kind == 'no_target'][:1]
    meant = [sentence for sentence in ordered if sentence.kind != 'no_target']
    chosen = [*meant[: most - len(denied)], *denied]
    return np.ascontiguousarray(image[..., ::-1]), [sentence.sent for sentence in chosen]
