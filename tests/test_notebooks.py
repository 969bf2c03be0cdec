"""The cells of the notebooks run from the first to the last."""

import io
import json
import re
from contextlib import redirect_stdout
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / 'demo/notebooks'


def run(name, folder, monkeypatch, **changes):
    """What a notebook prints; ``changes`` replace the numbers of its assignments."""
    notebook = json.loads((FOLDER / name).read_text(encoding='utf-8'))
    monkeypatch.chdir(folder)
    variables, printed = {}, io.StringIO()
    for cell in notebook['cells']:
        if cell['cell_type'] == 'code':
            code = ''.join(cell['source'])
            for variable, value in changes.items():
                code = re.sub(rf'^({variable} = )\d+', rf'\g<1>{value}', code, flags=re.MULTILINE)
            with redirect_stdout(printed):
                exec(compile(code, f'{name}: {code.splitlines()[0]}', 'exec'), variables)
    return variables, printed.getvalue()


def test_asking_needs_no_file_and_gives_boxes_masks_and_grasps(tmp_path, monkeypatch):
    variables, printed = run('ask.ipynb', tmp_path, monkeypatch)
    assert "'pink cross' means 1 objects" in printed
    assert variables['answer']['predictions'][0]['grasps']
    assert not list(tmp_path.iterdir())


def test_own_pictures_are_checked_trained_on_and_saved_as_a_model(tmp_path, monkeypatch):
    monkeypatch.setattr('tempfile.tempdir', str(tmp_path))
    variables, printed = run('train_on_your_own_pictures.ipynb', tmp_path, monkeypatch, iterations=4)
    assert '0 errors' in printed
    assert (variables['root'] / 'my_model/model.safetensors').is_file()
    assert variables['answer']['expression'] == variables['lines'][33 * 4]['expression']


@pytest.mark.parametrize('path', sorted(FOLDER.glob('*.ipynb')), ids=lambda path: path.name)
def test_a_notebook_is_of_version_4_5_and_holds_no_output(path):
    notebook = json.loads(path.read_text(encoding='utf-8'))
    assert (notebook['nbformat'], notebook['nbformat_minor']) == (4, 5)
    assert len({cell['id'] for cell in notebook['cells']}) == len(notebook['cells'])
    for cell in notebook['cells']:
        keys = {'cell_type', 'id', 'metadata', 'source'}
        assert set(cell) == keys | ({'execution_count', 'outputs'} if cell['cell_type'] == 'code' else set())
        assert not cell.get('outputs'), 'clear the outputs'


@pytest.mark.parametrize('path', sorted(FOLDER.glob('*.ipynb')), ids=lambda path: path.name)
def test_the_links_of_a_notebook_lead_somewhere(path):
    text = ' '.join(''.join(cell['source']) for cell in json.loads(path.read_text(encoding='utf-8'))['cells'])
    links = re.findall(r'\]\(\s*([^)#]+)', text.replace('\n', ''))
    assert links
    for link in links:
        assert (path.parent / link).is_file(), link
