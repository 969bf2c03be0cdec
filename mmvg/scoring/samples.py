"""Truth and answer of one expression as metrics read them: a sample of plain arrays and RLE."""

from typing import Any

import numpy as np

from mmvg.masks import mask_area, union_of_masks
from mmvg.scoring.answers import ForeignAnswer
from mmvg.scoring.truth import TruthSample

_NO_BOX = np.zeros((1, 4), dtype=np.float32)


def true_sample(truth: TruthSample, with_masks: bool) -> dict[str, Any]:
    """Return what a metric reads of the truth.

    Args:
        truth: An expression.
        with_masks: Whether to make the mask of the expression, the union of those of its targets.
    """
    width, height = truth.size
    sample = {**truth.ids, **truth.facts, 'gt_frame': 'original', 'pred_frame': 'original'}
    sample |= dict(no_target=truth.no_target, gt_instances=dict(bboxes=truth.boxes), ori_shape=(height, width))
    sample['text'] = truth.sentence
    if truth.masks is None:
        sample['boxes_only'] = True
    elif with_masks:
        singles = [union_of_masks([mask], height, width) for mask in truth.masks]
        sample['gt_instances']['masks'] = singles
        sample['gt_sem_seg'] = dict(sem_seg=union_of_masks(singles, height, width))
    if truth.grasps is not None:
        sample['gt_grasps'] = truth.grasps
    return sample


def answered(truth: TruthSample, answer: ForeignAnswer, rule: str | None, with_grasps: bool = False) -> dict[str, Any]:
    """Return what a metric reads of an answer, of which the boxes and masks count that the rule lets.

    Boxes and masks without scores are sure: they score 1. ``with_grasps``: see :meth:`ForeignAnswer.says_nothing`.

    Raises:
        ValueError: If the rule cannot choose.
    """
    width, height = truth.size
    chosen = answer.choose(rule or 'all')
    count = len(answer.boxes) if answer.boxes is not None else len(answer.masks or ())
    scores = np.ones(count, dtype=np.float32) if answer.scores is None else answer.scores
    nothing = answer.says_nothing(with_grasps)
    made: dict[str, Any] = dict(pred_no_target=nothing)
    best = float(scores[chosen].max()) if len(chosen) else 0.0
    made['target_score'] = answer.target_score if answer.target_score is not None else 0.0 if nothing else best
    instances: dict[str, Any] = dict(scores=scores[chosen])
    if answer.boxes is not None:
        instances['bboxes'] = answer.boxes[chosen]
    if answer.masks is not None:
        instances['masks'] = [answer.masks[index] for index in chosen]
        made['pred_sem_seg'] = dict(sem_seg=union_of_masks(instances['masks'], height, width))
    elif nothing and not count:
        made['pred_sem_seg'] = dict(sem_seg=union_of_masks([], height, width))
    if nothing and answer.boxes is None:
        instances['bboxes'] = _NO_BOX[:0]
    made['pred_instances'] = instances
    if answer.grasps is not None:
        made['pred_grasps'] = dict(grasps=answer.grasps, scores=answer.grasp_scores)
    elif nothing:
        made['pred_grasps'] = dict(grasps=np.zeros((0, 5), dtype=np.float32), scores=np.zeros(0, dtype=np.float32))
    return made


def unanswered(truth: TruthSample) -> dict[str, Any]:
    """Return what a metric reads where there is no answer: one that is wrong, for silence is no verdict.

    It claims that something is meant, at a box without area; its mask has no pixel, and where nothing is meant one.
    """
    width, height = truth.size
    pixel = [dict(size=[height, width], counts=[0, 1, height * width - 1])] if truth.no_target else []
    return dict(
        pred_no_target=False,
        target_score=1.0,
        pred_instances=dict(bboxes=_NO_BOX, scores=np.ones(1, dtype=np.float32)),
        pred_sem_seg=dict(sem_seg=union_of_masks(pixel, height, width)),
        pred_grasps=dict(grasps=np.zeros((0, 5), dtype=np.float32), scores=np.zeros(0, dtype=np.float32)),
    )


def covered_area(truth: TruthSample, sample: dict[str, Any]) -> float:
    """Return the share of the picture that the true mask covers, or else the true boxes, overlaps counted twice."""
    width, height = truth.size
    if 'gt_sem_seg' in sample:
        return mask_area(sample['gt_sem_seg']['sem_seg']) / (width * height)
    sides = truth.boxes[:, 2:].astype(float) - truth.boxes[:, :2]
    return min(1.0, float(sides.prod(axis=1).sum()) / (width * height))
