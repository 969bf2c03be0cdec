import hashlib
import json
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmvg.pictures import write_image
from mmvg.refshapes import SIZES, WRITERS, DatasetConflictError, generate
from mmvg.refshapes.attributes import HELD_OUT

COMMAND = Path(__file__).parents[2] / 'tools' / 'dataset_converters' / 'refshapes.py'


def digest(root):
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob('*'))
        if path.is_file()
    }


def test_the_same_seed_gives_the_same_bytes_with_one_and_with_two_processes(tiny, tmp_path):
    generate(tmp_path / 'again', 'tiny', seed=0, workers=2)
    assert digest(tmp_path / 'again') == digest(tiny)


def test_another_seed_gives_other_pictures_and_sentences(tiny, tmp_path):
    generate(tmp_path / 'other', 'tiny', seed=1, formats=['grefcoco'], workers=1)
    ours, theirs = digest(tiny), digest(tmp_path / 'other')
    same = [name for name, value in theirs.items() if ours.get(name) == value]
    assert same == ['vocab.txt']


def test_a_format_does_not_depend_on_which_others_are_written_and_can_be_added_later(tiny, tmp_path):
    root = tmp_path / 'some'
    generate(root, 'tiny', seed=0, formats=['refcoco'], workers=1)
    assert not (root / 'grefcoco').exists()
    some, everything = digest(root), digest(tiny)
    differing = {name for name in some if some[name] != everything[name]}
    assert differing == {'refshapes.json'}
    generate(root, 'tiny', seed=0, formats=[name for name in WRITERS if name != 'refcoco'], workers=1)
    assert digest(root) == everything


def test_a_complete_data_set_is_left_alone(tiny):
    before = {path: path.stat().st_mtime_ns for path in tiny.rglob('*')}
    assert generate(tiny, 'tiny', seed=0) == []
    assert {path: path.stat().st_mtime_ns for path in tiny.rglob('*')} == before


def test_another_data_set_is_replaced_by_force_only(tmp_path):
    root = tmp_path / 'data'
    generate(root, 'tiny', seed=3, workers=1)
    (root / 'notes.txt').write_text('mine')
    with pytest.raises(DatasetConflictError, match=r'version .*size tiny, seed 3;.*--force'):
        generate(root, 'tiny', seed=4)
    generate(root, 'tiny', seed=4, formats=['grefcoco'], workers=1, force=True)
    assert json.loads((root / 'refshapes.json').read_text())['seed'] == 4
    assert not (root / 'refcoco').exists()
    assert (root / 'notes.txt').read_text() == 'mine'


@pytest.mark.parametrize('force', [False, True])
def test_a_folder_with_other_data_is_never_touched(tmp_path, force):
    (tmp_path / 'grefcoco').mkdir()
    (tmp_path / 'grefcoco' / 'instances.json').write_text('real')
    with pytest.raises(DatasetConflictError, match='not written by RefShapes'):
        generate(tmp_path, 'tiny', seed=0, force=force)
    assert (tmp_path / 'grefcoco' / 'instances.json').read_text() == 'real'


def stop(done, total):
    raise KeyboardInterrupt


def test_an_interrupted_run_leaves_no_stamp_and_is_finished_by_the_next(tiny, tmp_path):
    root = tmp_path / 'data'
    with pytest.raises(KeyboardInterrupt):
        generate(root, 'tiny', seed=0, workers=1, progress=stop)
    assert not (root / 'refshapes.json').exists()
    generate(root, 'tiny', seed=0, formats=['refcoco'], workers=1)  # those that were begun as well
    assert digest(root) == digest(tiny)


@pytest.mark.parametrize('wrong', [dict(seed=-1), dict(workers=0), dict(formats=[]), dict(formats=['refclef'])])
def test_what_cannot_be_drawn_is_refused_before_anything_is_removed(tiny, tmp_path, wrong):
    root = shutil.copytree(tiny, tmp_path / 'data')
    with pytest.raises(ValueError, match=next(iter(wrong)).removesuffix('s')):
        generate(root, 'tiny', **{'seed': 5, 'force': True} | wrong)
    assert digest(root) == digest(tiny)


def test_a_removal_that_was_interrupted_leaves_nothing_that_passes_as_complete(tiny, tmp_path, monkeypatch):
    root = shutil.copytree(tiny, tmp_path / 'data')
    with monkeypatch.context() as patch:
        patch.setattr('mmvg.refshapes.drawn_folder.shutil.rmtree', lambda path: stop(0, 0))
        with pytest.raises(KeyboardInterrupt):
            generate(root, 'tiny', seed=5, force=True)
    shutil.rmtree(root / 'images')
    generate(root, 'tiny', seed=0, formats=['refcoco'], workers=1)
    assert digest(root) == digest(tiny)


@pytest.mark.parametrize('content', ['', '{"name": "RefSh', '[]'])
def test_a_damaged_stamp_says_nothing_and_is_replaced_by_force(tmp_path, content):
    (tmp_path / 'refshapes.json').write_text(content)
    with pytest.raises(DatasetConflictError, match=r'holds RefShapes that cannot be read; asked for is.*--force'):
        generate(tmp_path, 'tiny', formats=['refcoco'], workers=1)
    generate(tmp_path, 'tiny', formats=['refcoco'], workers=1, force=True)
    assert json.loads((tmp_path / 'refshapes.json').read_text())['formats'] == ['refcoco']


def test_a_picture_that_cannot_be_written_ends_the_run(tmp_path):
    (tmp_path / 'a.png').mkdir()
    with pytest.raises(OSError, match=r'a\.png'):
        write_image(tmp_path / 'a.png', np.zeros((2, 2), np.uint8))


def test_unknown_names_are_refused_with_the_known_ones(tmp_path):
    with pytest.raises(ValueError, match="size must be 'tiny', 'small' or 'full', not 'huge'"):
        generate(tmp_path / 'x', 'huge')
    with pytest.raises(ValueError, match='refclef'):
        generate(tmp_path / 'x', 'tiny', formats=['refclef'])
    assert not (tmp_path / 'x').exists()


def test_images_are_readable_and_as_large_as_announced(tiny):
    images = json.loads((tiny / 'grefcoco' / 'instances.json').read_text())['images']
    assert len(images) == sum(SIZES['tiny'].images.values())
    for entry in images:
        image = cv2.imread(str(tiny / 'images' / 'train2014' / entry['file_name']))
        assert image.shape == (entry['height'], entry['width'], 3)
        assert entry['file_name'] == f'COCO_train2014_{entry["id"]:012d}.jpg'


def test_scenes_hold_attributes_and_held_out_ones_in_testb_only(tiny):
    scenes = [json.loads(line) for line in (tiny / 'scenes.jsonl').read_text().splitlines()]
    assert Counter(scene['split'] for scene in scenes) == SIZES['tiny'].images
    for scene in scenes:
        rare = [item for item in scene['objects'] if (item['colour'], item['shape']) in HELD_OUT]
        assert bool(rare) == (scene['split'] == 'testB')


def test_the_vocabulary_starts_with_the_special_words(tiny):
    words = (tiny / 'vocab.txt').read_text().splitlines()
    assert words[:4] == ['[PAD]', '[UNK]', '[BOS]', '[EOS]']
    assert len(words) == len(set(words))
    assert {'red', 'hammers', 'leftmost', 'second', 'and'} <= set(words)


def test_the_command_writes_once_and_reports_conflicts(tmp_path):
    def run(*args):
        command = [sys.executable, str(COMMAND), '--out', str(tmp_path / 'data'), '--size', 'tiny', *args]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=COMMAND.parents[2])

    start = time.perf_counter()
    first = run('--formats', 'grefcoco', '--workers', '1')
    assert first.returncode == 0, first.stderr
    assert 'no target' in first.stdout
    assert '44 images' in first.stdout
    again = run('--formats', 'grefcoco')
    assert 'nothing to do' in again.stdout
    other = run('--seed', '9')
    assert other.returncode == 1
    assert '--force' in other.stderr
    assert time.perf_counter() - start < 60
