"""From any dataset to conversations for ms-swift and Qwen-VL."""

import json
from pathlib import Path

from mmvg.checks import check_choice
from mmvg.datasets.qwen_lines import UNITS
from mmvg.datasets.referring_dataset import ReferringDataset
from mmvg.datasets.writers.written import Written, expressions_of
from mmvg.whole_files import whole_file

QWEN_CANNOT = frozenset({'polygons', 'pixels', 'apart', 'refs', 'ids', 'splits', 'grasps'})
#: With boxes as text, in whole thousandths, and a label where something is meant.
QWEN_PERMILLE_CANNOT = QWEN_CANNOT | {'decimals', 'no_target'}


def write_qwen_lines(
    dataset: ReferringDataset, file: Path, split: str, unit: str | None = None, image_prefix: str = ''
) -> Written:
    """Write a conversation per expression.

    Args:
        dataset: With items in original pixels.
        file: Where to write.
        split: Not held by the format.
        unit: ``'pixel'`` and ``'fraction'`` write ms-swift's ``objects``, with ``bbox_type`` ``'real'`` and
            ``'norm1'``, from which it makes what the model to be tuned wants. ``'permille'`` writes the answer itself
            as Qwen3-VL gives it: ``[{"bbox_2d": [...], "label": ...}]`` in whole thousandths.
        image_prefix: Put before the name of each image.

    Raises:
        ValueError: If ``unit`` is missing or unknown.

    Example:
        >>> import tempfile
        >>> from mmvg.datasets import RefCOCODataset
        >>> file = Path(tempfile.mkdtemp()) / 'val.jsonl'
        >>> dataset = RefCOCODataset('refcoco', 'val', data_root='data/refshapes')
        >>> write_qwen_lines(dataset, file, 'val', unit='fraction').expressions
        62
        >>> json.loads(file.read_text().splitlines()[0])['objects']['bbox_type']
        'norm1'
    """
    if unit is None:
        raise ValueError(f'qwen: say in which unit boxes are to be written: --unit {", ".join(UNITS)}')
    check_choice('unit', unit, tuple(UNITS))
    written = Written()
    cannot = QWEN_PERMILLE_CANNOT if unit == 'permille' else QWEN_CANNOT
    with whole_file(file) as unfinished, unfinished.open('w', encoding='utf-8') as lines:
        for name, item, sentence in expressions_of(dataset, written, cannot):
            boxes = [_in_unit(instance['bbox'], item, unit) for instance in item['instances']]
            line = _as_text(sentence['text'], boxes) if unit == 'permille' else _as_objects(sentence, boxes, unit)
            lines.write(json.dumps(dict(line, images=[image_prefix + name]), ensure_ascii=False) + '\n')
    return written


def _in_unit(box: list[float], item: dict, unit: str) -> list[float]:
    whole = UNITS[unit]
    if whole is None:
        return list(box)
    scaled = [v * whole / side for v, side in zip(box, (item['width'], item['height']) * 2, strict=True)]
    return [round(v) for v in scaled] if unit == 'permille' else scaled


def _as_objects(sentence: dict, boxes: list[list[float]], unit: str) -> dict:
    answer = '<bbox>' * len(boxes) or 'There is no such object in the image.'
    return dict(
        messages=[_says('user', '<image>Locate <ref-object> in the image.'), _says('assistant', answer)],
        objects=dict(ref=[sentence['text']], bbox=boxes, bbox_type='norm1' if unit == 'fraction' else 'real'),
    )


def _as_text(text: str, boxes: list[list[float]]) -> dict:
    answer = json.dumps([dict(bbox_2d=box, label=text) for box in boxes], ensure_ascii=False)
    return dict(messages=[_says('user', f'<image>Locate {text} in the image.'), _says('assistant', answer)])


def _says(role: str, content: str) -> dict[str, str]:
    return dict(role=role, content=content)
