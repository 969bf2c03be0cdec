"""Conversations with boxes, on which Qwen-VL models are tuned with ms-swift."""

import json
import re
from typing import Any

from mmvg.checks import check_choice
from mmvg.datasets.readers import CocoInstances, DataError, Ref, RefBuilder, is_finite_number, read_lines, record_shape
from mmvg.datasets.readers.ref_builder import Picture
from mmvg.datasets.referring_dataset import ReferringDataset
from mmvg.foreign_files import shown
from mmvg.registry import DATASETS

#: Unit of boxes in the text of an answer -> how many of them are one side of the picture, None for pixels.
UNITS = {'pixel': None, 'permille': 1000.0, 'fraction': 1.0}
_PLACEHOLDER = re.compile(r'<ref-object>|<bbox>')
_TOKENS = re.compile(
    r'<\|object_ref_start\|>(?P<phrase>.*?)<\|object_ref_end\|>'
    r'|<\|box_start\|>\(?(?P<box>[-\d.,() ]+?)\)?<\|box_end\|>'
)


@DATASETS.register_module()
class QwenLinesDataset(ReferringDataset):
    """Lines of ms-swift: ``messages`` or ``conversations``, ``images`` or ``image``, and perhaps ``objects``.

    Three forms of boxes are told apart, always ``[x1, y1, x2, y2]``:

    - ``objects`` with ``ref`` and ``bbox``, which replace ``<ref-object>`` and ``<bbox>`` in the text. Their unit
      stands there: ``bbox_type`` ``'real'``, pixels of the picture (the default), or ``'norm1'``, fractions of it.
    - ``<|object_ref_start|>phrase<|object_ref_end|><|box_start|>(x1,y1),(x2,y2)<|box_end|>`` in the text (Qwen2-VL).
    - ``[{"bbox_2d": [...], "label": "phrase"}]`` as the answer (Qwen2.5-VL and Qwen3-VL).

    The last two look the same in pixels (Qwen2.5-VL) and in thousandths (Qwen2-VL, Qwen3-VL), so ``unit`` must say
    which. Boxes after a phrase are its targets. A phrase of ``objects`` without any box means nothing. There are no
    masks. For the items see :class:`ReferringDataset`.

    Args:
        ann_file: The file of lines, below ``data_root``.
        split: Name of the split, which is the whole file.
        unit: ``'pixel'``, ``'permille'`` or ``'fraction'`` of boxes in the text.
        img_prefix: Image folder; absolute paths of images stay.
        name: Value of ``dataset`` in every item.
        common: Arguments of all datasets, see :class:`ReferringDataset`.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from PIL import Image
        >>> root = Path(tempfile.mkdtemp())
        >>> (root / 'images').mkdir()
        >>> Image.new('RGB', (80, 60)).save(root / 'images/a.png')
        >>> answer = json.dumps([dict(bbox_2d=[125, 500, 500, 1000], label='the red mug')])
        >>> line = dict(messages=[dict(role='assistant', content=answer)], images=['a.png'])
        >>> _ = (root / 'lines.jsonl').write_text(json.dumps(line))
        >>> QwenLinesDataset('lines.jsonl', unit='permille', data_root=str(root))[0]['instances'][0]['bbox']
        [10.0, 30.0, 40.0, 60.0]
    """

    with_mask = False

    def __init__(
        self,
        ann_file: str,
        split: str = 'train',
        *,
        unit: str | None = None,
        img_prefix: str = 'images',
        name: str = 'qwen',
        **common: Any,
    ) -> None:
        self.unit = None if unit is None else check_choice('unit', unit, tuple(UNITS))
        super().__init__(name, split, dict(lines=ann_file), img_prefix, **common)

    def read_annotations(self) -> tuple[list[Ref], CocoInstances]:
        file, report = self.files['lines'], self.load_report
        builder = RefBuilder(file, self.image_folder, report, self.outside_images)
        for number, record in read_lines(file, report):
            where = f'line {number}'
            with record_shape(report, file, where):
                images = record.get('images', record.get('image'))
                names = images if isinstance(images, list) else [images]
                if len(names) != 1:
                    report.note('line about several pictures', file, where, 'left out')
                    continue
                name = names[0].get('path') if isinstance(names[0], dict) else names[0]
                picture = builder.picture(name, None, where)
                if picture is None:
                    continue
                turns = _turns(record)
                if turns is None:
                    report.fail('line without messages', file, f'{where}: its keys are {sorted(record)}')
                for text, boxes in self._phrases(record, turns, picture, where).items():
                    ids = builder.targets(picture, boxes, f'{where}, {shown(text)}')
                    builder.ref(picture, ids, [text], where, self.split)
        if not builder.refs:
            raise DataError(f'{file}: no line has a phrase with a box')
        return builder.refs, builder.coco

    def _phrases(self, record: dict, turns: list[tuple[str, str]], picture: Picture, where: str) -> dict[str, list]:
        """Return phrase -> boxes in pixels of a line."""
        file, report = self.files['lines'], self.load_report
        objects = record.get('objects')
        if objects:
            try:
                found = _from_objects(objects, ' '.join(text for _, text in turns))
                norm = objects.get('bbox_type', 'real')
                unit = {'real': 'pixel', 'norm1': 'fraction'}[norm]
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                report.fail('objects that do not fit the text', file, f'{where}: {error}')
            return self._in_pixels(found, unit, picture, where)
        found: dict[str, list] = {}
        for role, text in turns:
            if role in ('assistant', 'gpt'):
                for phrase, boxes in (_from_json(text) or {}).items():
                    found.setdefault(phrase, []).extend(boxes)
        found = found or _from_tokens(' '.join(text for _, text in turns))
        if found and self.unit is None:
            report.fail(
                'boxes without a declared unit',
                file,
                f'{where}: the numbers of a text may be pixels (Qwen2.5-VL) or thousandths (Qwen2-VL, Qwen3-VL), and '
                "cannot be told apart; say unit='pixel', 'permille' or 'fraction' (--unit)",
            )
        if not found:
            report.note('line without a box', file, where, 'left out, for it is not said what means nothing')
        return self._in_pixels(found, self.unit or 'pixel', picture, where)

    def _in_pixels(self, found: dict[str, list], unit: str, picture: Picture, where: str) -> dict[str, list]:
        return {
            text: [
                self._box_in_pixels(box, unit, picture, f'{where}, {shown(text)}, box {position}')
                for position, box in enumerate(boxes)
            ]
            for text, boxes in found.items()
        }

    def _box_in_pixels(self, box: Any, unit: str, picture: Picture, where: str) -> Any:
        """Scale a box to pixels; one that is malformed stays as it is, for the reader of targets names it."""
        whole = UNITS[unit]
        if whole is None or not isinstance(box, list) or len(box) != 4 or not all(map(is_finite_number, box)):
            return box
        if any(value > whole * 1.001 for value in box):
            kind = f'box that is not in the declared unit {unit}'
            self.load_report.fail(kind, self.files['lines'], f'{where}: {shown(box)}')
        return [v * side / whole for v, side in zip(box, (picture.width, picture.height) * 2, strict=True)]


def _turns(record: dict) -> list[tuple[str, str]] | None:
    """Return (role, text) of the turns of a conversation."""
    turns = record.get('messages', record.get('conversations'))
    if not isinstance(turns, list):
        return None
    pairs = [
        (turn.get('role', turn.get('from')), turn.get('content', turn.get('value')))
        for turn in turns
        if isinstance(turn, dict)
    ]
    return [(str(role), text) for role, text in pairs if isinstance(text, str)]


def _from_objects(objects: dict, text: str) -> dict[str, list]:
    """Fill the placeholders of ``text`` in their order: boxes belong to the phrase before them."""
    refs, boxes = list(objects.get('ref') or ()), list(objects.get('bbox') or ())
    if text.count('<ref-object>') != len(refs) or text.count('<bbox>') != len(boxes):
        raise ValueError(
            f'{text.count("<ref-object>")} <ref-object> and {text.count("<bbox>")} <bbox> in the text, '
            f'{len(refs)} ref and {len(boxes)} bbox in objects'
        )
    found: dict[str, list] = {}
    phrase = None
    for match in _PLACEHOLDER.finditer(text):
        if match[0] == '<ref-object>':
            phrase = refs.pop(0)
            found.setdefault(phrase, [])
        elif phrase is None:
            raise ValueError('a <bbox> comes before any <ref-object>')
        else:
            found[phrase].append(boxes.pop(0))
    return found


def _from_json(text: str) -> dict[str, list] | None:
    """Read ``[{"bbox_2d": [...], "label": "..."}]``, perhaps in a fence of Markdown; None if it is something else."""
    body = re.sub(r'^\s*```(?:json)?|```\s*$', '', text)
    try:
        answers = json.loads(body)
    except (ValueError, RecursionError):
        return None
    answers = answers if isinstance(answers, list) else [answers]
    found: dict[str, list] = {}
    for answer in answers:
        if not isinstance(answer, dict) or 'bbox_2d' not in answer or not isinstance(answer.get('label'), str):
            return None
        found.setdefault(answer['label'], []).append(answer['bbox_2d'])
    return found


def _from_tokens(text: str) -> dict[str, list]:
    found: dict[str, list] = {}
    phrase = None
    for match in _TOKENS.finditer(text):
        if match['phrase'] is not None:
            phrase = match['phrase'].strip()
        elif phrase is not None:
            found.setdefault(phrase, []).append([float(v) for v in re.findall(r'-?\d+(?:\.\d+)?', match['box'])])
    return found
