"""What a checkpoint of a training carries, so that it can be asked anywhere."""

import numpy as np
import pytest

from mmvg.apis import GroundingInferencer, evaluate, load_config, train
from mmvg.config import to_data
from mmvg.weights import load_checkpoint_file
from mmvg.weights.carried_files import decode_files


@pytest.fixture(scope='module')
def trained(refshapes_tiny, tmp_path_factory):
    """A checkpoint of one iteration, made in a folder that has the data where the config says."""
    folder = tmp_path_factory.mktemp('training')
    (folder / 'data').mkdir()
    (folder / 'data/refshapes_tiny').symlink_to(refshapes_tiny)
    options = {'train_cfg.max_iters': 1, 'train_cfg.val_interval': 10, 'default_hooks.checkpoint.interval': 1}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        train(load_config('instancevg/tiny', {**options, 'train_dataloader.batch_size': 2}))
    return folder / 'work_dirs/instancevg_tiny/iter_1.pth'


def test_the_config_is_data_with_every_part_by_name(trained):
    cfg = load_checkpoint_file(trained)['meta']['cfg']
    assert cfg['model']['type'] == 'mmvg.models.Grounder'
    assert cfg['model'] == to_data(load_config('instancevg/tiny').model)


def test_the_vocabulary_travels_along(trained, refshapes_tiny):
    meta = load_checkpoint_file(trained)['meta']
    vocabulary = (refshapes_tiny / 'vocab.txt').read_bytes()
    assert decode_files(meta['files'], trained) == {'data/refshapes_tiny/vocab.txt': vocabulary}


def test_it_answers_where_there_is_no_vocabulary_and_its_own_comes_before_another_one(trained, tmp_path, monkeypatch):
    here = tmp_path / 'moved.pth'
    here.write_bytes(trained.read_bytes())
    monkeypatch.chdir(tmp_path)
    picture = np.zeros((40, 40, 3), np.uint8)
    find = GroundingInferencer(here, device='cpu')
    before = find(picture, 'the red ring')['predictions']
    (tmp_path / 'data/refshapes_tiny').mkdir(parents=True)
    (tmp_path / 'data/refshapes_tiny/vocab.txt').write_text('[PAD]\n[UNK]\n[BOS]\n[EOS]\nring\nred\n')
    assert GroundingInferencer(here, device='cpu')(picture, 'the red ring')['predictions'] == before
    assert find.cfg.test_dataloader.dataset.pipeline[-2].tokenizer.vocab_file == 'data/refshapes_tiny/vocab.txt'


def test_a_model_folder_is_scored_as_its_checkpoint_is(trained, refshapes_tiny, tmp_path):
    GroundingInferencer(trained, device='cpu').save_pretrained(tmp_path / 'folder')
    scores = []
    for weights in (trained, tmp_path / 'folder'):
        options = {'data_root': str(refshapes_tiny), 'vocab_file': str(refshapes_tiny / 'vocab.txt')}
        cfg = load_config('instancevg/tiny', options, str(tmp_path / f'run_{len(scores)}'))
        scores.append(evaluate(cfg, str(weights)))
    assert scores[0] == scores[1]
    assert scores[0]


def test_a_work_dir_stands_for_its_latest_checkpoint(trained):
    assert GroundingInferencer(trained.parent, device='cpu').cfg.model.type == 'mmvg.models.Grounder'
