"""Score a mask per phrase, of all tasks and of subsets (PhraseCut)."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Literal, NamedTuple

from mmvg.evaluation.functional import mask_iou, phrasecut_scores, phrasecut_subsets
from mmvg.evaluation.metrics.grounding_metric import GroundingMetric, precision_parts, read_array, read_field
from mmvg.masks import intersection_and_union, mask_area, mask_size, read_mask
from mmvg.registry import METRICS


class PhraseCutScore(NamedTuple):
    """What one task adds.

    Args:
        intersection: Pixels in both masks.
        union: Pixels in either mask.
        subsets: Names of the subsets that it belongs to.
    """

    intersection: int
    union: int
    subsets: tuple[str, ...]


@METRICS.register_module()
class PhraseCutMetric(GroundingMetric):
    """mIoU, cIoU and P@X of phrases (PhraseCut, arXiv:2008.01187), of all and of the subsets of the official code.

    Reads ``pred_sem_seg.sem_seg`` and ``gt_sem_seg.sem_seg``, binary (1, H, W) or RLE, for the subsets the number of
    ``gt_instances`` and, where samples carry it, ``phrase_structure``. Keys of a subset begin with its name, such as
    ``phrasecut/i_single/mIoU``.

    Args:
        subsets: Report the subsets too, those that have a task.
        thresholds: The X of P@X, the percent of tasks whose IoU is more than X.
        resolution: See :class:`GroundingMetric`.
        prefix: See :class:`GroundingMetric`.

    Example:
        >>> metric = PhraseCutMetric(thresholds=[0.5])
        >>> ids = dict(dataset='phrasecut', img_id=1, ref_id=2, sent_id=3, no_target=False, gt_frame='original')
        >>> pred, gt = dict(sem_seg=[[[True, False]]]), dict(sem_seg=[[[True, True]]])
        >>> boxes = dict(bboxes=[[0, 0, 2, 1]])
        >>> metric.process({}, [dict(**ids, pred_sem_seg=pred, gt_sem_seg=gt, gt_instances=boxes)])
        >>> {name: value for name, value in metric.evaluate(size=1).items() if 'mIoU' in name}
        {'phrasecut/mIoU': 50.0, 'phrasecut/i_single/mIoU': 50.0, 'phrasecut/s_large/mIoU': 50.0}
    """

    default_prefix = 'phrasecut'
    additive = True
    needs_masks = True

    def __init__(
        self,
        subsets: bool = True,
        thresholds: Sequence[float] = (0.5, 0.6, 0.7, 0.8, 0.9),
        resolution: Literal['original', 'resized', 'input'] = 'original',
        prefix: str | None = None,
    ) -> None:
        super().__init__(resolution, prefix)
        self.subsets = subsets
        self.thresholds = tuple(thresholds)
        self.protocol.update(precision='IoU > X')

    def score(self, sample: dict) -> PhraseCutScore:
        """Count the pixels of intersection and union, and name the subsets."""
        if sample.get('no_target'):
            raise ValueError('every task of PhraseCut has a target; use GRESMetric for this dataset')
        gt = read_mask(read_field(sample, 'gt_sem_seg', 'sem_seg'))
        intersection, union = intersection_and_union(read_field(sample, 'pred_sem_seg', 'sem_seg'), gt)
        names = []
        if self.subsets:
            height, width = mask_size(gt)
            instances = len(read_array(sample, 'gt_instances', 'bboxes'))
            names = phrasecut_subsets(instances, mask_area(gt) / (height * width), sample.get('phrase_structure'))
        return PhraseCutScore(intersection, union, tuple(names))

    def parts(self, record: PhraseCutScore) -> dict[str, tuple[float, float]]:
        """Return mIoU, cIoU and P@X, of all and of each subset that the task belongs to."""
        iou = mask_iou(record.intersection, record.union)
        own = {'mIoU': (iou, 1), 'cIoU': (record.intersection, record.union)}
        own |= precision_parts(iou, self.thresholds, above=True)
        return own | {f'{name}/{key}': part for name in record.subsets for key, part in own.items()}

    def summarize(self, records: list[PhraseCutScore]) -> dict[str, float]:
        """Compute mIoU, cIoU and P@X of all tasks, then of each subset by name."""
        groups: dict[str, list[PhraseCutScore]] = defaultdict(list)
        for record in records:
            for name in record.subsets:
                groups[name].append(record)
        results = self._scores(records)
        for name in sorted(groups):
            results.update({f'{name}/{key}': value for key, value in self._scores(groups[name]).items()})
        return results

    def _scores(self, records: list[PhraseCutScore]) -> dict[str, float]:
        return phrasecut_scores([r.intersection for r in records], [r.union for r in records], self.thresholds)
