"""Where a run goes by default."""

from pathlib import Path

from mmvg.apis import load_config
from mmvg.apis.run import default_work_dir
from mmvg.config import config_names

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
