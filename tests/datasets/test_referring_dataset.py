import gc
import inspect
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from mmcv.transforms import LoadImageFromFile
from mmdet.datasets.samplers import AspectRatioBatchSampler
from mmengine.config import Config
from mmengine.dataset import BaseDataset, DefaultSampler
from torch.utils.data import DataLoader

from mmvg import datasets
from mmvg.config import ConfigError, check_config
from mmvg.datasets import DataError, GRefCOCODataset, RefCOCODataset, ReferringDataset
from mmvg.datasets.transforms import LoadImage

README = Path(__file__).parents[2] / 'data/README.md'
LOAD = [dict(type=LoadImageFromFile)]


def made(root, split: str = 'train', **changes) -> RefCOCODataset:
    return RefCOCODataset('refcoco', split, data_root=str(root), **{'serialize_data': False, **changes})


@pytest.mark.parametrize('serialize_data', [True, False])
def test_what_a_pipeline_does_to_an_item_stays_there(data_folder, serialize_data):
    def spoil(item: dict) -> dict:
        item['instances'][0]['bbox'][0] = -99
        item['sentences'].clear()
        return item

    dataset = made(data_folder.write(), serialize_data=serialize_data, pipeline=[spoil])
    assert dataset[0]['instances'][0]['bbox'][0] == -99
    assert dataset.get_data_info(0)['instances'][0]['bbox'] == [10, 10, 30, 30]
    assert dataset[0]['text'] == 'The left dog.'


def test_lazy_init_reads_nothing_until_it_is_asked_to(tmp_path, data_folder):
    dataset = made(tmp_path / 'data', lazy_init=True)
    data_folder.write()
    dataset.full_init()
    assert len(dataset) == 5


def test_missing_files_are_reported_before_the_pipeline_is_built(tmp_path):
    with pytest.raises(FileNotFoundError, match='make demo'):
        made(tmp_path, pipeline=[dict(type='NoSuchTransform')])


def test_indices_and_subsets_are_those_of_mmengine(data_folder):
    root = data_folder.write()
    assert [item['sent_id'] for item in made(root, indices=2, serialize_data=True)] == [1001, 1002]
    assert [item['sent_id'] for item in made(root, indices=[4, 0])] == [1005, 1001]
    assert [item['sent_id'] for item in made(root, serialize_data=True).get_subset([3, 1])] == [1004, 1002]


def test_a_dataset_can_be_pickled_for_spawned_workers(data_folder):
    dataset = pickle.loads(pickle.dumps(made(data_folder.write(), serialize_data=True)))
    assert dataset[0]['text'] == 'The left dog.'


def test_mmdet_can_group_by_aspect_ratio(data_folder):
    data_folder.images[1].update(height=80, width=60)
    data_folder.annotations[4]['segmentation']['size'] = [80, 60]
    dataset = made(data_folder.write())
    batches = list(AspectRatioBatchSampler(DefaultSampler(dataset, shuffle=False), batch_size=2))
    assert batches == [[0, 1], [2, 3], [4]]  # image 1 is wide, image 2 is high


@pytest.mark.parametrize('workers', [0, 2])
def test_sentences_are_drawn_anew_each_epoch_and_repeat_with_the_seed(data_folder, workers):
    for i in range(20):
        texts = {3000 + 10 * i + j: f'expression {j}' for j in range(8)}
        data_folder.refs.append(data_folder.ref(300 + i, 1, 11, texts))
    dataset = made(data_folder.write(), sentence_mode='random')

    def run() -> list[list[int]]:
        torch.manual_seed(5)
        loader = DataLoader(dataset, batch_size=4, num_workers=workers, collate_fn=list)
        return [[item['sent_id'] for batch in loader for item in batch] for _ in range(2)]

    first, second = run()
    assert len(first) == len(second) == 22
    assert first != second
    assert run() == [first, second]


def remove_first_image(root) -> str:
    path = root / 'images/train2014/COCO_train2014_000000000001.jpg'
    path.unlink()
    return str(path)


def test_a_missing_image_raises_with_id_and_path_in_strict_training(data_folder):
    root = data_folder.write(images=True)
    path = remove_first_image(root)
    with pytest.raises(DataError, match=r'image_id 1, ref_id 101, sent_id 1001 of refcoco train.*missing') as error:
        made(root, pipeline=LOAD)[0]
    assert path in str(error.value)


@pytest.mark.parametrize('mode', ['strict', 'tolerant'])
@pytest.mark.parametrize('test_mode', [False, True])
def test_a_missing_image_always_raises_in_an_evaluation(data_folder, mode, test_mode):
    root = data_folder.write(images=True)
    remove_first_image(root)
    with pytest.raises(DataError, match=r'image_id 1, ref_id 103, .*No sample may be missing from an evaluation'):
        made(root, 'val', mode=mode, test_mode=test_mode, pipeline=LOAD)[0]


@pytest.mark.parametrize('pipeline', [LOAD, [dict(type=LoadImage, bad_image='skip')]])
@pytest.mark.parametrize('workers', [0, 2])
def test_a_missing_image_is_replaced_and_counted_in_tolerant_training(data_folder, pipeline, workers):
    root = data_folder.write(images=True)
    remove_first_image(root)
    dataset = made(root, mode='tolerant', pipeline=pipeline)
    loader = DataLoader(dataset, batch_size=1, num_workers=workers, collate_fn=list)
    assert [batch[0]['img_id'] for batch in loader] == [2] * 5
    assert dataset.num_skipped >= 2  # two of five samples are in image 1, and another draw may hit it again


def test_a_corrupt_image_is_replaced_in_tolerant_training_and_raises_in_strict(data_folder):
    root = data_folder.write(images=True)
    (root / 'images/train2014/COCO_train2014_000000000001.jpg').write_bytes(b'')
    skipping = [dict(type=LoadImage, bad_image='skip')]
    dataset = made(root, mode='tolerant', pipeline=skipping)
    assert dataset[0]['img_id'] == 2
    assert dataset.num_skipped >= 1
    with pytest.raises(DataError, match='image_id 1'):
        made(root, pipeline=skipping)[0]


def test_no_image_at_all_ends_after_max_refetch(data_folder):
    dataset = made(data_folder.write(), mode='tolerant', pipeline=LOAD, max_refetch=7)
    with pytest.raises(Exception, match='Cannot find valid image after 7'):
        dataset[0]
    assert dataset.num_skipped == 8


def test_images_are_looked_for_while_loading_on_demand(data_folder):
    root = data_folder.write(images=True)
    assert len(made(root, check_images=True)) == 5
    path = remove_first_image(root)
    with pytest.raises(DataError, match=f'{path}: missing image file: image_id 1 of ref_id 101'):
        made(root, check_images=True)
    dataset = made(root, mode='tolerant', check_images=True)
    assert [item['ref_id'] for item in dataset] == [102, 102, 102]
    assert dataset.load_report.counts() == {'missing image file': 1}
    with pytest.raises(DataError, match='missing image file: image_id 1 of ref_id 103'):
        made(root, 'val', mode='tolerant', check_images=True)


def test_an_unknown_image_is_skipped_in_tolerant_training_only(data_folder):
    del data_folder.images[1]
    root = data_folder.write()
    assert [item['ref_id'] for item in made(root, mode='tolerant')] == [101, 101]
    with pytest.raises(DataError, match='image_id 2 of ref_id 102'):
        made(root)
    with pytest.raises(DataError, match='image_id 2 of ref_id 104'):
        made(root, 'testA', mode='tolerant')


def test_items_share_one_reading_of_an_annotation_but_not_its_memory(data_folder):
    dataset = GRefCOCODataset('train', data_root=str(data_folder.write()), serialize_data=False)
    first = dataset[0]
    first['instances'][0]['mask'][0][0] = np.nan
    assert dataset[0]['instances'][0]['mask'][0][0] == 10


COMMON = {
    name: parameter.default
    for name, parameter in inspect.signature(ReferringDataset.__init__).parameters.items()
    if parameter.kind is parameter.KEYWORD_ONLY
}
DATASETS = [value for value in vars(datasets).values() if inspect.isclass(value) and issubclass(value, BaseDataset)]


@pytest.mark.parametrize('dataset', DATASETS)
def test_every_argument_is_in_the_signature_by_name(dataset):
    parameters = inspect.signature(dataset).parameters
    assert COMMON.keys() <= parameters.keys()
    assert not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    with pytest.raises(TypeError, match='data_rot'):
        inspect.signature(dataset).bind_partial(data_rot='data')


def test_the_readme_lists_the_common_arguments_with_their_defaults():
    section = README.read_text().split('## What every dataset takes\n')[1].split('\n## ')[0]
    rows = [line.split('|') for line in section.splitlines() if line.startswith('| `')]
    assert {name.strip(' `'): default.strip(' `') for _, name, default, *_ in rows} == {
        name: repr(default) for name, default in COMMON.items()
    }


@pytest.mark.parametrize('dataset', [dataset for dataset in DATASETS if dataset is not ReferringDataset])
def test_every_argument_of_its_own_is_documented(dataset):
    own = [name for name in inspect.signature(dataset).parameters if name not in COMMON]
    documented = inspect.getdoc(dataset).partition('Args:')[2]
    assert [name for name in own if f'\n    {name}: ' not in documented] == []


def test_the_config_check_names_the_nearest_argument_of_all_datasets():
    cfg = Config(
        dict(val_dataloader=dict(dataset=dict(type=GRefCOCODataset, split='val', data_rot='data', crowds='keep')))
    )
    with pytest.raises(ConfigError) as caught:
        check_config(cfg)
    assert [problem.partition('; ')[2] for problem in caught.value.problems] == [
        "did you mean 'data_root'?",
        "did you mean 'crowd'?",
    ]


def test_a_misspelt_argument_is_refused(data_folder):
    with pytest.raises(TypeError, match="unexpected keyword argument 'check_image'"):
        made(data_folder.write(), check_image=True)


def test_a_subclass_without_further_keywords_has_no_others():
    class Fixed(ReferringDataset):
        def __init__(self, split: str) -> None:
            super().__init__('fixed', split, {}, 'images')

    assert list(inspect.signature(Fixed).parameters) == ['split']


@pytest.mark.parametrize('enabled', [True, False])
def test_the_garbage_collector_is_left_as_it_was_found(data_folder, enabled):
    before = gc.isenabled()
    try:
        (gc.enable if enabled else gc.disable)()
        root = data_folder.write()
        made(root)
        assert gc.isenabled() == enabled
        with pytest.raises(DataError):
            made(root, 'nowhere')
        assert gc.isenabled() == enabled
    finally:
        (gc.enable if before else gc.disable)()
