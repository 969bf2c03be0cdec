"""One answer of any model: from a line of JSON to boxes, masks and a verdict in original pixels."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from PIL import Image, UnidentifiedImageError

from mmvg.checks import suggest
from mmvg.masks import mask_area, mask_size, polygons_to_rle, read_mask
from mmvg.scoring.declaration import Declaration, DeclarationError, frame_extent, to_original, to_xyxy
from mmvg.scoring.findings import Findings
from mmvg.scoring.text_formats import TEXT_FORMATS, TextFormat, UnparsedTextError
from mmvg.structures import ID_KEYS

#: What a record may say of the answer; at least one of the first five.
CONTENT_KEYS = ('boxes', 'masks', 'text', 'grasps', 'no_target', 'scores', 'target_score', 'grasp_scores', 'input_size')
#: What it may say of the question: all ids that tell it from others, or picture and sentence.
QUESTION_KEYS = (*ID_KEYS, 'image', 'expression')
#: Numbers beyond the frame by more than this share of it are called impossible.
BEYOND = 0.1


class AnswerError(ValueError):
    """A line of an answer file cannot be used; the message names file, line and cure."""


@dataclass
class ForeignAnswer:
    """What a model answers to one expression, in original pixels, before the rule which box counts.

    Args:
        boxes: (N, 4) float32 xyxy.
        scores: (N,) float32 of boxes, or of masks where there are no boxes; None if the model gives none.
        masks: RLE of the size of the picture; None if the model gives none.
        no_target: The model says that nothing is meant; None if it says nothing about it.
        target_score: Score that anything is meant.
        grasps: (M, 5) float32; None if the model gives none.
        grasp_scores: (M,) float32.
        parsed: Whether there is an answer at all; a text that could not be read is none.
    """

    boxes: np.ndarray | None = None
    scores: np.ndarray | None = None
    masks: list[dict] | None = None
    no_target: bool | None = None
    target_score: float | None = None
    grasps: np.ndarray | None = None
    grasp_scores: np.ndarray | None = None
    parsed: bool = True

    def says_nothing(self, with_grasps: bool = False) -> bool:
        """Tell whether the answer is that nothing is meant: as it says itself, or else by boxes and masks without any.

        An answer that gives neither is no verdict.

        Args:
            with_grasps: Whether grasps count beside boxes and masks.
        """
        if self.no_target is not None:
            return self.no_target
        amounts = [len(part) for part in (self.boxes, self.grasps if with_grasps else None) if part is not None]
        amounts += [] if self.masks is None else [sum(map(mask_area, self.masks))]
        return self.parsed and bool(amounts) and not any(amounts)

    def choose(self, rule: str) -> np.ndarray:
        """Return the positions of the boxes, or else masks, that count by the rule.

        Raises:
            ValueError: If the best-scored is asked for and several have no scores.
        """
        count = len(self.masks or ()) if self.boxes is None else len(self.boxes)
        if rule == 'all' or count <= 1:
            return np.arange(count)
        if rule == 'first':
            return np.array([0])
        if self.scores is None:
            raise ValueError(
                f'{count} boxes or masks without "scores": no one is the best_scored; write scores, or declare --rule '
                'first or all'
            )
        return np.array([int(self.scores.argmax())])


class AnswerReader:
    """Turns records into answers, by what is declared.

    Args:
        declaration: How the numbers are meant.
        folder: What paths of masks are relative to.

    Raises:
        DeclarationError: If the text format is unknown, or fixes another unit or layout than what is declared.
    """

    def __init__(self, declaration: Declaration, folder: Path = Path()) -> None:
        self.declaration = declaration
        self.folder = folder
        self.text_format = _text_format(declaration)

    def read(
        self, record: Mapping[str, Any], size: tuple[int, int], findings: Findings, where: str = 'the record'
    ) -> ForeignAnswer:
        """Read one record.

        Args:
            record: A line of JSON.
            size: (width, height) of the picture, in pixels.
            findings: Counts what is odd and no error.
            where: File and line, for messages.

        Raises:
            AnswerError: If something cannot be used.
            DeclarationError: If something has to be declared first.
        """
        record = {key: value for key, value in record.items() if value is not None}  # null says nothing about it
        if 'version' in record:
            record = _of_our_own(record, size, where)
        self._check_keys(record, where)
        answer = ForeignAnswer(
            no_target=self._flag(record, where), target_score=self._number(record, 'target_score', where)
        )
        resized = self._input_size(record, where)
        try:
            if 'text' in record:
                self._read_text(answer, record['text'], size, resized, findings, where)
            if 'boxes' in record:
                answer.boxes = self._boxes(record['boxes'], self._unit(), size, resized, findings, where)
            if 'masks' in record:
                answer.masks = self._masks(record['masks'], size, resized, where)
        except DeclarationError as error:
            raise DeclarationError(f'{where}: {error}') from None
        if 'grasps' in record:
            answer.grasps = self._rows(record['grasps'], 5, 'grasps', where).astype(np.float32)
            answer.grasp_scores = self._scores(record.get('grasp_scores'), len(answer.grasps), 'grasps', where)
            if answer.grasp_scores is None:
                answer.grasp_scores = np.ones(len(answer.grasps), dtype=np.float32)
        self._check_together(answer, record, where)
        return answer

    def _unit(self) -> str:
        if self.text_format is not None and self.text_format.unit is not None:
            return self.text_format.unit
        return self.declaration.require_unit()

    def _check_keys(self, record: Mapping[str, Any], where: str) -> None:
        known = (*CONTENT_KEYS, *QUESTION_KEYS)
        for key in record:
            if key not in known and (near := suggest(key, known)):
                _fail(where, f'unknown key {key!r}{near}')
        if not any(key in record for key in CONTENT_KEYS[:5]):
            _fail(
                where,
                f'no answer in it: write one of {", ".join(CONTENT_KEYS[:5])}; "boxes": [] says that nothing is meant',
            )
        if 'text' in record and ('boxes' in record or 'masks' in record):
            _fail(where, 'both text and boxes or masks: leave out what does not count')

    def _flag(self, record: Mapping[str, Any], where: str) -> bool | None:
        value = record.get('no_target')
        if value is not None and not isinstance(value, bool):
            _fail(where, f'no_target is {value!r}: write true or false')
        return value

    def _number(self, record: Mapping[str, Any], key: str, where: str) -> float | None:
        value = record.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
            _fail(where, f'{key} is {value!r}, not a finite number: write the score of the model, or leave it out')
        return float(value)

    def _input_size(self, record: Mapping[str, Any], where: str) -> tuple[int, int] | None:
        value = record.get('input_size')
        if value is None:
            return None
        if not isinstance(value, list) or len(value) != 2 or not all(isinstance(n, int) and n > 0 for n in value):
            _fail(where, f'input_size is {value!r}: write [width, height] of the resized picture, in pixels')
        return value[0], value[1]

    def _rows(self, values: Any, width: int, what: str, where: str) -> np.ndarray:
        """Check rows of ``width`` finite numbers, and return them as (N, width) float64."""
        try:
            rows = np.array(values) if isinstance(values, list) else np.array(None)
        except ValueError:  # rows of different lengths
            rows = np.array(None)
        if rows.shape[:1] == (0,):
            return np.zeros((0, width))
        if rows.ndim != 2 or rows.shape[1] != width or rows.dtype.kind not in 'iuf':
            _fail(where, f'{what} is no list of rows of {width} numbers: {str(values)[:80]}')
        if not np.isfinite(rows).all():
            _fail(where, f'{what} holds NaN or infinity: {str(values)[:80]}; leave such rows out, or answer []')
        return rows.astype(np.float64)

    def _boxes(
        self,
        values: Any,
        unit: str,
        size: tuple[int, int],
        resized: tuple[int, int] | None,
        findings: Findings,
        where: str,
    ) -> np.ndarray:
        boxes = to_xyxy(self._rows(values, 4, 'boxes', where), self.declaration.layout)
        reversed_ = (boxes[:, 2:] < boxes[:, :2]).any(axis=1)
        if reversed_.any():
            number = int(reversed_.argmax())
            cure = 'write the upper left corner first'
            if self.declaration.layout == 'xyxy':
                cure += ', or declare --layout xywh if the last two are width and height'
            _fail(where, f'box {number}, {values[number]}, has its corners reversed: {cure}')
        self._look_at_unit(boxes, unit, size, resized, findings, where)
        return to_original(boxes, unit, self.declaration.frame, size, resized).astype(np.float32)

    def _look_at_unit(
        self,
        boxes: np.ndarray,
        unit: str,
        size: tuple[int, int],
        resized: tuple[int, int] | None,
        findings: Findings,
        where: str,
    ) -> None:
        """Count boxes, and those whose numbers the unit makes impossible."""
        if not len(boxes):
            return
        extent = np.tile(frame_extent(unit, self.declaration.frame, size, resized), 2)
        beyond = ((boxes > (1 + BEYOND) * extent) | (boxes < -BEYOND * extent)).any(axis=1)
        findings.count('box', number=len(boxes))
        if beyond.any():
            example = boxes[int(beyond.argmax())].tolist()
            findings.count('box beyond the frame', f'{where}: {example}', int(beyond.sum()))
        findings.count('box within one unit', number=int((boxes.max(axis=1) <= 1).sum()) if unit != 'fraction' else 0)

    def _read_text(
        self,
        answer: ForeignAnswer,
        text: Any,
        size: tuple[int, int],
        resized: tuple[int, int] | None,
        findings: Findings,
        where: str,
    ) -> None:
        if self.text_format is None:
            raise DeclarationError(
                'the format of the texts is not declared; it is not guessed, for the same numbers are other boxes in '
                f'another one: declare --text-format {", ".join(TEXT_FORMATS)}'
            )
        if not isinstance(text, str):
            _fail(where, f'text is a {type(text).__name__}, not a string')
        if _plain(text) in map(_plain, self.declaration.nothing):
            answer.boxes, answer.no_target = np.zeros((0, 4), dtype=np.float32), True
            return
        try:
            parsed = self.text_format.parse(text)
            rows = np.array(parsed.boxes, dtype=np.float64).reshape(-1, 4)
            corners = to_xyxy(rows, 'xyxy' if self.text_format.unit else self.declaration.layout)
            if not np.isfinite(corners).all() or (corners[:, 2:] < corners[:, :2]).any():
                raise UnparsedTextError('a box with reversed corners')
        except UnparsedTextError as error:
            answer.parsed = False
            findings.count('empty text' if not text.strip() else 'unparsed text', f'{where}: {error}: {text[:60]!r}')
            return
        unit = self._unit()
        self._look_at_unit(corners, unit, size, resized, findings, where)
        frame = self.declaration.frame
        if parsed.regions:
            width, height = size
            answer.masks = [
                polygons_to_rle([to_original(part, unit, frame, size, resized) for part in region], height, width)
                for region in parsed.regions
            ]
        else:
            answer.boxes = to_original(corners, unit, frame, size, resized).astype(np.float32)

    def _masks(self, masks: Any, size: tuple[int, int], resized: tuple[int, int] | None, where: str) -> list[dict]:
        if not isinstance(masks, list):
            _fail(where, 'masks is no list: write one entry per mask: an RLE, a list of polygons, or the path of a PNG')
        return [self._mask(mask, size, resized, f'{where}, mask {number}') for number, mask in enumerate(masks)]

    def _mask(self, mask: Any, size: tuple[int, int], resized: tuple[int, int] | None, where: str) -> Any:
        width, height = size
        try:
            if isinstance(mask, list):
                unit = self._unit()
                parts = [self._rows([part], len(part), 'a polygon', where)[0] for part in mask]
                points = [to_original(part, unit, self.declaration.frame, size, resized) for part in parts]
                return polygons_to_rle(points, height, width)
            made = self._picture(mask, where) if isinstance(mask, str) else read_mask(mask)
        except (DeclarationError, AnswerError):
            raise
        except (TypeError, ValueError) as error:
            _fail(where, f'malformed: {error}; write COCO\'s RLE with "size" [height, width] and "counts", or polygons')
        if mask_size(made) != (height, width):
            found = list(mask_size(made))
            _fail(
                where,
                f'{found} (height, width) on a picture of {[height, width]}: resize masks to the original picture',
            )
        return made

    def _picture(self, path: str, where: str) -> np.ndarray:
        file = self.folder / path
        try:
            with Image.open(file) as image:
                pixels = np.asarray(image)
        except FileNotFoundError:
            _fail(where, f'there is no file {file}: paths are relative to the folder of the answers')
        except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
            _fail(where, f'{file} cannot be read as a picture ({error}): write a PNG of one channel')
        if pixels.ndim != 2:
            _fail(where, f'{file} has {pixels.shape[-1]} channels: write a PNG of one channel, 0 outside the mask')
        return pixels > 0

    def _scores(self, values: Any, count: int, what: str, where: str) -> np.ndarray | None:
        if values is None:
            return None
        scores = self._rows([values], len(values) if isinstance(values, list) else 0, 'scores', where).reshape(-1)
        if len(scores) != count:
            _fail(where, f'{len(scores)} scores for {count} {what}: write one each')
        return scores.astype(np.float32)

    def _check_together(self, answer: ForeignAnswer, record: Mapping[str, Any], where: str) -> None:
        if not answer.parsed:  # its scores are of boxes that nobody can read
            return
        counts = [len(part) for part in (answer.boxes, answer.masks) if part is not None]
        if len(set(counts)) > 1:
            _fail(where, f'{counts[0]} boxes and {counts[1]} masks: write one mask per box, or only one kind')
        answer.scores = self._scores(record.get('scores'), counts[0] if counts else 0, 'boxes or masks', where)
        if answer.no_target and any(counts):
            _fail(where, 'no_target is true, but there are boxes or masks: leave out what does not count')


def _of_our_own(record: Mapping[str, Any], size: tuple[int, int], where: str) -> dict[str, Any]:
    """Keep of an answer of mmvg what is read here; the mask of the expression stands in for those of instances."""
    if record.get('size', [size[1], size[0]]) != [size[1], size[0]]:
        _fail(
            where,
            f'about a picture of {record["size"]} (height, width), where the data has {[size[1], size[0]]}: it was '
            'turned upright, or is another one; mmvg score CONFIG FILE turns answers of mmvg test back',
        )
    kept = {key: record[key] for key in (*CONTENT_KEYS, *QUESTION_KEYS) if key in record}
    if 'boxes' not in record and 'masks' not in record and 'mask' in record:
        kept['masks'] = [] if record.get('no_target') else [record['mask']]
    return kept


def _text_format(declaration: Declaration) -> TextFormat | None:
    name = declaration.text_format
    if name is None:
        return None
    if name not in TEXT_FORMATS:
        known = ', '.join(TEXT_FORMATS)
        raise DeclarationError(f'unknown text format {name!r}; known are {known}{suggest(name, TEXT_FORMATS)}')
    text_format = TEXT_FORMATS[name]
    if text_format.unit is not None and declaration.unit not in (None, text_format.unit):
        raise DeclarationError(
            f'the text format {name} has its numbers in {text_format.unit}, but {declaration.unit} is declared: leave '
            'the unit out, or declare a general format such as brackets'
        )
    if text_format.unit is not None and declaration.layout not in ('xyxy', text_format.layout):  # xyxy is the default
        raise DeclarationError(
            f'the text format {name} has its boxes as {text_format.layout}, but {declaration.layout} is declared: '
            'leave the layout out, or declare a general format such as brackets'
        )
    return text_format


def _plain(text: str) -> str:
    return text.strip().rstrip('.!').casefold()


def _fail(where: str, what: str) -> NoReturn:
    raise AnswerError(f'{where}: {what}')
