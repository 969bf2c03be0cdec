"""What single expressions add to scores, of every metric."""

from collections import Counter

import numpy as np
import pytest

from mmvg.evaluation import metrics
from mmvg.evaluation.functional import RRefScore, gres_score
from mmvg.evaluation.metrics.grasp_metric import GraspRecord
from mmvg.evaluation.metrics.grasp_success_metric import SuccessRecord
from mmvg.evaluation.metrics.phrasecut_metric import PhraseCutScore

RNG = np.random.default_rng(0)
PIXELS = [(int(i), int(i + more)) for i, more in RNG.integers(0, 50, (40, 2))]
FLAGS = RNG.integers(0, 2, (40, 2)).astype(bool).tolist()
RANKS = [None if rank == 6 else int(rank) for rank in RNG.integers(0, 7, 40)]
RECORDS = {
    'CoverAcc': [None, 0.5, 1.0, 0.0],
    'GRECMetric': [(f1, *flags) for f1, flags in zip([0.0, 0.5, 1.0, 1.0] * 10, FLAGS, strict=True)],
    'GRESMetric': [gres_score(*pixels, *flags) for pixels, flags in zip(PIXELS, FLAGS, strict=True)],
    'GraspMetric': [
        GraspRecord(kind, flags[0], rank, rank)
        for kind, flags, rank in zip(['attr', 'rel', '', 'loc'] * 10, FLAGS, RANKS, strict=True)
    ],
    'GraspSuccessMetric': [SuccessRecord(('seen', 'unseen')[n % 2], rank) for n, rank in enumerate(RANKS)],
    'PhraseCutMetric': [
        PhraseCutScore(*pixels, ('i_single', 's_small') if n % 3 else ('i_many',)) for n, pixels in enumerate(PIXELS)
    ],
    'RECMetric': RNG.random(40).tolist(),
    'RESMetric': PIXELS,
    'RRefMetric': [
        RRefScore(n // 4, flags[0], *((0, 0) if flags[0] else pixels), flags[1], 5 if flags[0] else 0)
        for n, (pixels, flags) in enumerate(zip(PIXELS, FLAGS, strict=True))
    ],
    'RefZOMMetric': [(*pixels, *flags) for pixels, flags in zip(PIXELS, FLAGS, strict=True)],
}
#: Results that are no ratio of sums over expressions.
OTHER = {'RRefMetric': {'mIoU', 'mRR', 'rIoU'}, 'GraspSuccessMetric': {'H'}}


@pytest.mark.parametrize('name', RECORDS)
def test_scores_are_100_times_the_sums_of_their_parts(name):
    metric = getattr(metrics, name)()
    numerators, denominators = Counter(), Counter()
    for record in RECORDS[name]:
        for score, (numerator, denominator) in metric.parts(record).items():
            numerators[score] += numerator
            denominators[score] += denominator
    made = {score: 100 * numerators[score] / total for score, total in denominators.items()}
    results = metric.summarize(RECORDS[name])
    assert set(results) - set(made) == OTHER.get(name, set())
    assert {score: made[score] for score in results if score in made} == pytest.approx(
        {score: value for score, value in results.items() if score in made}
    )
