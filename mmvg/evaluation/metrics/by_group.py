"""Another metric on each kind of expression by itself: attributes, places, relations, long ones, small targets."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mmvg.checks import check_choice
from mmvg.evaluation.functional import ASPECTS, box_areas, expression_groups, in_order
from mmvg.evaluation.metrics.grounding_metric import read_array
from mmvg.foundation import BaseMetric, all_gather_object
from mmvg.registry import METRICS


def groups_of_sample(sample: dict) -> dict[str, tuple[str, ...]]:
    """Sort a sample into groups by what its data set says about it, and else by its words.

    Reads ``text``, ``kind`` and ``num_distractors``, the latter two if they are there, and ``gt_instances.bboxes``, of
    which the area is that in the original image: if they are in the frame ``'input'``, by ``homography_matrix``.

    Example:
        >>> groups_of_sample(dict(text='the mug on the left', gt_instances=dict(bboxes=[[0, 0, 9, 9]])))
        {'kind': ('place',), 'words': ('4-6',), 'size': ('small',)}
    """
    boxes = read_array(sample, 'gt_instances', 'bboxes') if 'gt_instances' in sample else ()
    area = float(np.mean(box_areas(boxes))) if len(boxes) else None
    if area is not None and sample.get('gt_frame') == 'input':
        area /= abs(float(np.linalg.det(read_array(sample, 'homography_matrix')[:2, :2])))
    return expression_groups(sample.get('text', ''), area, sample.get('kind'), sample.get('num_distractors'))


@METRICS.register_module()
class ByGroup(BaseMetric):
    """A metric of all expressions, and of each group of them: ``rec/kind=relation/P@0.5``.

    Groups are those of :func:`mmvg.evaluation.functional.expression_groups`. An expression of several kinds counts in
    each; one of none counts in ``all`` alone.

    Args:
        metric: A :class:`GroundingMetric`.
        by: What to sort by: ``'kind'``, ``'words'`` (length), ``'distractors'`` (others of the same category) and
            ``'size'`` (COCO's small, medium, large).
        least: Groups of fewer expressions are left out.

    Example:
        >>> metric = ByGroup(dict(type='RECMetric', thresholds=[0.5]), by=['kind'])
        >>> for number, (text, box) in enumerate([('the red mug', [0, 0, 4, 4]), ('mug on the left', [0, 0, 1, 1])]):
        ...     sample = dict(dataset='refcoco', img_id=1, ref_id=2, sent_id=number, gt_frame='original', text=text)
        ...     truth = dict(gt_instances=dict(bboxes=[[0, 0, 4, 4]]), no_target=False)
        ...     metric.process(None, [sample | truth | dict(pred_instances=dict(bboxes=[box], scores=[0.9]))])
        >>> metric.evaluate(2)
        {'rec/P@0.5': 50.0, 'rec/num_samples': 2,
         'rec/kind=attribute/P@0.5': 100.0, 'rec/kind=attribute/num_samples': 1,
         'rec/kind=place/P@0.5': 0.0, 'rec/kind=place/num_samples': 1}
    """

    def __init__(self, metric: dict, by: Sequence[str] = ASPECTS, least: int = 1) -> None:
        super().__init__()
        self.metric = METRICS.build(metric)
        self.by = tuple(check_choice('by', aspect, ASPECTS) for aspect in by)
        self.least = least
        self._groups: dict[tuple, dict[str, tuple[str, ...]]] = {}

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Score a batch of samples, and sort them."""
        before = len(self.metric.results)
        self.metric.process(data_batch, data_samples)
        for (key, _), sample in zip(self.metric.results[before:], data_samples, strict=True):
            self._groups[key] = groups_of_sample(sample)

    def compute_metrics(self, results: list[tuple[tuple, Any]]) -> dict[str, float]:
        """Sum up pairs of ids and record, of all and of each group that :meth:`process` saw."""
        found = dict(self.metric.compute_metrics(results))
        members: dict[str, dict[str, list]] = {aspect: {} for aspect in self.by}
        for key, record in results:
            for aspect in self.by:
                for name in self._groups[key].get(aspect, ()):
                    members[aspect].setdefault(name, []).append((key, record))
        for aspect, groups in members.items():
            for name in in_order(list(groups)):
                if len({key for key, _ in groups[name]}) >= self.least:
                    part = self.metric.compute_metrics(groups[name])
                    found |= {f'{aspect}={name}/{key}': value for key, value in part.items()}
        return found

    def evaluate(self, size: int) -> dict[str, float]:
        """Sum up the samples of all processes; every process gets the same results.

        Args:
            size: Number of samples.
        """
        for groups in all_gather_object(self._groups):
            self._groups.update(groups)
        results = self.compute_metrics(self.metric.gather(size))
        self._groups.clear()
        return {f'{self.metric.prefix}/{name}': value for name, value in results.items()}
