import os

import pytest

from mmvg.apis.model_index import pretrained_models
from mmvg.webpage import ModelChoice, find_choices


def touch(path, age=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b'')
    os.utime(path, (1_000_000 - age,) * 2)
    return path


def test_the_checkpoint_of_the_demo_comes_first_and_then_the_newest(tmp_path):
    old = touch(tmp_path / 'grefcoco/epoch_1.pth', age=50)
    new = touch(tmp_path / 'grefcoco/best.safetensors', age=5)
    demo = touch(tmp_path / 'instancevg_refshapes/iter_1200.pth', age=99)
    (demo.parent / 'last_checkpoint').write_text('/moved/since/iter_1200.pth')
    touch(tmp_path / 'grefcoco/notes.txt')
    assert [choice.model for choice in find_choices(tmp_path)][:3] == [str(demo), str(new), str(old)]
    mine = ModelChoice('configs/mine.py', str(old))
    choices = find_choices(tmp_path, [mine])
    assert choices[0] == mine
    assert len({choice.label for choice in choices}) == len(choices)


def test_links_to_checkpoints_that_are_gone_and_folders_are_passed_over(tmp_path):
    there = touch(tmp_path / 'run/epoch_1.pth')
    (tmp_path / 'run/best.pth').symlink_to(tmp_path / 'run/deleted.pth')
    (tmp_path / 'run/round.pth').symlink_to(tmp_path / 'run/round.pth')
    (tmp_path / 'run/folder.pth').mkdir()
    os.mkfifo(tmp_path / 'run/pipe.pth')
    assert [choice.model for choice in find_choices(tmp_path)] == [str(there), *pretrained_models()]


def test_the_page_names_models_without_the_folders_of_the_machine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert ModelChoice('work_dirs/run/epoch_1.pth').label == 'work_dirs/run/epoch_1.pth'
    assert ModelChoice(str(tmp_path / 'work_dirs/a.pth')).label == 'work_dirs/a.pth'
    assert ModelChoice('/data/of/somebody/run/best.pth').label == 'somebody/run/best.pth'
    assert ModelChoice('/data/my.py', '/data/of/somebody/run/best.pth').label == 'somebody/run/best.pth (my.py)'


def test_without_any_checkpoint_it_says_how_to_get_one(tmp_path, monkeypatch):
    monkeypatch.setattr('mmvg.webpage.checkpoints.model_index', dict)
    monkeypatch.setattr('mmvg.webpage.checkpoints.pretrained_models', list)
    with pytest.raises(FileNotFoundError, match='make train'):
        find_choices(tmp_path)


def test_models_of_the_index_are_offered_where_their_weights_are_there(tmp_path, monkeypatch):
    weights = touch(tmp_path / 'b.pth')
    found = dict(a={}, b=dict(Weights=str(weights)), c=dict(Weights=str(tmp_path / 'gone.pth')))
    monkeypatch.setattr('mmvg.webpage.checkpoints.model_index', lambda: found)
    assert find_choices(tmp_path / 'empty') == [ModelChoice('b'), *map(ModelChoice, pretrained_models())]
