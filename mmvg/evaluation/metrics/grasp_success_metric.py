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
    """Whether the object was ``'seen'`` in training or ``'unseen'``, and the rank of the first match, if any."""

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
    """

    default_prefix = 'grasp_anything'

    def __init__(self, top: int = 1, prefix: str | None = None) -> None:
        super().__init__('original', prefix)
        self.top = top
        self.protocol.update(top=top)

    def score(self, sample: dict) -> SuccessRecord:
        """Rank of the first match.

        Raises:
            ValueError: If the sample does not say whether it is seen or unseen.
        """
        novelty = sample.get('novelty')
        check_choice('novelty', novelty, NOVELTIES)
        gt = read_grasps(sample)
        return SuccessRecord(
            novelty, first_match(strict_matches(ranked_grasps(sample, self.top), gt[usable_grasps(gt)]))
        )

    def summarize(self, records: Sequence[SuccessRecord]) -> dict[str, float]:
        """Success rates in percent."""
        rates = {
            novelty: jaccard_at([record.rank for record in records if record.novelty == novelty], self.top)
            for novelty in NOVELTIES
        }
        return {**rates, 'H': harmonic_mean(*rates.values())}
