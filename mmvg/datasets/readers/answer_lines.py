"""Answers of a model as lines of truth, to train another one with them."""

from collections.abc import Mapping
from typing import Any

from mmvg.masks import mask_area, mask_box
from mmvg.structures import ANSWER_VERSION, Answer, as_stored

_KEPT = ('image', 'expression', 'split', 'ref_id', 'sent_id')


def line_of_answer(record: Mapping[str, Any], orientation: int = 1) -> dict[str, Any]:
    """Turn the record of an answer into a line of :class:`mmvg.datasets.JSONLDataset`.

    Where a model gives no instances, the mask of the expression is the only one. Where nothing is found, the line says
    that nothing is meant.

    Args:
        record: See :meth:`mmvg.structures.Answer.to_record`.
        orientation: EXIF orientation of the picture, whose file is in other pixels than the answer if it is not 1.

    Raises:
        KeyError: If it lacks what every answer has.
        ValueError: If it is of another version, malformed, or not in pixels of the picture.

    Example:
        >>> record = dict(version=2, image='a.png', expression='the mug', size=[8, 10], frame='original', boxes=[])
        >>> line_of_answer(record | dict(score_thr=0.5, no_target=True))
        {'image': 'a.png', 'expression': 'the mug', 'height': 8, 'width': 10, 'boxes': [], 'no_target': True}
    """
    if record['version'] != ANSWER_VERSION or record['frame'] != 'original':
        raise ValueError(
            f'version {record["version"]!r}, frame {record["frame"]!r}; {ANSWER_VERSION}, original is read'
        )
    if orientation != 1:
        record = dict(record) | as_stored(Answer.from_record(record), orientation).to_record()
    line = {key: record[key] for key in _KEPT if key in record}
    line['height'], line['width'] = record['size']
    boxes, masks = record.get('boxes', []), record.get('masks')
    if 'boxes' not in record and 'mask' in record and not record['no_target'] and mask_area(record['mask']):
        boxes, masks = [mask_box(record['mask'])], [record['mask']]
    line |= dict(boxes=boxes, no_target=not boxes)
    if masks is not None:
        line['masks'] = masks
    if boxes and 'grasps' in record:
        line['grasps'] = record['grasps']
    return line
