"""Boxes out of the text of a language model, by declared formats; pure functions, one per format.

A parser takes what the model wrote and returns the boxes in the order of the text, or raises
:class:`UnparsedTextError`. It never looks for another format than its own. Where a format fixes unit and order, as the
location tokens of a model do, boxes come out as corners ``[x1, y1, x2, y2]`` in that unit, elsewhere as written.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

_NUMBER = r'[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?'
_GAP = r'\s*,\s*'
_FOUR = _GAP.join([_NUMBER] * 4)
_PAIR = rf'\(\s*{_NUMBER}{_GAP}{_NUMBER}\s*\)'
_TWO_PAIRS = re.compile(rf'{_PAIR}\s*,?\s*{_PAIR}')
_BRACKETS = re.compile(rf'\[\s*{_FOUR}(?:\s*;\s*{_FOUR})*\s*\]|\(\s*{_FOUR}\s*\)|{_TWO_PAIRS.pattern}')
_BOX_TAG = re.compile('<box>'), re.compile('</box>')
_QWEN_TAG = re.compile(r'<\|box_start\|>|<box>'), re.compile(r'<\|box_end\|>|</box>')
_LOCATION = re.compile(r'<(?:loc_?)?(\d+)>')
_FLORENCE = re.compile(r'<loc_(\d+)>')
_FLORENCE_RUN = re.compile(r'(?:<loc_\d+>)+')
_PALIGEMMA = re.compile(r'<loc(\d{4})><loc(\d{4})><loc(\d{4})><loc(\d{4})>')
_FENCE = re.compile(r'```(?:json)?\s*(.*?)(?:```|\Z)', re.DOTALL)
_JSON_OPENING = re.compile(r'[\[{]')
_OBJECT_OPENING = re.compile(r'{\s*"')
#: Numbers from here on are of no picture; models that repeat a digit without end write such.
_TOO_LARGE = 1e9
_BOX_KEYS = ('bbox_2d', 'bbox', 'box', 'box_2d')


class UnparsedTextError(ValueError):
    """The text holds no answer in its declared format."""


@dataclass(frozen=True)
class ParsedText:
    """What a text says.

    Args:
        boxes: Four numbers each, in the order of the text; empty where the text says in the form of its format, such as
            an empty list of JSON, that there is nothing.
        regions: Per region, its polygons ``[x0, y0, x1, y1, ...]``, of formats that draw.
    """

    boxes: list[list[float]] = field(default_factory=list)
    regions: list[list[list[float]]] = field(default_factory=list)


def parse_brackets(text: str) -> ParsedText:
    """Read every ``[a, b, c, d]``, ``(a, b, c, d)`` and ``(a, b), (c, d)``, whatever stands around them.

    ::

        boxes = "[" four {";" four} "]" | "(" four ")" | pair [","] pair
        four  = n "," n "," n "," n
        pair  = "(" n "," n ")"

    Shikra (arXiv:2306.15195, Sec. 4) writes fractions so, CogVLM (arXiv:2311.03079, Sec. 3.2) permille, several boxes
    as ``[[a,b,c,d;e,f,g,h]]``, and a Qwen whose special tokens were left out in decoding its pairs.

    Raises:
        UnparsedTextError: If there is no box, or a number is of no picture.

    Example:
        >>> parse_brackets('The mug is at [[10, 20, 30, 40]].').boxes
        [[10.0, 20.0, 30.0, 40.0]]
    """
    return _found([box for match in _BRACKETS.finditer(text) for box in _fours(match[0])], 'four numbers')


def parse_json(text: str) -> ParsedText:
    """Read every value of JSON, bare or in fences of Markdown: objects with a box, lists of four numbers, or ``[]``.

    ::

        answer = {prose | value}
        value  = object | four | "[" [(object | four) {"," (object | four)}] "]"
        object = "{" ... ("bbox_2d" | "bbox" | "box" | "box_2d") ":" four ... "}"
        four   = "[" n "," n "," n "," n "]"

    Qwen2.5-VL (arXiv:2502.13923, Sec. 2.2) writes ``bbox_2d`` in pixels of its resized input, Qwen3-VL in permille.
    Where there are fences, only what they hold counts. An opening bracket or brace that begins no value of JSON, as in
    ``[see note]``, is prose and passed over; so is that of a list which was cut off or damaged, whose whole entries
    count. What stands behind an object that was cut off or damaged is not read, for it may belong to it.

    Raises:
        UnparsedTextError: If there is no whole value, something in one has no box, or it is nested too deep.

    Example:
        >>> parse_json('[{"bbox_2d": [10, 20, 30, 40], "label": "mug"}]').boxes, parse_json('[]').boxes
        ([[10.0, 20.0, 30.0, 40.0]], [])
        >>> parse_json('{"box": [1, 2, 3, 4]} and [not sure] {"box": [5, 6, 7, 8]}').boxes
        [[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]
    """
    fenced = _FENCE.findall(text)
    try:
        values = [value for part in fenced or [text] for value in _json_values(part)]
        if not values:
            raise UnparsedTextError('no JSON, or only such that is damaged or cut off')
        entries = [[value] if _is_four(value) or isinstance(value, dict) else value for value in values]
        return ParsedText([_box_of(entry) for value in entries for entry in value])
    except RecursionError:
        raise UnparsedTextError('JSON that is nested too deep') from None


def parse_gemini(text: str) -> ParsedText:
    """Read JSON as :func:`parse_json`, with ``[y1, x1, y2, x2]`` in permille (``box_2d`` of the Gemini API).

    Raises:
        UnparsedTextError: If there is no JSON, or something in it has no box.

    Example:
        >>> parse_gemini('[{"box_2d": [20, 10, 40, 30], "label": "mug"}]').boxes
        [[10.0, 20.0, 30.0, 40.0]]
    """
    return ParsedText([[x1, y1, x2, y2] for y1, x1, y2, x2 in parse_json(text).boxes])


def parse_box_tags(text: str) -> ParsedText:
    """Read four numbers between ``<box>`` and ``</box>``, whatever stands between the numbers.

    Raises:
        UnparsedTextError: If there is no such pair of tags, or one holds another count of numbers.

    Example:
        >>> parse_box_tags('<box>10 20 30 40</box>').boxes
        [[10.0, 20.0, 30.0, 40.0]]
    """
    boxes = [list(map(float, re.findall(_NUMBER, inside))) for inside in _between(text, *_BOX_TAG)]
    if wrong := [box for box in boxes if len(box) != 4]:
        raise UnparsedTextError(f'a <box> of {len(wrong[0])} numbers instead of 4')
    return _found(boxes, '<box>...</box>')


def parse_location_tokens(text: str) -> ParsedText:
    """Read location tokens ``<loc_12>``, ``<loc12>`` or ``<12>``, four to a box, their numbers in the declared unit.

    Raises:
        UnparsedTextError: If there is none, or their count is no multiple of four.

    Example:
        >>> parse_location_tokens('mug<loc_10><loc_20><loc_30><loc_40>').boxes
        [[10.0, 20.0, 30.0, 40.0]]
    """
    numbers = [float(number) for number in _LOCATION.findall(text)]
    if len(numbers) % 4:
        raise UnparsedTextError(f'{len(numbers)} location tokens, not a multiple of 4')
    return _found([numbers[start : start + 4] for start in range(0, len(numbers), 4)], 'location tokens')


def parse_florence2(text: str) -> ParsedText:
    """Read boxes of Florence-2 (arXiv:2311.06242, Sec. 4.1): x1 y1 x2 y2, each of ``<loc_0>`` to ``<loc_999>``.

    A token is a bin of a thousandth of the side and stands for its centre, as the authors' processor reads it. A run of
    another length is a polygon, see :func:`parse_florence2_polygons`.

    Raises:
        UnparsedTextError: If there is no token, a run has not four, or a number is beyond 999.

    Example:
        >>> parse_florence2('mug<loc_0><loc_100><loc_499><loc_999>').boxes
        [[0.0005, 0.1005, 0.4995, 0.9995]]
    """
    runs = _florence_runs(text)
    if wrong := [run for run in runs if len(run) % 4]:
        raise UnparsedTextError(f'a run of {len(wrong[0])} location tokens, not a multiple of 4')
    return _found([run[start : start + 4] for run in runs for start in range(0, len(run), 4)], '<loc_...>')


def parse_florence2_polygons(text: str) -> ParsedText:
    """Read polygons of Florence-2's referring segmentation: x and y in turn, ``<sep>`` between parts of one region.

    Raises:
        UnparsedTextError: If there is no token, or a run is not an even number, 6 or more.

    Example:
        >>> parse_florence2_polygons('<loc_0><loc_0><loc_9><loc_0><loc_9><loc_9>').regions
        [[[0.0005, 0.0005, 0.0095, 0.0005, 0.0095, 0.0095]]]
    """
    runs = _florence_runs(text)
    if wrong := [run for run in runs if len(run) < 6 or len(run) % 2]:
        raise UnparsedTextError(f'a polygon of {len(wrong[0])} location tokens')
    if not runs:
        raise UnparsedTextError('no <loc_...>')
    return ParsedText(regions=[runs])


def parse_paligemma(text: str) -> ParsedText:
    """Read boxes of PaliGemma (arXiv:2407.07726, Sec. 3.2): ``<locY1><locX1><locY2><locX2>``, four digits of 1024 bins.

    Its masks (``<seg...>``) are codes of an auto-encoder, which nothing here decodes.

    Raises:
        UnparsedTextError: If there is no box, or a number is beyond 1023.

    Example:
        >>> parse_paligemma('<loc0256><loc0000><loc0512><loc1023> mug').boxes
        [[0.0, 0.25, 0.9990234375, 0.5]]
    """
    rows = [[int(number) for number in match] for match in _PALIGEMMA.findall(text)]
    if beyond := [number for row in rows for number in row if number > 1023]:
        raise UnparsedTextError(f'<loc{beyond[0]}> is beyond the 1024 bins')
    return _found([[x1 / 1024, y1 / 1024, x2 / 1024, y2 / 1024] for y1, x1, y2, x2 in rows], '<loc....>')


def parse_qwen(text: str) -> ParsedText:
    """Read ``<box>(x1,y1),(x2,y2)</box>`` of Qwen-VL and ``<|box_start|>...<|box_end|>`` of Qwen2-VL, in permille.

    Sources: arXiv:2308.12966, Sec. 2.1; arXiv:2409.12191, Sec. 2.2. The JSON of later ones is ``json``.

    Raises:
        UnparsedTextError: If there is no such pair of tags, or one holds anything but two pairs.

    Example:
        >>> parse_qwen('<|object_ref_start|>mug<|object_ref_end|><|box_start|>(10,20),(30,40)<|box_end|>').boxes
        [[10.0, 20.0, 30.0, 40.0]]
    """
    boxes = []
    for inside in _between(text, *_QWEN_TAG):
        if not (pairs := _TWO_PAIRS.findall(inside)):
            raise UnparsedTextError('a box without (x1,y1),(x2,y2)')
        boxes += [box for pair in pairs for box in _fours(pair)]
    return _found(boxes, '<|box_start|>...<|box_end|>')


def parse_internvl(text: str) -> ParsedText:
    """Read ``<box>[[x1, y1, x2, y2], ...]</box>`` of InternVL (arXiv:2404.16821), in permille.

    Raises:
        UnparsedTextError: If there is no such pair of tags, or one holds no box.

    Example:
        >>> parse_internvl('<ref>mugs</ref><box>[[10, 20, 30, 40], [50, 20, 70, 40]]</box>').boxes
        [[10.0, 20.0, 30.0, 40.0], [50.0, 20.0, 70.0, 40.0]]
    """
    return _found(
        [box for inside in _between(text, *_BOX_TAG) for box in parse_brackets(inside).boxes], '<box>[[...]]</box>'
    )


@dataclass(frozen=True)
class TextFormat:
    """A way in which models write boxes.

    Args:
        parse: Text -> what it says.
        unit: Of the numbers; None if it has to be declared.
        layout: What the four numbers are in the text, where the format fixes the unit; ``parse`` returns corners.
    """

    parse: Callable[[str], ParsedText]
    unit: str | None = None
    layout: str = 'xyxy'


#: Name of a declared format -> how it is read.
TEXT_FORMATS = {
    'brackets': TextFormat(parse_brackets),
    'json': TextFormat(parse_json),
    'box_tags': TextFormat(parse_box_tags),
    'location_tokens': TextFormat(parse_location_tokens),
    'florence2': TextFormat(parse_florence2, 'fraction'),
    'florence2_polygons': TextFormat(parse_florence2_polygons, 'fraction'),
    'paligemma': TextFormat(parse_paligemma, 'fraction', 'yxyx'),
    'qwen': TextFormat(parse_qwen, 'permille'),
    'internvl': TextFormat(parse_internvl, 'permille'),
    'gemini': TextFormat(parse_gemini, 'permille', 'yxyx'),
}


def _found(boxes: list[list[float]], what: str) -> ParsedText:
    if not boxes:
        raise UnparsedTextError(f'no {what}')
    if any(abs(number) >= _TOO_LARGE for box in boxes for number in box):
        raise UnparsedTextError('a number that is of no picture')
    return ParsedText(boxes)


def _fours(text: str) -> list[list[float]]:
    """Return the numbers in a text, four by four."""
    numbers = [float(number) for number in re.findall(_NUMBER, text)]
    return [numbers[start : start + 4] for start in range(0, len(numbers), 4)]


def _between(text: str, opening: re.Pattern, closing: re.Pattern) -> list[str]:
    """Return what stands between each closing tag and the first opening one before it, in linear time."""
    parts = closing.split(text)[:-1]
    return [part[tag.end() :] for part in parts if (tag := opening.search(part))]


def _florence_runs(text: str) -> list[list[float]]:
    """Return the centres of the bins, run by run, as fractions."""
    found = _FLORENCE_RUN.findall(text)
    runs = [list(map(float, _FLORENCE.findall(run))) for run in found]  # int() refuses 5000 digits
    if beyond := [number for run in runs for number in run if number > 999]:
        raise UnparsedTextError(f'<loc_{beyond[0]:g}> is beyond the 1000 bins')
    return [[(number + 0.5) / 1000 for number in run] for run in runs]


def _json_values(text: str) -> list[Any]:
    """Return the objects and lists in a text, up to an object that is damaged or cut off."""
    decoder = json.JSONDecoder(parse_int=float)  # int() refuses 5000 digits
    values: list[Any] = []
    place = 0
    while opening := _JSON_OPENING.search(text, place):
        try:
            value, place = decoder.raw_decode(text, opening.start())
            values.append(value)
        except json.JSONDecodeError:
            if _OBJECT_OPENING.match(text, opening.start()):
                break
            place = opening.end()
    return values


def _is_four(value: Any) -> bool:
    return (
        isinstance(value, list) and len(value) == 4 and all(isinstance(n, float) and abs(n) < _TOO_LARGE for n in value)
    )


def _box_of(entry: Any) -> list[float]:
    """Return the box of an entry of an answer."""
    box = next((entry[key] for key in _BOX_KEYS if key in entry), None) if isinstance(entry, dict) else entry
    if not _is_four(box):
        raise UnparsedTextError(f'{json.dumps(entry)[:60]} has no box of four numbers')
    return box
