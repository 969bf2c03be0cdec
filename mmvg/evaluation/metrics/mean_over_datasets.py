"""One number for several data sets, by which a checkpoint can be chosen."""

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from mmvg.foundation import BaseMetric, print_log
from mmvg.registry import METRICS


@METRICS.register_module()
class MeanOverDatasets(BaseMetric):
    """Another metric on each data set by itself, and the plain mean of its results, as InstanceVG's authors choose by.

    For a loader of a :class:`mmengine.dataset.ConcatDataset`; samples are told apart by ``dataset``. The results of
    RefCOCO+ by a :class:`RECMetric` are ``rec/refcoco+/P@0.5`` and so on, the mean is ``rec/mean/P@0.5``. A data set in
    which the metric can score nothing, such as masks of boxes alone, is not part of the mean, and is named in the log.

    Args:
        metric: A :class:`GroundingMetric`.

    Example:
        >>> metric = MeanOverDatasets(dict(type='RECMetric', thresholds=[0.5]))
        >>> for number, (name, box) in enumerate([('refcoco', [0, 0, 4, 4]), ('refcoco+', [0, 0, 1, 1])]):
        ...     answer = dict(bboxes=np.array([box]), scores=np.ones(1))
        ...     sample = dict(dataset=name, img_id=number, ref_id=number, sent_id=number, gt_frame='original')
        ...     truth = dict(gt_instances=dict(bboxes=np.array([[0, 0, 4, 4]])), no_target=False)
        ...     metric.process(None, [sample | truth | dict(pred_instances=answer)])
        >>> metric.evaluate(2)['rec/mean/P@0.5']
        50.0
    """

    def __init__(self, metric: dict) -> None:
        super().__init__()
        self.metric = METRICS.build(metric)

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Score a batch of samples."""
        self.metric.process(data_batch, data_samples)

    def compute_metrics(self, results: list[tuple[tuple, Any]]) -> dict[str, float]:
        """Sum up pairs of ids and record, data set by data set in the order of their names."""
        names = sorted({key[0] for key, _ in results})
        parts = {name: self.metric.compute_metrics([pair for pair in results if pair[0][0] == name]) for name in names}
        found = {f'{name}/{key}': value for name, part in parts.items() for key, value in part.items()}
        scored = {name: part for name, part in parts.items() if part['num_samples']}
        if left_out := [name for name in names if name not in scored]:
            print_log(f'{type(self).__name__}: nothing to score in {", ".join(left_out)}', 'current', logging.WARNING)
        rows = list(scored.values())
        keys = (
            [key for key in rows[0] if not key.startswith('num_') and all(key in row for row in rows)] if rows else []
        )
        return found | {f'mean/{key}': float(np.mean([row[key] for row in rows])) for key in keys}

    def evaluate(self, size: int) -> dict[str, float]:
        """Sum up the samples of all processes; every process gets the same results.

        Args:
            size: Number of samples in all data sets.
        """
        results = self.compute_metrics(self.metric.gather(size))
        return {f'{self.metric.prefix}/{name}': value for name, value in results.items()}
