"""The commands and the client of docs/serving.md, against a server."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from mmvg.serving.schemas import AnswerRecord

PAGE = (Path(__file__).parents[2] / 'docs/serving.md').read_text()
BLOCKS = [block.split('\n', 1) for block in PAGE.split('```')[1::2]]
COMMANDS = [shlex.split(line, comments=True) for kind, code in BLOCKS if kind == 'bash' for line in code.splitlines()]
PICTURE = 'data/refshapes/images/train2014/COCO_train2014_000000104009.jpg'


@pytest.fixture
def place(tmp_path, picture):
    (tmp_path / PICTURE).parent.mkdir(parents=True)
    Image.open(picture).convert('RGB').save(tmp_path / PICTURE)
    for kind, code in BLOCKS:
        if kind.startswith('python title='):
            (tmp_path / kind.split('"')[1]).write_text(code)
    return tmp_path


def run(command, place, address):
    words = [sys.executable if word == 'python' else word for word in command]
    words = [word.replace('http://127.0.0.1:8000', address) for word in words]
    return subprocess.run(words, cwd=place, capture_output=True, text=True, check=True).stdout


def test_every_request_of_the_page_is_answered(place, address):
    asked = [command for command in COMMANDS if command[0] != 'mmvg']
    form, models, client = [run(command, place, address) for command in asked]
    shown = next(json.loads(code) for kind, code in BLOCKS if kind == 'json')
    answer = json.loads(form)
    assert list(answer) == list(shown)
    assert [list(record) for record in answer['predictions']] == [list(shown['predictions'][0])] * 2
    assert answer['predictions'][0]['image'] == shown['predictions'][0]['image']
    assert 'limits' in json.loads(models)
    assert client.startswith('the red ring [')


def test_the_description_has_every_key_of_an_answer(place, address):
    record = json.loads(run([*COMMANDS[2], '-F', 'whole=true'], place, address))['predictions'][0]
    assert set(record) <= set(AnswerRecord.model_fields)
