"""Score how well a model's score tells expressions that mean something from those that mean nothing."""

from typing import Literal

import numpy as np

from mmvg.evaluation.functional import auroc, average_precision, n_acc_at_t_acc
from mmvg.evaluation.metrics.grounding_metric import GroundingMetric, read_array, read_field
from mmvg.registry import METRICS


def read_target_score(sample: dict) -> float:
    """Read the score that anything is meant: ``target_score`` or else the best of ``pred_instances.scores``.

    Raises:
        ValueError: If there is neither.
    """
    if sample.get('target_score') is not None:
        return float(sample['target_score'])
    return float(np.max(read_array(sample, 'pred_instances', 'scores'), initial=0.0))


@METRICS.register_module()
class VerdictMetric(GroundingMetric):
    """AUROC and average precision of the no-target verdict, and N-acc at a given T-acc: no threshold is chosen.

    ``AUROC``: how often an expression with a target has a higher score than one without. ``AP``: average precision of
    finding the expressions **without** a target by 1 - score; guessing gives their share. ``N-acc@T95``: N-acc at the
    threshold that keeps T-acc at 95 % or more. Reads ``target_score``, or else the best of ``pred_instances.scores``,
    and ``no_target``.

    Args:
        t_acc: T-acc in percent that N-acc is taken at.
        resolution: As that of other metrics, for one setting to serve all; scores have no pixels.
        prefix: See :class:`GroundingMetric`.

    Raises:
        ValueError: If ``t_acc`` is not in (1, 100], such as 0.95 in place of 95.

    Example:
        >>> metric = VerdictMetric()
        >>> ids = dict(dataset='grefcoco', img_id=1, ref_id=2, gt_frame='original')
        >>> for i, (score, no_target) in enumerate([(0.9, False), (0.6, False), (0.7, True), (0.1, True)]):
        ...     metric.process({}, [dict(**ids, sent_id=i, target_score=score, no_target=no_target)])
        >>> metric.evaluate(size=4)
        {'verdict/AUROC': 75.0, 'verdict/AP': 83.33..., 'verdict/N-acc@T95': 50.0, 'verdict/num_samples': 4}
    """

    default_prefix = 'verdict'

    def __init__(
        self,
        t_acc: float = 95,
        resolution: Literal['original', 'resized', 'input'] = 'original',
        prefix: str | None = None,
    ) -> None:
        super().__init__(resolution, prefix)
        if not 1 < t_acc <= 100:
            raise ValueError(f'VerdictMetric.t_acc is in percent, such as 95, not {t_acc}')
        self.t_acc = t_acc
        del self.protocol['resolution']

    def score(self, sample: dict) -> tuple[float, bool]:
        """Read the score and the truth."""
        return read_target_score(sample), bool(read_field(sample, 'no_target'))

    def parts(self, record: tuple[float, bool]) -> dict[str, tuple[float, float]]:
        """Return the mean score with and without a target; areas are no ratios of sums."""
        score, no_target = record
        return {'score_without' if no_target else 'score_with': (score, 1)}

    def summarize(self, records: list[tuple[float, bool]]) -> dict[str, float]:
        """Compute AUROC, AP and N-acc."""
        scores, no_target = (np.array(column) for column in zip(*records, strict=True)) if records else _NONE
        return {
            'AUROC': auroc(scores, ~no_target),
            'AP': average_precision(-scores, no_target),
            f'N-acc@T{self.t_acc:g}': n_acc_at_t_acc(scores, no_target, self.t_acc / 100)[0],
        }


_NONE = (np.zeros(0), np.zeros(0, dtype=bool))
