"""Score whether a right box is among the best-scored ones (MDETR, Flickr30k Entities)."""

from collections.abc import Sequence
from typing import Literal

from mmvg.checks import check_choice
from mmvg.evaluation.functional import jaccard_at, rank_of_hit
from mmvg.evaluation.metrics.grounding_metric import GroundingMetric, read_array, read_gt_boxes
from mmvg.registry import METRICS


@METRICS.register_module()
class PrecisionAtKMetric(GroundingMetric):
    """P@k: percent of expressions with a target of which one of the k best-scored boxes overlaps a true box enough.

    "Precision@k" of MDETR (arXiv:2104.12763, Sec. 4.2), which is the Recall@k of Flickr30k Entities (any-box protocol):
    it counts expressions, not boxes, and has nothing to do with ``P@0.5`` of :class:`RECMetric`, whose X is an overlap
    (P@1 at a threshold of 0.5 is that number). Among equal scores the larger box coordinates win. Reads
    ``pred_instances.bboxes`` (Q, 4) and ``scores`` (Q,), ``gt_instances.bboxes`` (N, 4) and ``no_target``.

    Args:
        top: The k.
        threshold: Least overlap.
        overlap: ``iou``, or ``giou`` as MDETR's evaluator of referring expressions computes it.
        resolution: See :class:`GroundingMetric`.
        prefix: See :class:`GroundingMetric`.

    Example:
        >>> metric = PrecisionAtKMetric(top=[1, 5])
        >>> ids = dict(dataset='refcoco', img_id=1, ref_id=2, sent_id=3)
        >>> pred = dict(bboxes=[[0, 0, 4, 4], [6, 0, 9, 4]], scores=[0.2, 0.9])  # the second best is right
        >>> gt = dict(no_target=False, gt_instances=dict(bboxes=[[0, 0, 4, 4]]), gt_frame='original')
        >>> metric.process({}, [dict(**ids, **gt, pred_instances=pred)])
        >>> metric.evaluate(size=1)
        {'top/P@1': 0.0, 'top/P@5': 100.0, 'top/num_samples': 1}
    """

    default_prefix = 'top'
    additive = True
    additive = True

    def __init__(
        self,
        top: Sequence[int] = (1, 5, 10),
        threshold: float = 0.5,
        overlap: Literal['iou', 'giou'] = 'iou',
        resolution: Literal['original', 'resized', 'input'] = 'original',
        prefix: str | None = None,
    ) -> None:
        super().__init__(resolution, prefix)
        self.top = tuple(top)
        self.threshold = threshold
        self.overlap = check_choice('overlap', overlap, ('iou', 'giou'))
        self.protocol.update(overlap=f'{overlap} >= {threshold:g}')

    def score(self, sample: dict) -> tuple[bool, int | None]:
        """Tell whether the expression has a target, and the rank of the first hit."""
        gt_boxes = read_gt_boxes(sample)
        if not len(gt_boxes):
            return False, None
        boxes, scores = (read_array(sample, 'pred_instances', name) for name in ('bboxes', 'scores'))
        return True, rank_of_hit(boxes, scores, gt_boxes, self.threshold, self.overlap)

    def parts(self, record: tuple[bool, int | None]) -> dict[str, tuple[float, float]]:
        """Return P@k of an expression with a target."""
        has_target, rank = record
        return {f'P@{k}': (float(rank is not None and rank < k), 1) for k in self.top} if has_target else {}

    def summarize(self, records: list[tuple[bool, int | None]]) -> dict[str, float]:
        """Compute P@k."""
        ranks = [rank for has_target, rank in records if has_target]
        return {f'P@{k}': jaccard_at(ranks, k) for k in self.top}
