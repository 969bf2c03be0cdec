import json

import pytest

#: Four expressions about two pictures of 80 x 60 pixels: one object, the other, both, none.
LINES = [
    dict(image='a.png', expression='the mug', boxes=[[8, 6, 40, 30]]),
    dict(image='a.png', expression='the cup', boxes=[[40, 30, 72, 54]]),
    dict(image='a.png', expression='the vessels', boxes=[[8, 6, 40, 30], [40, 30, 72, 54]]),
    dict(image='b.png', expression='the dog', boxes=[], no_target=True),
]


def rectangle(x1, y1, x2, y2):
    return [[x1, y1, x2, y1, x2, y2, x1, y2]]


@pytest.fixture
def write_lines(tmp_path):
    """Function: write records as JSON lines, strings as they are, and return the path."""

    def write(name, records):
        path = tmp_path / name
        lines = [record if isinstance(record, str) else json.dumps(record) for record in records]
        path.write_text('\n'.join(lines) + '\n', encoding='utf-8')
        return path

    return write


@pytest.fixture
def truth_file(write_lines):
    """The file of ``LINES``, with masks; ids are the numbers of the lines."""
    sized = [dict(line, width=80, height=60, masks=[rectangle(*box) for box in line['boxes']]) for line in LINES]
    return write_lines('truth.jsonl', sized)
