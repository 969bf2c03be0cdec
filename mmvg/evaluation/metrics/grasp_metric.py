"""Score ranked grasps per expression by J@N (OCID-VLG)."""

import logging
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mmvg.evaluation.functional import crog_matches, first_match, jaccard_at, limit_grasps, strict_matches
from mmvg.evaluation.metrics.grounding_metric import GroundingMetric, read_array
from mmvg.foundation import print_log
from mmvg.registry import METRICS
from mmvg.structures import usable_grasps


class GraspRecord(NamedTuple):
    """What one expression adds.

    Args:
        type: What the expression tells its object by, such as ``'attr'``; '' if the data does not say.
        counted: There is a true grasp to match.
        crog, strict: Rank, from 0, of the first prediction that matches; None if none does.
    """

    type: str
    counted: bool
    crog: int | None
    strict: int | None


@METRICS.register_module()
class GraspMetric(GroundingMetric):
    """J@N: percent of expressions with a true grasp among the N best predictions, by two protocols.

    ``J@N`` is what CROG's evaluator gives (arXiv:2311.05779; the numbers that papers print), ``J@N_strict`` follows the
    description in the papers; see :func:`crog_matches` and :func:`strict_matches`. With ``by_type`` there are
    ``<type>/J@N`` and ``<type>/J@N_strict`` for each ``expression_type``. An expression without a true grasp is not
    counted, which is logged.

    Reads ``pred_grasps.grasps`` (N, 5) and ``pred_grasps.scores`` (N,), and ``gt_grasps`` (M, 5), in pixels of the
    original image. Predictions that are not finite or have no area are left out before ranking.

    Args:
        top: The N of J@N.
        gt_width: True openings are clipped to so many pixels, as the evaluator of CROG does; None leaves them.
        gt_jaw: True jaws are set to so many pixels, the size that predictions of CROG have; None leaves them.
        by_type: Report each type of expression too.
        prefix: See :class:`GroundingMetric`.

    Example:
        >>> metric = GraspMetric()
        >>> ids = dict(dataset='ocid_vlg', img_id=1, ref_id=2, sent_id=3, gt_frame='original')
        >>> pred = dict(grasps=[[90, 50, 40, 20, 0], [50, 52, 40, 20, 0.2]], scores=[0.9, 0.7])  # the second is right
        >>> metric.process({}, [dict(**ids, pred_grasps=pred, gt_grasps=[[50, 50, 40, 20, 0]])])
        >>> metric.evaluate(size=1)
        {'grasp/J@1': 0.0, 'grasp/J@5': 100.0, 'grasp/J@1_strict': 0.0, 'grasp/J@5_strict': 100.0,
         'grasp/num_samples': 1}
    """

    default_prefix = 'grasp'
    additive = True

    def __init__(
        self,
        top: Sequence[int] = (1, 5),
        gt_width: float | None = 100,
        gt_jaw: float | None = 20,
        by_type: bool = True,
        prefix: str | None = None,
    ) -> None:
        super().__init__('original', prefix)
        self.top = tuple(top)
        self.gt_width = gt_width
        self.gt_jaw = gt_jaw
        self.by_type = by_type
        self.protocol.update(gt_width=gt_width, gt_jaw=gt_jaw)

    def score(self, sample: dict) -> GraspRecord:
        """Rank the first match, by both protocols."""
        pred = ranked_grasps(sample, max(self.top))
        gt = read_grasps(sample)
        gt = limit_grasps(gt[usable_grasps(gt)], self.gt_width, self.gt_jaw)
        kind = sample.get('expression_type') or ''
        return GraspRecord(
            kind, len(gt) > 0, first_match(crog_matches(pred, gt)), first_match(strict_matches(pred, gt))
        )

    def parts(self, record: GraspRecord) -> dict[str, tuple[float, float]]:
        """Return J@N and J@N_strict, of all and of the type of the expression; nothing without a true grasp."""
        if not record.counted:
            return {}
        ranks = {'': record.crog, '_strict': record.strict}
        own = {
            f'J@{n}{end}': (float(rank is not None and rank < n), 1) for n in self.top for end, rank in ranks.items()
        }
        typed = self.by_type and record.type
        return own | ({f'{record.type}/{name}': part for name, part in own.items()} if typed else {})

    def summarize(self, records: list[GraspRecord]) -> dict[str, float]:
        """Compute J@N and J@N_strict, of all and of each type."""
        counted = [record for record in records if record.counted]
        if len(counted) < len(records):
            print_log(
                f'GraspMetric: {len(records) - len(counted)} expressions without a true grasp are not counted',
                'current',
                logging.WARNING,
            )
        results = self._jaccard(counted, '')
        for kind in sorted({record.type for record in counted} - {''}) if self.by_type else ():
            results |= self._jaccard([record for record in counted if record.type == kind], f'{kind}/')
        return results

    def _jaccard(self, records: list[GraspRecord], lead: str) -> dict[str, float]:
        crog = {f'{lead}J@{n}': jaccard_at([record.crog for record in records], n) for n in self.top}
        return crog | {f'{lead}J@{n}_strict': jaccard_at([record.strict for record in records], n) for n in self.top}


def read_grasps(sample: dict) -> np.ndarray:
    """Read the true grasps (M, 5) float64.

    Raises:
        ValueError: If they are missing or malformed.
    """
    return _checked(read_array(sample, 'gt_grasps'), 'gt_grasps')


def ranked_grasps(sample: dict, top: int) -> np.ndarray:
    """Read the ``top`` best predictions (N, 5) float64 by descending score, equal ones in the order in which they came.

    Raises:
        ValueError: If they are missing, malformed, or as many scores as grasps are not there.
    """
    grasps = _checked(read_array(sample, 'pred_grasps', 'grasps'), 'pred_grasps.grasps')
    scores = read_array(sample, 'pred_grasps', 'scores')
    if scores.shape != (len(grasps),):
        raise ValueError(f'pred_grasps.scores is {scores.shape}, but there are {len(grasps)} grasps')
    usable = usable_grasps(grasps) & np.isfinite(scores)
    order = np.argsort(-scores[usable], kind='stable')[:top]
    return grasps[usable][order]


def _checked(grasps: np.ndarray, name: str) -> np.ndarray:
    """Check that grasps are (N, 5), and return them as float64.

    Raises:
        ValueError: If they are not; names them by ``name``.
    """
    if grasps.ndim != 2 or grasps.shape[1] != 5:
        raise ValueError(f'{name} must be (N, 5), [x, y, w, h, theta], not {grasps.shape}')
    return grasps.astype(np.float64)
