"""The data check of files in other formats, through their readers."""

import json

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from mmvg.cli.app import app
from mmvg.data_check import check_format


@pytest.fixture
def export(tmp_path):
    (tmp_path / 'images').mkdir()
    Image.fromarray(np.zeros((48, 64, 3), np.uint8)).save(tmp_path / 'images/a.png')
    boxes = '<box label="mug" xtl="1" ytl="2" xbr="30" ybr="{0}" z_order="0"/>'
    text = (
        f'<annotations><image id="0" name="a.png" subset="Train" width="64" height="48">{boxes}</image></annotations>'
    )
    file = tmp_path / 'annotations.xml'
    file.write_text(text.format(40))
    return file


def test_a_sound_file_is_counted(export):
    result = check_format('cvat', export)
    assert result.report.errors == []
    assert [tuple(row) for row in result.counts] == [('cvat', 'annotations.xml', 'train', 1, 1, 0, 1)]


def test_what_is_wrong_is_found(export):
    export.write_text(export.read_text().replace('ybr="40"', 'ybr="1"'))
    assert 'box without area' in check_format('cvat', export).report.errors[0].problem
    export.write_text(export.read_text().replace('ybr="1"', 'ybr="40"').replace('a.png', 'b.png'))
    assert check_format('cvat', export).report.errors[0].problem == 'missing image file'
    export.write_text('<annotations><image id="0" name="../a.png" width="64" height="48"/></annotations>')
    assert 'leads out of the folder' in check_format('cvat', export).report.errors[0].problem


def test_the_command_names_the_format(export):
    done = CliRunner().invoke(app, ['data', 'check', str(export), '--format', 'cvat'])
    assert done.exit_code == 0, done.output
    assert '0 errors' in done.output
    lines = export.with_name('lines.jsonl')
    answer = json.dumps([dict(bbox_2d=[10, 20, 300, 400], label='mug')])
    lines.write_text(json.dumps(dict(messages=[dict(role='assistant', content=answer)], images=['a.png'])))
    done = CliRunner().invoke(app, ['data', 'check', str(lines), '--format', 'qwen'])
    assert done.exit_code == 1
    assert 'boxes without a declared unit' in done.output
    assert (
        CliRunner().invoke(app, ['data', 'check', str(lines), '--format', 'qwen', '--unit', 'permille']).exit_code == 0
    )
