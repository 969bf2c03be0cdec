"""Where a run goes by default."""

from pathlib import Path

import torch

from mmvg.apis import evaluate, load_config, train
from mmvg.apis.model_index import weights_of
from mmvg.apis.run import default_work_dir
from mmvg.config import config_names
from mmvg.weights.checkpoint import load_state_dict_file

ROOT = Path(__file__).parents[2]


def test_no_two_shipped_configs_share_a_folder():
    folders = [default_work_dir(name) for name in config_names()]
    assert len(set(folders)) == len(folders) > 20


def test_a_config_is_called_by_its_paper_and_elsewhere_by_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT / 'configs/lavt')
    (tmp_path / 'mine.py').touch()
    named = [default_work_dir(str(config)) for config in ('tiny.py', 'lavt/tiny', tmp_path / 'mine.py')]
    assert named == ['work_dirs/lavt_tiny', 'work_dirs/lavt_tiny', 'work_dirs/mine']


def test_a_config_goes_on_from_the_folder_of_the_config_before_it():
    before, after = load_config('simvg/refcoco_stage1'), load_config('simvg/refcoco_stage2')
    assert Path(after.load_from).parent == Path(before.work_dir)
    assert after.work_dir == 'work_dirs/simvg_refcoco_stage2'


def test_a_training_goes_on_from_a_model_that_comes_with_mmvg(refshapes_tiny, tmp_path):
    options = dict(
        data_root=f'{refshapes_tiny}/ocid_vlg', vocab_file=f'{refshapes_tiny}/vocab.txt', train_batch_size=2,
        iterations=2, warmup=1, lr=0.0, load_from='lggd_refshapes', **{'train_cfg.val_begin': 9},
    )  # fmt: skip
    train(load_config('lggd/refshapes', options, work_dir=str(tmp_path)))
    trained, shipped = (load_state_dict_file(file) for file in (tmp_path / 'iter_2.pth', weights_of('lggd_refshapes')))
    name = next(name for name, weight in shipped.items() if weight.ndim == 4)
    torch.testing.assert_close(trained[name], shipped[name].float(), rtol=0, atol=1e-6)


def test_a_config_is_the_same_after_it_was_tested(monkeypatch):
    class Runner:
        """Stands in for the runner, and tells which files and folders the hooks of its config write."""

        @classmethod
        def from_cfg(cls, cfg):
            cls.cfg = cfg
            return cls

        @classmethod
        def test(cls):
            hooks = [*cls.cfg.default_hooks.values(), *(cls.cfg.get('custom_hooks') or [])]
            return [path for hook in hooks for key, path in hook.items() if key.startswith('out_')]

    monkeypatch.setattr('mmvg.engine.runner.GroundingRunner', Runner)
    cfg = load_config('instancevg/refshapes')
    before = cfg.to_dict()
    plain = evaluate(cfg, 'instancevg_refshapes')
    assert evaluate(cfg, 'instancevg_refshapes', out='a.json', show_dir='pictures') == [*plain, 'pictures', 'a.json']
    assert evaluate(cfg, 'instancevg_refshapes', out='b.json') == [*plain, 'b.json']
    assert cfg.to_dict() == before
