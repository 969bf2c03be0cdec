"""A drawn picture with questions whose answers are known: something to ask a model that has just been installed."""

from dataclasses import dataclass

import numpy as np

from mmvg.masks import decode_mask, polygons_to_rle
from mmvg.refshapes import SIZES, SceneRecord, make_record
from mmvg.refshapes.records import Reference

#: Of the random numbers; data sets are drawn with small seeds, so that none of these pictures is in one of them.
SCENE_SEED = 20260
_KINDS = (lambda targets: targets == 1, lambda targets: targets > 1, lambda targets: targets == 0)


@dataclass(frozen=True)
class Question:
    """A sentence about the picture, and what it means.

    Args:
        text: The sentence.
        boxes: (N, 4) float32, xyxy in pixels, of the N >= 0 objects that it means.
        masks: (N, H, W) bool, of the same objects.
    """

    text: str
    boxes: np.ndarray
    masks: np.ndarray


def draw_scene_with_questions(number: int = 0, count: int = 4) -> tuple[np.ndarray, list[Question]]:
    """Draw one of the pictures that no data set has, and ask about it.

    Args:
        number: Which picture, from 0; the same number always gives the same picture and sentences.
        count: Questions at most. The first three mean one object, several and none, wherever a picture has such.

    Returns:
        Picture (H, W, 3) uint8 BGR, and the questions.

    Raises:
        ValueError: If ``number`` is negative or there is nothing to ask.

    Example:
        >>> from mmvg.apis import draw_scene_with_questions
        >>> picture, questions = draw_scene_with_questions(0)
        >>> picture.shape, [len(question.boxes) for question in questions]
        ((160, 120, 3), [1, 2, 0, 1])
    """
    if number < 0 or count < 1:
        raise ValueError(f'the number of a picture is 0 or more, and of questions 1 or more, not {number} and {count}')
    record, picture = make_record(SIZES['small'], SCENE_SEED, 'val', number, ['grefcoco'])
    references = [reference for reference in record.references['grefcoco'] if reference.sentences]
    chosen = [next((r for r in references if wanted(len(r.targets))), None) for wanted in _KINDS]
    chosen = [reference for reference in chosen if reference is not None]
    others = [reference for reference in references if reference not in chosen]
    return picture, [_question(record, reference, picture.shape[:2]) for reference in (chosen + others)[:count]]


def _question(record: SceneRecord, reference: Reference, shape: tuple[int, int]) -> Question:
    objects = [record.annotations[target] for target in reference.targets]
    boxes = np.array([thing.bbox for thing in objects], np.float32).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    masks = np.zeros((len(objects), *shape), bool)
    for mask, thing in zip(masks, objects, strict=True):
        mask[:] = decode_mask(polygons_to_rle(thing.segmentation, *shape))
    return Question(reference.sentences[0].sent, boxes, masks)
