"""Score the best grasp per instruction on seen and unseen objects (Grasp-Anything++)."""

from collections.abc import Sequence
from typing import NamedTuple

from mmvg.checks import check_choice
from mmvg.evaluation.functional import first_match, harmonic_mean, jaccard_at, strict_matches
from mmvg.evaluation.metrics.grasp_metric import ranked_grasps, read_grasps
from mmvg.evaluation.metrics.grounding_metric import GroundingMetric
from mmvg.registry import METRICS
from mmvg.structures import usable_grasps

NOVELTIES = ('seen', 'unseen')


class SuccessRecord(NamedTuple):
    """What one instruction adds.

    Args:
        novelty: Whether the object was ``'seen'`` in training or ``'unseen'``.
        rank: Of the first match, from 0; None without one.
    """

    novelty: str
    rank: int | None


@METRICS.register_module()
class GraspSuccessMetric(GroundingMetric):
    """Success rate on Grasp-Anything++ (arXiv:2406.09489): percent of instructions whose best grasp matches a true one.

    ``seen`` and ``unseen`` by the ``novelty`` of a sample, and ``H``, their harmonic mean. Matching is
    :func:`strict_matches` with the openings and jaws of the data, in pixels of the original image; an
    instruction without a true grasp cannot succeed. Papers print fractions.

    Args:
        top: A success is a match among so many best predictions.
        prefix: See :class:`GroundingMetric`.

    Example:
        >>> metric = GraspSuccessMetric()
        >>> ids = dict(dataset='grasp_anything', img_id=1, ref_id=2, gt_frame='original')
        >>> gt = dict(gt_grasps=[[50, 50, 40, 20, 0]])
        >>> right, wrong = (dict(grasps=[[x, 50, 40, 20, 0]], scores=[0.9]) for x in (50, 90))
        >>> answers = [('seen', right), ('unseen', right), ('unseen', wrong)]
        >>> for i, (novelty, pred) in enumerate(answers):
        ...     metric.process({}, [dict(**ids, **gt, sent_id=i, novelty=novelty, pred_grasps=pred)])
        >>> {name: round(value, 1) for name, value in metric.evaluate(size=3).items()}
        {'grasp_anything/seen': 100.0, 'grasp_anything/unseen': 50.0, 'grasp_anything/H': 66.7, ...}
    """

    default_prefix = 'grasp_anything'

    def __init__(self, top: int = 1, prefix: str | None = None) -> None:
        super().__init__('original', prefix)
        self.top = top
        self.protocol.update(top=top)

    def score(self, sample: dict) -> SuccessRecord:
        """Rank the first match.

        Raises:
            ValueError: If the sample does not say whether it is seen or unseen.
        """
        novelty = sample.get('novelty')
        check_choice('novelty', novelty, NOVELTIES)
        gt = read_grasps(sample)
        return SuccessRecord(
            novelty, first_match(strict_matches(ranked_grasps(sample, self.top), gt[usable_grasps(gt)]))
        )

    def parts(self, record: SuccessRecord) -> dict[str, tuple[float, float]]:
        """Return ``seen`` or ``unseen``, and ``success``, which is either."""
        part = (float(record.rank is not None and record.rank < self.top), 1)
        return {record.novelty: part, 'success': part}

    def summarize(self, records: Sequence[SuccessRecord]) -> dict[str, float]:
        """Compute the success rates in percent."""
        rates = {
            novelty: jaccard_at([record.rank for record in records if record.novelty == novelty], self.top)
            for novelty in NOVELTIES
        }
        return {**rates, 'H': harmonic_mean(*rates.values())}
