"""What single expressions add to scores, of every metric."""

from collections import Counter

import numpy as np
import pytest

from mmvg.evaluation import metrics
from mmvg.evaluation.functional import COCO_THRESHOLDS, RRefScore, cgf1_score, gres_score, precision_recall
from mmvg.evaluation.metrics.confidence_metric import ConfidenceRecord
from mmvg.evaluation.metrics.grasp_metric import GraspRecord
from mmvg.evaluation.metrics.grasp_success_metric import SuccessRecord
from mmvg.evaluation.metrics.phrasecut_metric import PhraseCutScore

RNG = np.random.default_rng(0)
PIXELS = [(int(i), int(i + more)) for i, more in RNG.integers(0, 50, (40, 2))]
FLAGS = RNG.integers(0, 2, (40, 2)).astype(bool).tolist()
RANKS = [None if rank == 6 else int(rank) for rank in RNG.integers(0, 7, 40)]
RECORDS = {
    'CGF1Metric': [
        cgf1_score(RNG.random((pred, gt))) for pred, gt in [(0, 0), (1, 0), (0, 2), *RNG.integers(1, 4, (20, 2))]
    ],
    'ConfidenceMetric': [
        ConfidenceRecord(score, flags[0], score, flags[1]) for score, flags in zip(RNG.random(40), FLAGS, strict=True)
    ],
    'InstanceF1Metric': [
        precision_recall(RNG.random(tuple(RNG.integers(0, 4, 2))), COCO_THRESHOLDS) for _ in range(20)
    ],
    'PrecisionAtKMetric': [(flags[0], rank if flags[0] else None) for flags, rank in zip(FLAGS, RANKS, strict=True)],
    'VerdictMetric': [(score, flags[0]) for score, flags in zip(RNG.random(40).tolist(), FLAGS, strict=True)],
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
OTHER = {
    'CGF1Metric': {'cgF1', 'pmF1', 'IL_MCC'},
    'ConfidenceMetric': {'ECE_target', 'ECE_box', 'AURC'},
    'GraspSuccessMetric': {'H'},
    'InstanceF1Metric': {'F1@0.5', 'F1@0.95', 'F1@mIoU'},
    'RRefMetric': {'mIoU', 'mRR', 'rIoU'},
    'VerdictMetric': {'AUROC', 'AP', 'N-acc@T95'},
}


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
    assert metric.additive == (name not in OTHER)
    assert {score: made[score] for score in results if score in made} == pytest.approx(
        {score: value for score, value in results.items() if score in made}
    )
