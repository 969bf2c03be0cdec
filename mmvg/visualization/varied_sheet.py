"""Choose a few answers that show a model as it is: one of each kind of question, right ones and a wrong one."""

from collections.abc import Hashable, Sequence

import numpy as np

from mmvg.evaluation.functional import expression_kinds
from mmvg.structures import GroundingSample


def question_kind(sample: GroundingSample) -> str:
    """What is asked about: ``'none'``, ``'several'``, or one target, told by the kind of the sentence."""
    if sample.get('no_target', False):
        return 'none'
    if 'gt_instances' in sample and len(sample.gt_instances) > 1:
        return 'several'
    kinds = (sample.kind,) if sample.get('kind') else expression_kinds(sample.get('text', ''))
    return f'one, {kinds[0]}' if kinds else 'one'


def choose_varied(
    kinds: Sequence[Hashable], agreements: Sequence[float], count: int, right_from: float = 0.5
) -> tuple[list[int], float]:
    """Choose ``count`` answers by a rule that knows no taste: right ones of as many kinds as there are; a wrong one.

    The kinds take turns, rarest first. Of the right answers of a kind those in the middle of their order come first; of
    all wrong ones the one in the middle comes last. Where none is wrong, or none right, the others fill up.

    Args:
        kinds: Of each question.
        agreements: Of each answer with the truth, in [0, 1].
        count: Answers to choose, at most.
        right_from: What agrees as much is right.

    Returns:
        Numbers of the chosen, and the share of all answers that are right.

    Example:
        >>> choose_varied(['one', 'one', 'none', 'one'], [0.9, 0.1, 1.0, 0.8], count=3)
        ([2, 0, 1], 0.75)
    """
    agreements = np.asarray(agreements, dtype=np.float64)
    right = agreements >= right_from
    queues = {
        kind: _middle_first([i for i, k in enumerate(kinds) if k == kind and right[i]], agreements)
        for kind in sorted(set(kinds), key=lambda kind: (list(kinds).count(kind), kind))
    }
    wrong = _middle_first(np.flatnonzero(~right).tolist(), agreements)
    room = min(count, len(agreements)) - (1 if wrong and (count > 1 or not right.any()) else 0)
    chosen: list[int] = []
    while len(chosen) < room and any(queues.values()):
        for queue in queues.values():
            if queue and len(chosen) < room:
                chosen.append(queue.pop(0))
    return chosen + wrong[: min(count, len(agreements)) - len(chosen)], float(right.mean())


def _middle_first(numbers: list[int], agreements: np.ndarray) -> list[int]:
    """``numbers`` by how near they are to the middle of the order of their agreements."""
    order = sorted(numbers, key=lambda i: (-agreements[i], i))
    return sorted(order, key=lambda i: abs(order.index(i) - (len(order) - 1) / 2))
