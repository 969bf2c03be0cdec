"""Scores made of sums are those that the metrics report."""

from collections import Counter

import numpy as np
import pytest

from mmvg.evaluation.functional import (
    COCO_THRESHOLDS,
    CompositeScores,
    cgf1_score,
    matthews,
    paired_bootstrap,
    precision_recall,
)
from mmvg.evaluation.metrics import CGF1Metric, GraspSuccessMetric, InstanceF1Metric
from mmvg.evaluation.metrics.grasp_success_metric import SuccessRecord

RNG = np.random.default_rng(0)
RECORDS = {
    CGF1Metric: [cgf1_score(RNG.random(tuple(RNG.integers(0, 4, 2)))) for _ in range(60)],
    InstanceF1Metric: [precision_recall(RNG.random(tuple(RNG.integers(0, 4, 2))), COCO_THRESHOLDS) for _ in range(60)],
    GraspSuccessMetric: [SuccessRecord(('seen', 'unseen')[n % 3 == 0], (0, None)[n % 2]) for n in range(60)],
}


def columns_of(metric, records):
    """Parts and wholes (N, S, 2) of all records, and the names of the sums."""
    rows = [metric.parts(record) for record in records]
    names = sorted({name for row in rows for name in row})
    return np.array([[row.get(name, (0, 0)) for name in names] for row in rows], dtype=float), names


@pytest.mark.parametrize('metric', RECORDS, ids=lambda metric: metric.__name__)
def test_every_result_of_a_metric_is_made_of_its_sums(metric):
    columns, names = columns_of(metric(), RECORDS[metric])
    made = CompositeScores([f'x/{name}' for name in names])
    scores = dict(zip(made.names, made(columns.sum(0)), strict=True))
    for name, value in metric().summarize(RECORDS[metric]).items():
        assert scores[f'x/{name}'] == pytest.approx(value), name


def test_a_verdict_that_nobody_gave_is_a_cell_of_zero():
    records = [cgf1_score(np.ones((1, 1))), cgf1_score(np.ones((1, 1))), cgf1_score(np.zeros((0, 0)))]
    columns, names = columns_of(CGF1Metric(), records)
    assert 'IL_FP' not in names
    made = CompositeScores(names)
    assert dict(zip(made.names, made(columns.sum(0)), strict=True))['IL_MCC'] == matthews(2, 0, 0, 1) == 1


def test_raw_material_is_no_score():
    assert CompositeScores(['confidence/box_score', 'cgf1/IL_TP', 'verdict/score_with', 'rec/P@0.5']).names == [
        'rec/P@0.5'
    ]


def test_composites_are_resampled_as_a_whole():
    columns, names = columns_of(CGF1Metric(), RECORDS[CGF1Metric])
    made = CompositeScores(names)
    better = [cgf1_score(np.eye(record.num_gt)) for record in RECORDS[CGF1Metric]]
    second = np.array([[row.get(name, (0, 0)) for name in names] for row in map(CGF1Metric().parts, better)], float)
    found = dict(zip(made.names, paired_bootstrap(columns, second, resamples=200, derive=made), strict=True))['cgF1']
    assert found.second == 100
    assert found.first == pytest.approx(CGF1Metric().summarize(RECORDS[CGF1Metric])['cgF1'])
    assert 0 < found.low <= 100 - found.first <= found.high
    assert Counter(names)
