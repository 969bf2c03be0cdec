"""Every shipped config builds, survives being saved, listens to the command line, and is what its README says."""

import re
from pathlib import Path

import pytest
import yaml
from mmengine.config import Config
from mmengine.utils import get_object_from_string
from shipped_configs import CONFIGS, FOREIGN, PAPERS, ROOT, build, config_of, parse_options, read, size, table, tables

from mmvg.config import check_config, read_config, runner_config
from mmvg.registry import MODELS


@pytest.mark.parametrize('config', CONFIGS)
def test_config_has_no_unknown_key_and_its_model_builds(config):
    assert size(build(config)) > 0 or config in FOREIGN  # reading it checks it; on the meta device no folder is read


@pytest.mark.parametrize('config', CONFIGS)
def test_a_saved_config_loads_again_and_means_the_same(config, tmp_path):
    cfg = runner_config(read(config))
    cfg.dump(tmp_path / 'saved.py')
    again = Config.fromfile(tmp_path / 'saved.py')
    assert again.to_dict() == cfg.to_dict()
    check_config(again)


@pytest.mark.parametrize('config', CONFIGS)
def test_options_of_the_command_line_reach_model_and_loaders(config):
    given = read(config).model.head.postprocess
    threshold = next(key for key, value in given.items() if key.endswith('_thr') and value is not None)
    length = '' if config in FOREIGN else 'max_length=9'
    cfg = read_config(
        ROOT / 'configs' / config,
        parse_options(f'model.head.postprocess.{threshold}=0.42 randomness.seed=7 val_batch_size=3 {length}'),
    )
    assert getattr(MODELS.build(cfg.model.head).postprocess, threshold) == 0.42
    assert cfg.randomness.seed == 7
    assert cfg.val_dataloader.batch_size == cfg.test_dataloader.batch_size == 3
    assert (cfg.train_dataloader is None) == (config in FOREIGN)
    for loader in filter(None, (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader)):
        for dataset in loader.dataset.get('datasets', [loader.dataset]):
            lengths = [step.max_length for step in dataset.pipeline if 'max_length' in step]
            assert lengths == ([] if config in FOREIGN else [9])


def test_a_misspelt_option_is_refused():
    with pytest.raises(ValueError, match=r"drop_path_rates.*did you mean 'drop_path_rate'"):
        read('instancevg/grefcoco.py', 'model.backbone.drop_path_rates=0.1')


@pytest.mark.parametrize('paper', PAPERS)
def test_the_code_that_a_readme_names_exists(paper):
    rows = table(f'{paper}/README.md', 'paper', 'what', 'code')
    names = [name for row in rows for name in re.findall(r'`(mmvg\.[\w.]+)`', row[2])]
    assert len(names) >= len(rows)
    for name in names:
        assert callable(get_object_from_string(name)), name


def metafile(paper):
    return yaml.safe_load((ROOT / f'configs/{paper}/metafile.yml').read_text(encoding='utf-8'))


@pytest.mark.parametrize('paper', PAPERS)
def test_the_results_of_a_readme_are_those_of_the_metafile(paper):
    expected = []
    for model in metafile(paper)['Models']:
        assert model['Config'].removeprefix('configs/') in CONFIGS
        for result in model['Results']:
            scores = ', '.join(f'{name} {value}' for name, value in result['Metrics'].items())
            name = Path(model['Config']).name
            seeds, hours = result.get('Seeds', ''), result.get('Hours', '')
            expected.append([f'[{name}]({name})', result['Dataset'], scores, result['Source'], str(seeds), str(hours)])
    assert table(f'{paper}/README.md', 'config', 'split', 'scores (percent)') == expected


@pytest.mark.parametrize('paper', PAPERS)
def test_results_say_where_they_come_from(paper):
    for model in metafile(paper)['Models']:
        for result in model['Results']:
            assert result['Source'] in ('paper', 'trained here', "authors' weights")
            if result['Source'] == 'trained here':
                assert {'Command', 'Hardware', 'Seeds', 'Hours'} <= set(result)


@pytest.mark.parametrize('paper', PAPERS)
def test_the_links_of_a_readme_lead_somewhere(paper):
    folder = ROOT / 'configs' / paper
    for target in re.findall(r'\]\((?!https?:)([^)#]+)\)', (folder / 'README.md').read_text(encoding='utf-8')):
        assert (folder / target).exists(), target


def option_rows():
    """Config and options of every row of a table of options."""
    for paper in PAPERS:
        for heading, rows in tables(f'{paper}/README.md').items():
            if {'config', '`--cfg-options`'} <= set(heading):
                for row in rows:
                    cells = dict(zip(heading, row, strict=False))
                    yield config_of(cells['config'], paper), cells['`--cfg-options`'].strip('`')


@pytest.mark.parametrize(('config', 'options'), sorted(set(option_rows())))
def test_the_options_of_a_row_are_accepted(config, options):
    read(config, options)
