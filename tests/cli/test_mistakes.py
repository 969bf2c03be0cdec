"""Whatever is handed over in place of what is meant ends in a sentence and exit code 2, before a model is loaded."""

import os

import cv2
import numpy as np
import pytest

from mmvg.cli import main


class LoadedError(Exception):
    """A model was loaded: the work had begun."""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Pictures, films and what is none of them."""
    monkeypatch.chdir(tmp_path)
    picture = np.zeros((40, 40, 3), np.uint8)
    cv2.imwrite('scene.png', picture)
    film = cv2.VideoWriter('film.mp4', cv2.VideoWriter.fourcc(*'mp4v'), 5, (40, 40))
    for _ in range(3):
        film.write(picture)
    film.release()
    (tmp_path / 'notes.txt').write_text('notes')
    (tmp_path / 'notes.mp4').write_text('notes')
    (tmp_path / 'empty.png').touch()
    (tmp_path / 'a.svg').write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    for name in ('pictures', 'nothing', 'results.json'):
        (tmp_path / name).mkdir()
    cv2.imwrite('pictures/a.png', picture)
    os.mkfifo(tmp_path / 'pipe.png')
    return tmp_path


@pytest.fixture(autouse=True)
def no_work(monkeypatch):
    def load(*_, **__):
        raise LoadedError

    monkeypatch.setattr('mmvg.apis.inferencer.open_model', load)


PICTURES = [
    ('gone.png ring', 'there is no such picture'),
    ('nothing ring', 'no picture in it'),
    ('notes.txt ring', 'is not a picture but text'),
    ('empty.png ring', 'the file is empty'),
    ('a.svg ring', 'SVG drawing'),
    ('pipe.png ring', 'there is no such picture'),
    ('film.mp4 ring', 'is a film; ask about it with: mmvg demo video'),
    ('ring scene.png', 'the file stands before the sentences'),
    ('http://127.0.0.1:1/a.png ring', 'addresses are not fetched unless asked for'),
    ('scene.png ...', 'no word in it'),
    ('scene.png ""', 'no word in it'),
    (f'scene.png {"ring" * 1000}', 'at most 2000 are read'),
    ('scene.png', 'Missing argument'),
    ('scene.png ring --score-thr 70', 'must be a number in [0, 1], not 70.0'),
    ('scene.png ring --score-thr nan', 'must be a number in [0, 1], not nan'),
    ('scene.png ring --score-thr high', '--score-thr'),
    ('scene.png ring --batch-size 0', '--batch-size'),
    ('scene.png ring --batch-size 2.5', '--batch-size'),
    ('scene.png ring --device gpu', "device 'gpu' is not there"),
    ('scene.png ring --json results.json', '--json results.json is a folder; name a file'),
    ('scene.png ring --json notes.txt/a.json', '--json: notes.txt is a file, not a folder'),
    ('scene.png ring --json scene.png', '--json scene.png is the file that is asked about'),
    ('scene.png ring --json pictures/../scene.png', 'is the file that is asked about'),
    ('scene.png ring --out-dir scene.png', '--out-dir: scene.png is a file, not a folder'),
]
FILMS = [
    ('gone.mp4 ring --out a.mp4', 'there is no such film'),
    ('pictures ring --out a.mp4', 'there is no such film'),
    ('notes.mp4 ring --out a.mp4', 'is not a film'),
    ('ring film.mp4 --out a.mp4', 'the file stands before the sentences'),
    ('1000000 ring --out a.mp4', 'cameras are numbered from 0 to 999'),
    ('-1 ring --out a.mp4', '-1'),
    ('\u00b2 ring --out a.mp4', 'there is no such film'),
    ('\u0663 ring --out a.mp4', 'cameras are numbered from 0 to 999'),
    ('film.mp4 ring', 'give --out, --json, or both'),
    ('film.mp4 ... --out a.mp4', 'no word in it'),
    ('film.mp4 ring --out a.gif', 'a film is written as .mp4, .avi, .mkv'),
    ('film.mp4 ring --out film.mp4', 'is the file that is asked about'),
    ('film.mp4 ring --json film.mp4', 'is the file that is asked about'),
    ('film.mp4 ring --json results.json', 'is a folder; name a file'),
    ('film.mp4 ring --out notes.txt/a.mp4', 'notes.txt is a file, not a folder'),
    ('film.mp4 ring --out a.mp4 --every 0', 'every must be 1 or more, not 0'),
    ('film.mp4 ring --out a.mp4 --max-frames -3', 'max_frames must be 1 or more, not -3'),
    ('film.mp4 ring --out a.mp4 --batch-size 0', '--batch-size'),
    ('film.mp4 ring --out a.mp4 --score-thr 2', 'must be a number in [0, 1], not 2.0'),
]
PAGES = [
    ('--port 0', '--port'),
    ('--port 99999', '--port'),
    ('--max-sentences 0', 'the limit sentences must be more than 0'),
    ('--max-megapixels nan', 'the limit megapixels must be more than 0'),
    ('--max-waiting -1', 'the limit waiting must be more than 0'),
]
MISTAKES = [
    *((f'demo image {words} --checkpoint x.pth', message) for words, message in PICTURES),
    *((f'demo video {words} --checkpoint x.pth', message) for words, message in FILMS),
    *((f'demo web {words} --checkpoint x.pth', message) for words, message in PAGES),
    ('demo image scene.png ring', 'give --checkpoint, --config, or both'),
]


@pytest.mark.parametrize(('words', 'message'), MISTAKES, ids=[words[:60] for words, _ in MISTAKES])
def test_a_mistake_ends_in_a_sentence_before_a_model_is_loaded(words, message, folder, capsys):
    before = {path: path.stat().st_mtime_ns for path in folder.rglob('*')}
    with pytest.raises(SystemExit) as end:
        main([word if word != '""' else '' for word in words.split(' ')])
    said = capsys.readouterr().err
    assert end.value.code == 2, said
    assert message in ' '.join(said.replace('\u2502', ' ').split())
    assert 'Traceback' not in said
    assert {path: path.stat().st_mtime_ns for path in folder.rglob('*')} == before


@pytest.mark.parametrize(
    'words',
    [
        'image scene.png ring',
        'image pictures ring --json new/a.json --out-dir new',
        'video film.mp4 ring --out new/a.avi',
    ],
)
def test_what_is_right_begins_to_work(words, folder):
    with pytest.raises(LoadedError):
        main([*f'demo {words} --checkpoint x.pth'.split()])
