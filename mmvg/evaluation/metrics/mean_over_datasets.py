"""One number for several data sets, by which a checkpoint can be chosen."""

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

import numpy as np

from mmvg.foundation import BaseMetric, all_gather_object
from mmvg.registry import METRICS


@METRICS.register_module()
class MeanOverDatasets(BaseMetric):
    """Another metric on each data set by itself, and the plain mean of its results, as InstanceVG's authors choose by.

    For a loader of a :class:`mmengine.dataset.ConcatDataset`; samples are told apart by ``dataset``. The results of
    RefCOCO+ by a :class:`RECMetric` are ``rec/refcoco+/P@0.5`` and so on, the mean is ``rec/mean/P@0.5``.

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
        common = set.intersection(*map(set, parts.values())) if names else set()
        keys = [key for key in parts[names[0]] if key in common and not key.startswith('num_')] if names else []
        return found | {f'mean/{key}': float(np.mean([part[key] for part in parts.values()])) for key in keys}

    def evaluate(self, size: int) -> dict[str, float]:
        """Sum up the samples of all processes; every process gets the same results.

        Args:
            size: Number of samples in all data sets.
        """
        rounds = zip_longest(*all_gather_object(self.metric.results))
        results = self.compute_metrics([pair for row in rounds for pair in row if pair is not None])
        self.metric.results.clear()
        return {f'{self.metric.prefix}/{name}': value for name, value in results.items()}
