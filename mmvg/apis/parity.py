"""How the answers of an exported model compare with those of the model."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mmvg.apis.drawn_scene import draw_scene_with_questions
from mmvg.apis.exported_inferencer import ExportedInferencer
from mmvg.apis.inferencer import GroundingInferencer
from mmvg.evaluation.functional import box_overlaps
from mmvg.export.parts import tensors_of
from mmvg.masks import decode_mask
from mmvg.structures import Answer

#: Questions about one drawn picture.
_PER_PICTURE = 4


def compare_answers(find: GroundingInferencer, folder: str | Path, samples: int = 32) -> dict[str, Any]:
    """Ask a model and its export the same questions about drawn pictures, which no data set has.

    Args:
        find: The model.
        folder: The exported model; a program of PyTorch in it is trusted.
        samples: How many questions.

    Returns:
        ``samples``; ``max_difference``, of the raw outputs by name, and ``largest_output``, of the model; and of the
        answers ``changed_verdicts``, ``changed_counts`` of instances, ``mask_iou`` and ``box_iou`` (mean and lowest
        over the answers that both find, None where there is none), and ``grasps_apart``, in pixels.
    """
    exported = ExportedInferencer(folder, score_thr=find.score_thr, trust_config=True)
    questions = list(_questions(samples))
    differences: dict[str, float] = {}
    sizes: dict[str, float] = {}
    rows = []
    for start in range(0, len(questions), _PER_PICTURE):
        pictures, texts = zip(*questions[start : start + _PER_PICTURE], strict=True)
        inputs, *_ = exported.prepare(pictures, texts)
        ours, theirs = raw_outputs(find, inputs), exported.run(inputs)
        for name, value in ours.items():
            difference = float(np.abs(value - theirs[name]).max())
            differences[name] = max(differences.get(name, 0.0), difference)
            sizes[name] = max(sizes.get(name, 0.0), float(np.abs(value).max()))
        given = [f(list(pictures), list(texts), pairs=True, batch_size=_PER_PICTURE) for f in (find, exported)]
        rows += [
            _compare(*(Answer.from_record(record) for record in pair))
            for pair in zip(*(result['predictions'] for result in given), strict=True)
        ]
    return dict(
        samples=len(questions),
        max_difference=differences,
        largest_output=sizes,
        changed_verdicts=sum(row['verdict'] for row in rows),
        changed_counts=sum(row['count'] for row in rows),
        mask_iou=_summed([row['mask'] for row in rows], min),
        box_iou=_summed([row['boxes'] for row in rows], min),
        grasps_apart=_summed([row['grasps'] for row in rows], max),
    )


@torch.no_grad()
def raw_outputs(find: GroundingInferencer, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Run a model on what :meth:`mmvg.apis.ExportedInferencer.prepare` gives; returns its raw outputs by name."""
    device = next(find.model.parameters()).device
    given = {name: torch.from_numpy(array).to(device) for name, array in inputs.items() if name != 'image_index'}
    given['images'] = given['images'][torch.from_numpy(inputs['image_index'])]
    return {name: value.cpu().numpy() for name, value in tensors_of(find.model(given, mode='tensor')).items()}


def parity_table(report: dict[str, Any]) -> str:
    """Write a report as a table that people read.

    Example:
        >>> report = dict(samples=2, max_difference=dict(mask_logits=1e-6), largest_output=dict(mask_logits=8.0))
        >>> report |= dict(changed_verdicts=0, changed_counts=0, mask_iou=dict(mean=1.0, extreme=0.99), box_iou=None)
        >>> print(parity_table(report | dict(grasps_apart=None)))
        2 questions about drawn pictures
        mask_logits            at most 1e-06 apart (values to 8)
        changed verdicts       0
        changed numbers found  0
        IoU of masks           mean 1.0000, lowest 0.9900
    """
    lines = [f'{report["samples"]} questions about drawn pictures']
    for name, difference in report['max_difference'].items():
        lines.append(f'{name:22} at most {difference:.2g} apart (values to {report["largest_output"][name]:.3g})')
    lines.append(f'{"changed verdicts":22} {report["changed_verdicts"]}')
    lines.append(f'{"changed numbers found":22} {report["changed_counts"]}')
    for key, title, extreme in (
        ('mask_iou', 'IoU of masks', 'lowest'),
        ('box_iou', 'IoU of boxes', 'lowest'),
        ('grasps_apart', 'grasps apart, pixels', 'most'),
    ):
        if (summed := report[key]) is not None:
            lines.append(f'{title:22} mean {summed["mean"]:.4f}, {extreme} {summed["extreme"]:.4f}')
    return '\n'.join(lines)


def _questions(samples: int) -> Iterator[tuple[np.ndarray, str]]:
    number = 0
    while samples > 0:
        picture, questions = draw_scene_with_questions(number, min(samples, _PER_PICTURE))
        yield from ((picture, question.text) for question in questions)
        samples, number = samples - len(questions), number + 1


def _compare(ours: Answer, theirs: Answer) -> dict[str, Any]:
    """Compare two answers; None for what one of them does not have."""
    row: dict[str, Any] = dict(verdict=ours.no_target != theirs.no_target, mask=None, boxes=None, grasps=None)
    row['count'] = any(
        getattr(ours, name) is not None and len(getattr(ours, name)) != len(getattr(theirs, name))
        for name in ('boxes', 'grasps')
    )
    if ours.mask is not None and not ours.no_target and not theirs.no_target:
        one, other = decode_mask(ours.mask), decode_mask(theirs.mask)
        union = int((one | other).sum())
        row['mask'] = float((one & other).sum() / union) if union else 1.0
    if ours.boxes is not None and len(ours.boxes) and len(ours.boxes) == len(theirs.boxes):
        row['boxes'] = float(np.diag(box_overlaps(ours.boxes, theirs.boxes)).min())
    if ours.grasps is not None and len(ours.grasps) and len(theirs.grasps):
        row['grasps'] = float(np.linalg.norm(ours.grasps[0, :2] - theirs.grasps[0, :2]))
    return row


def _summed(values: Sequence[float | None], extreme: Any) -> dict[str, float] | None:
    found = [value for value in values if value is not None]
    return dict(mean=float(np.mean(found)), extreme=float(extreme(found))) if found else None
