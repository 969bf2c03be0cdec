"""Base of all metrics: ids, frames, collecting over processes, and a protocol printed with the score."""

import logging
from abc import abstractmethod
from collections.abc import Sequence
from itertools import zip_longest
from math import isfinite, isnan
from typing import Any, Literal

import numpy as np

from mmvg.checks import check_choice
from mmvg.evaluation.functional import check_boxes
from mmvg.foundation import BaseMetric, all_gather_object, print_log
from mmvg.structures import ID_KEYS, sample_ids

#: Stands for the score of an expression that has none, since its true mask is not known.
_BOXES_ONLY = 'boxes only'
FRAMES = {'original': 'original', 'resized': 'input', 'input': 'input'}


class GroundingMetric(BaseMetric):
    """Scores expressions one by one, then sums up; keeps a few numbers per expression, never boxes or masks.

    A subclass turns a sample into a record (:meth:`score`) and records into results (:meth:`summarize`). Every
    expression counts once, by its ``(dataset, img_id, ref_id, sent_id)``: the copies with which a sampler fills up its
    last batch are dropped. Results are the same to the last bit for any number of processes and any order of samples.

    Args:
        resolution: The pixels in which predictions and targets are compared: of the ``original`` image, or of the
            ``resized`` input of the model, as several papers do; ``input`` is another word for that, so that one
            setting of a config can serve metrics, ground truth and answers. Samples must agree with it: in
            ``original``, ``gt_frame`` and ``pred_frame`` are 'original', in ``resized`` they are 'input'.
        prefix: Stands before each key in place of the class's own prefix.

    Attributes:
        protocol: Name and value of each choice that changes the numbers; logged with them.
        needs_masks: Whether the truth has to be a mask. Then an expression whose data has boxes only is counted as
            ``num_boxes_only`` instead of scored; where all have, that is the only result.
        additive: Whether every result is a ratio that :meth:`parts` splits, so that records need not be kept.

    Example:
        >>> class BoxCount(GroundingMetric):
        ...     default_prefix = 'boxes'
        ...
        ...     def score(self, sample):
        ...         return len(read_array(sample, 'pred_instances', 'bboxes'))
        ...
        ...     def summarize(self, records):
        ...         return {'mean': sum(records) / len(records)}
        >>> metric = BoxCount()
        >>> ids = dict(dataset='refcoco', img_id=1, ref_id=2, sent_id=3)
        >>> metric.process({}, [dict(**ids, gt_frame='original', pred_instances=dict(bboxes=[[0, 0, 4, 4]]))])
        >>> metric.evaluate(size=1)
        {'boxes/mean': 1.0, 'boxes/num_samples': 1}
    """

    needs_masks = False
    additive = False

    def __init__(
        self, resolution: Literal['original', 'resized', 'input'] = 'original', prefix: str | None = None
    ) -> None:
        super().__init__(prefix=prefix)
        check_choice('resolution', resolution, FRAMES)
        self.resolution = resolution
        self.protocol: dict[str, Any] = dict(resolution=resolution)

    @abstractmethod
    def score(self, sample: dict) -> Any:
        """Turn a sample, a :class:`mmvg.structures.GroundingSample` as a dict, into a record of a few numbers.

        Raises:
            ValueError: If the prediction cannot be scored; :meth:`process` adds the ids of the sample.
        """

    @abstractmethod
    def summarize(self, records: list) -> dict[str, float]:
        """Turn the records of all samples into results in percent, NaN where a denominator is empty."""

    def parts(self, record: Any) -> dict[str, tuple[float, float]]:
        """Split what one record adds to scores into (numerator, denominator), by the name of the score.

        A score that :meth:`summarize` has too is 100 times the sum of the numerators over that of the denominators. A
        record that does not count for a score does not name it; scores that are no such ratio are left out. Nothing by
        default.
        """
        return {}

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Score a batch of samples.

        Raises:
            ValueError: If a sample lacks a key, is in another frame, or its prediction cannot be scored; names its ids.
        """
        for sample in data_samples:
            key = self._key(sample)
            try:
                self._check_frames(sample)
                record = _BOXES_ONLY if self.needs_masks and sample.get('boxes_only') else self.score(sample)
                _check_numbers(sample)
            except ValueError as error:
                raise ValueError(f'{type(self).__name__}, {_name(key)}: {error}') from error
            self.results.append((key, record))

    def evaluate(self, size: int) -> dict[str, float]:
        """Sum up the samples of all processes; every process gets the same results.

        Unlike MMEngine's, this neither cuts the samples off at ``size`` nor needs equally many on each process.

        Args:
            size: Number of samples in the dataset; a different number of scored samples is reported.
        """
        results = self.compute_metrics(self.gather(size))
        return {f'{self.prefix}/{name}': value for name, value in results.items()}

    def gather(self, size: int) -> list[tuple[tuple, Any]]:
        """Take the pairs of ids and record of all processes, in the order of the data.

        Args:
            size: Number of samples in the dataset; a different number of ids is reported.
        """
        rounds = zip_longest(*all_gather_object(self.results))
        results = [result for row in rounds for result in row if result is not None]
        self.results.clear()
        if (found := len({key for key, _ in results})) != size:
            self._warn(
                f'{found} different samples were scored, but the dataset has {size}: '
                f'some were not processed, or share their {", ".join(ID_KEYS)}'
            )
        return results

    def compute_metrics(self, results: list[tuple[tuple, Any]]) -> dict[str, float]:
        """Drop repeated ids (the first is kept), and sum up ``results``, pairs of ids and record."""
        records: dict[tuple, Any] = {}
        different = []
        for key, record in results:
            if records.setdefault(key, record) != record:
                different.append(key)
        if len(records) < len(results):
            print_log(f'{type(self).__name__}: {len(results) - len(records)} repeated samples dropped', 'current')
        if different:
            self._warn(
                f'{len(different)} repeated samples got another score the second time, such as {_name(different[0])}; '
                f'the first one counts'
            )
        scored = [record for record in records.values() if record != _BOXES_ONLY]
        boxes_only = len(records) - len(scored)
        counts = dict(num_samples=len(scored)) | (dict(num_boxes_only=boxes_only) if boxes_only else {})
        if boxes_only and not scored:
            self._warn(f'does not apply: none of the {boxes_only} expressions has a mask')
            return counts
        if boxes_only:
            self._warn(f'{boxes_only} of {len(records)} expressions have boxes only and are not scored')
        metrics = self.summarize(scored)
        undefined = [name for name, value in metrics.items() if isnan(value)]
        if undefined:
            self._warn(f'{", ".join(undefined)} undefined (NaN): no sample among {len(scored)} to divide by')
        protocol = ', '.join(f'{name}={value}' for name, value in self.protocol.items())
        values = ', '.join(f'{name} {value:.2f}' for name, value in metrics.items())
        print_log(f'{type(self).__name__} on {len(scored)} samples ({protocol}): {values}', 'current')
        return {**metrics, **counts}

    def _key(self, sample: dict) -> tuple:
        key = tuple(sample_ids(sample).values())
        if not all(isinstance(part, (int, str, np.integer)) for part in key):
            raise ValueError(
                f'{type(self).__name__} tells samples apart by {", ".join(ID_KEYS)}, which must be numbers or strings; '
                f'one has {_name(key)}'
            )
        return key

    def _check_frames(self, sample: dict) -> None:
        frame = FRAMES[self.resolution]
        found = dict(gt_frame=sample.get('gt_frame'), pred_frame=sample.get('pred_frame', 'original'))
        wrong = ' and '.join(f'{name}={value!r}' for name, value in found.items() if value != frame)
        if wrong:
            raise ValueError(
                f'resolution={self.resolution!r} needs targets and predictions in the frame {frame!r}, but {wrong}. '
                f'Targets: load annotations after the resize for the original frame, before it for the input frame; '
                f"predictions: set frame={frame!r} in the head's postprocess"
            )

    def _warn(self, message: str) -> None:
        print_log(f'{type(self).__name__}: {message}', 'current', logging.WARNING)


#: What a model answers in numbers, of which each must be one.
_NUMBERS = (
    ('pred_instances', 'scores'),
    ('pred_instances', 'bboxes'),
    ('pred_grasps', 'scores'),
    ('pred_grasps', 'grasps'),
    ('target_score',),
)


def _check_numbers(sample: dict) -> None:
    """Check that a prediction is finite: NaN is above no threshold, and would count as an honest "nothing"."""
    for first, *rest in _NUMBERS:
        value = sample.get(first)
        for part in rest:
            value = value.get(part) if isinstance(value, dict) else None
        if value is None:
            continue
        value = value.detach().cpu().numpy() if hasattr(value, 'detach') else np.asarray(value)
        if not isfinite(value.sum()) and not np.isfinite(value).all():  # a sum of many may be beyond all numbers
            raise ValueError(
                f'{".".join((first, *rest))} holds a number that is NaN or infinite; the weights are damaged, or the '
                'precision is too low for this model'
            )


def read_field(sample: dict, *path: str) -> Any:
    """Read the value at ``path`` in nested dicts, such as ``read_field(sample, 'pred_instances', 'scores')``.

    Raises:
        ValueError: If it is missing; names the path.
    """
    value: Any = sample
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    if value is None:
        raise ValueError(f'{".".join(path)} is missing; it must be set on the sample for this metric')
    return value


def read_array(sample: dict, *path: str) -> np.ndarray:
    """Read the value at ``path`` as an array on the CPU; see :func:`read_field`."""
    value = read_field(sample, *path)
    return value.detach().cpu().numpy() if hasattr(value, 'detach') else np.asarray(value)


def read_gt_boxes(sample: dict) -> np.ndarray:
    """Read the true boxes (N, 4) float64, xyxy; none for a no-target sample and only there.

    Raises:
        ValueError: If they contradict ``no_target``, or are malformed.
    """
    boxes = check_boxes(read_array(sample, 'gt_instances', 'bboxes'))
    no_target = bool(read_field(sample, 'no_target'))
    if no_target != (len(boxes) == 0):
        hint = '' if no_target else "; if its targets are crowd regions, load the dataset with crowd='keep'"
        raise ValueError(f'no_target is {no_target}, but gt_instances has {len(boxes)} boxes{hint}')
    return boxes


def precision_parts(value: float, thresholds: Sequence[float], above: bool = False) -> dict[str, tuple[float, float]]:
    """Return what one IoU adds to each P@X; see :meth:`GroundingMetric.parts`.

    Example:
        >>> precision_parts(0.6, [0.5, 0.9])
        {'P@0.5': (1.0, 1), 'P@0.9': (0.0, 1)}
    """
    passes = {threshold: value > threshold if above else value >= threshold for threshold in thresholds}
    return {f'P@{threshold:g}': (float(passed), 1) for threshold, passed in passes.items()}


def verdict_parts(pred_no_target: bool, gt_no_target: bool) -> dict[str, tuple[float, float]]:
    """Return what one verdict adds to N-acc or T-acc; see :meth:`GroundingMetric.parts`.

    Example:
        >>> verdict_parts(pred_no_target=True, gt_no_target=True)
        {'N-acc': (1.0, 1)}
    """
    return {'N-acc': (float(pred_no_target), 1)} if gt_no_target else {'T-acc': (float(not pred_no_target), 1)}


def _name(key: tuple) -> str:
    return ' '.join(f'{name}={value!r}' for name, value in zip(ID_KEYS, key, strict=True))
