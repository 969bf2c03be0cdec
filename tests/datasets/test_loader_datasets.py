"""What a config reads is found in any loader and wrapper, and none of it is lost."""

import json

import pytest
from mmengine.config import Config

from mmvg.cli import main
from mmvg.datasets.loader_datasets import datasets_of_loaders, pipeline_of_loader


@pytest.fixture
def of(refshapes_tiny):
    """Function: the settings of a dataset of RefShapes."""

    def of(split, name='rrefcoco', kind='mmvg.RRefDataset'):
        return dict(
            type=kind, dataset=name, split=split, data_root=str(refshapes_tiny), pipeline=[dict(type='mmvg.LoadImage')]
        )

    return of


def loaders(**datasets):
    return Config({f'{name}_dataloader': dict(dataset=dataset) for name, dataset in datasets.items()})


def test_datasets_inside_of_others_are_found(of):
    both = dict(type='ConcatDataset', ignore_keys=['dataset'], datasets=[of('train'), of('train', 'rrefcoco+')])
    found = datasets_of_loaders(loaders(train=dict(type='RepeatDataset', times=2, dataset=both), test=of('val')))
    assert list(found) == ['rrefcoco_train', 'rrefcoco+_train', 'val']
    assert list(datasets_of_loaders(loaders(train=both), ['val'])) == []


def test_the_pipeline_of_joined_data_sets_is_the_one_that_they_share(of):
    both = dict(type='ConcatDataset', datasets=[of('train'), of('val')])
    assert pipeline_of_loader(loaders(test=both), 'test') == [dict(type='mmvg.LoadImage')]
    both['datasets'][1]['pipeline'] = [dict(type='mmvg.LoadImage', orientation='upright')]
    with pytest.raises(ValueError, match=r'test_dataloader\.dataset: joins data sets whose pipelines differ'):
        pipeline_of_loader(loaders(test=both), 'test')
    with pytest.raises(ValueError, match='the config has no val_dataloader'):
        pipeline_of_loader(loaders(test=both), 'val')


def test_no_loader_is_lost_when_two_read_a_split_of_one_name(of):
    refcoco, plus = (of('val', name, 'mmvg.RefCOCODataset') for name in ('refcoco', 'refcoco+'))
    found = datasets_of_loaders(loaders(train=refcoco, val=plus, test=of('val')))
    assert {key: dataset.name for key, dataset in found.items()} == dict(
        val='refcoco', val_2='refcoco+', test='rrefcoco'
    )
    assert list(datasets_of_loaders(loaders(val=plus, test=plus))) == ['val']


def test_commands_convert_and_pack_a_config_with_wrappers(of, tmp_path):
    both = dict(type='ConcatDataset', ignore_keys=['dataset'], datasets=[of('val'), of('val', 'rrefcoco+')])
    loaders(val=both).dump(tmp_path / 'config.py')
    main(['data', 'convert', str(tmp_path / 'config.py'), '--out', str(tmp_path / 'all.jsonl')])
    lines = [json.loads(line) for line in (tmp_path / 'all.jsonl').read_text().splitlines()]
    assert {line['split'] for line in lines} == {'rrefcoco_val', 'rrefcoco+_val'}
    main(['data', 'pack', str(tmp_path / 'config.py'), '--to', 'webdataset', '--out', str(tmp_path / 'tars')])
    assert json.loads((tmp_path / 'tars/index.json').read_text())['pictures'] == len({line['image'] for line in lines})
