import json

import cv2
import numpy as np
import pytest
from pycocotools import mask as coco_mask

from mmvg.datasets import DataError, PhraseCutDataset
from mmvg.datasets.phrasecut import RELEASED_COUNTS
from mmvg.registry import DATASETS

HEIGHT, WIDTH = 60, 80


def square(x, y, side):
    """Four points; the mask that PhraseCut draws is ``side + 1`` pixels wide."""
    return [[x, y], [x + side, y], [x + side, y + side], [x, y + side]]


def structure(name='dog', attributes=(), relations=()):
    return dict(
        name=name,
        attributes=list(attributes),
        relation_ids=list(range(len(relations))),
        relation_descriptions=[list(relation) for relation in relations],
        type='attribute' if attributes else 'name',
    )


def task(image_id, ann_ids, phrase, boxes, polygons, **changes):
    made = dict(
        task_id=f'{image_id}__{"_".join(map(str, ann_ids))}',
        image_id=image_id,
        ann_ids=list(ann_ids),
        instance_boxes=boxes,
        Polygons=polygons,
        phrase=phrase,
        phrase_structure=structure(phrase.split()[-1], phrase.split()[:-1]),
    )
    return {**made, **changes}


class Folder:
    """A PhraseCut folder that a test may change before :meth:`write`."""

    def __init__(self, root):
        self.root = root
        self.images = [
            dict(image_id=i, width=WIDTH, height=HEIGHT, url='', coco_id=None, flickr_id=None, split='train')
            for i in (7, 8)
        ]
        self.tasks = {
            'train': [
                task(7, [1], 'red dog', [[10, 12, 21, 21]], [[square(10.6, 12.2, 20)]]),
                task(
                    7,
                    [2, 3],
                    'cats',
                    [[0, 0, 11, 11], [40, 20, 31, 31]],
                    [[square(0, 0, 10)], [square(40, 20, 10), square(60, 40, 10)]],
                ),
            ],
            'val': [task(8, [4], 'a tree', [[5, 5, 6, 6]], [[square(5, 5, 5)]])],
            'miniv': [task(8, [5], 'green sky', [[20, 5, 6, 6]], [[square(20, 5, 5)]])],
        }

    def write(self, images=False):
        folder = self.root / 'VGPhraseCut_v0'
        (folder / 'images').mkdir(parents=True)
        (folder / 'image_data_split3000.json').write_text(json.dumps(self.images))
        for split, tasks in self.tasks.items():
            (folder / f'refer_{split}.json').write_text(json.dumps(tasks))
        (folder / 'images/0.jpg').touch()
        if images:
            for image in self.images:
                pixels = np.zeros((image['height'], image['width'], 3), np.uint8)
                assert cv2.imwrite(str(folder / f'images/{image["image_id"]}.jpg'), pixels)
        return self.root


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path / 'data')


def made(root, split='train', **changes):
    return PhraseCutDataset(split, data_root=str(root), serialize_data=False, **changes)


def test_an_item_per_task_with_the_union_of_all_polygons_of_an_instance(folder):
    root = folder.write()
    dataset = made(root)
    assert [(item['ref_id'], item['sent_id'], item['text'], item['task_id']) for item in dataset] == [
        (0, 0, 'red dog', '7__1'),
        (1, 1, 'cats', '7__2_3'),
    ]
    first, second = dataset
    assert first['img_path'] == str(root / 'VGPhraseCut_v0/images/7.jpg')
    assert (first['height'], first['width'], first['img_id'], first['dataset']) == (HEIGHT, WIDTH, 7, 'phrasecut')
    assert first['no_target'] is False
    assert first['phrase_structure'] == structure('dog', ['red'])
    assert first['instances'][0]['bbox'] == [10, 12, 31, 33]
    mask = coco_mask.decode(first['instances'][0]['mask'])
    assert mask.shape == (HEIGHT, WIDTH)
    assert mask[12:33, 10:31].all()  # cut to (10, 12), and 21 pixels wide with its outline
    assert mask.sum() == 21 * 21
    assert [coco_mask.area(instance['mask']) for instance in second['instances']] == [121, 242]


def test_reading_an_item_twice_gives_the_same(folder):
    dataset = made(folder.write())
    assert dataset.get_data_info(1) == dataset.get_data_info(1)
    shared = PhraseCutDataset('train', data_root=str(folder.root))
    assert shared.get_data_info(1) == dataset.get_data_info(1)


def test_val_miniv_is_the_two_files_together(folder):
    dataset = made(folder.write(), 'val_miniv')
    assert [(item['ref_id'], item['text']) for item in dataset] == [(0, 'a tree'), (1, 'green sky')]
    assert dataset.load_report.evaluation
    with pytest.raises(ValueError, match='two files'):
        made(folder.root, 'val_miniv', ann_file='mine.json')


def test_the_registry_builds_it_from_a_config(folder):
    dataset = DATASETS.build(dict(type='PhraseCutDataset', split='miniv', data_root=str(folder.write())))
    assert dataset.metainfo == dict(dataset='phrasecut', split='miniv')
    assert dataset[0]['text'] == 'green sky'


def test_both_names_of_the_image_file_are_found_and_every_path_can_be_given(folder, tmp_path):
    root = folder.write()
    (root / 'VGPhraseCut_v0/image_data_split3000.json').rename(root / 'VGPhraseCut_v0/image_data_split.json')
    assert len(made(root)) == 2
    (root / 'VGPhraseCut_v0/image_data_split.json').rename(root / 'sizes.json')
    (root / 'VGPhraseCut_v0/refer_train.json').rename(tmp_path / 'tasks.json')
    (root / 'VGPhraseCut_v0/images').rename(tmp_path / 'pictures')
    dataset = made(
        root, ann_file=str(tmp_path / 'tasks.json'), images_file='sizes.json', img_prefix=str(tmp_path / 'pictures')
    )
    assert dataset[0]['img_path'] == str(tmp_path / 'pictures/7.jpg')


def test_a_missing_folder_says_what_goes_where(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'(?s)refer_train\.json.*image_data_split3000\.json.*images'):
        made(tmp_path / 'data')


def test_released_counts_add_up_to_those_of_the_paper():
    total = [sum(RELEASED_COUNTS[split][i] for split in ('train', 'val', 'miniv', 'test')) for i in (0, 1)]
    assert total == [345_486, 77_262]
    assert RELEASED_COUNTS['val_miniv'] == (20_316, 2_971)


def test_counts_are_compared_on_demand(folder, monkeypatch):
    root = folder.write()
    with pytest.raises(DataError, match="'train' has 2 phrases, the released file 310816"):
        made(root, check_counts=True)
    monkeypatch.setitem(RELEASED_COUNTS, 'train', (2, 1))
    assert len(made(root, check_counts=True)) == 2


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(image_id='x'), 'id that is not a number'),
        (dict(image_id=8), 'task_id that does not start with the image_id'),
        (dict(task_id=71), 'task_id that does not start with the image_id'),
    ],
)
def test_what_cannot_be_trusted_is_an_error_in_both_modes(folder, changes, message):
    folder.tasks['train'][0].update(changes)
    with pytest.raises(DataError, match=message):
        made(folder.write(), mode='tolerant')


def test_a_file_without_ground_truth_says_which_one_to_take(folder):
    for key in ('Polygons', 'instance_boxes'):
        del folder.tasks['train'][0][key]
    folder.tasks['train'][0]['instance_boxes'] = []
    with pytest.raises(DataError, match=r"'7__1'.*refer_input_\*\.json has no ground truth"):
        made(folder.write())


@pytest.mark.parametrize(
    ('changes', 'kind'),
    [
        (dict(instance_boxes=[]), 'boxes and polygons that are not as many'),
        (dict(Polygons=[[square(1, 1, 5)], [square(2, 2, 5)]]), 'boxes and polygons that are not as many'),
        (dict(Polygons=None), 'boxes and polygons that are not as many'),
        (dict(phrase=None), 'expression that is not a string'),
        (dict(phrase=' '), 'expression without a word'),
        (dict(Polygons=[[]]), 'empty segmentation'),
        (dict(Polygons=[[[[1, 1]]]]), 'damaged polygon'),
        (dict(Polygons=[[[[1, 1], [2, float('nan')], [3, 3]]]]), 'damaged polygon'),
        (dict(Polygons=[[[[1, 1], [2, 1e6], [3, 3]]]]), 'damaged polygon'),
        (dict(Polygons=[[[1, 1, 2, 2, 3, 3]]]), 'damaged polygon'),
        (dict(Polygons=[[[[1, 1], [2], [3, 3]]]]), 'damaged polygon'),
        (dict(instance_boxes=[None]), 'bbox that is not four numbers'),
        (dict(instance_boxes=[[1, 1, 0, 4]]), 'box without area in the image'),
    ],
)
def test_a_damaged_task_raises_in_strict_mode_and_is_skipped_and_counted_in_training(folder, changes, kind):
    folder.tasks['train'][0].update(changes)
    root = folder.write()
    with pytest.raises(DataError, match='7__1'):
        made(root)
    dataset = made(root, mode='tolerant')
    assert [item['task_id'] for item in dataset] == ['7__2_3']
    assert kind in dataset.load_report.counts()


def test_one_damaged_polygon_of_several_is_left_out_and_the_message_names_the_task(folder):
    folder.tasks['train'][1]['Polygons'][1].append([[1, 1], [2, float('inf')], [3, 3]])
    dataset = made(folder.write(), mode='tolerant')
    assert coco_mask.area(dataset[1]['instances'][1]['mask']) == 242
    (line,) = dataset.load_report.lines()
    assert "refer_train.json: task_id '7__2_3', instance 1: polygon 2 has a NaN or infinite coordinate" in line


def test_no_task_is_lost_from_an_evaluation(folder):
    folder.tasks['val'].append(dict(folder.tasks['val'][0]))
    root = folder.write()
    with pytest.raises(DataError, match=r'duplicate task_id.*8__4.*no sample may be missing'):
        made(root, 'val', mode='tolerant')


def test_a_polygon_outside_the_image_is_kept_with_an_empty_mask(folder):
    folder.tasks['val'][0]['Polygons'] = [[square(100, 100, 5)]]
    root = folder.write()
    with pytest.raises(DataError, match='mask without a pixel'):
        made(root, 'val')
    dataset = made(root, 'val', mode='tolerant')
    assert coco_mask.area(dataset[0]['instances'][0]['mask']) == 0
    assert dataset.load_report.counts() == {'mask without a pixel in the image': 1}


@pytest.mark.parametrize(
    ('content', 'message'),
    [('{"a": 1}', 'holds a dict'), ('[{"task_id": "7__1"', 'not complete JSON'), ('<html>', 'HTML')],
)
def test_a_damaged_file_is_an_error_that_names_it(folder, content, message):
    root = folder.write()
    (root / 'VGPhraseCut_v0/refer_train.json').write_text(content)
    with pytest.raises(DataError, match=rf'refer_train\.json.*{message}'):
        made(root, mode='tolerant')


def test_an_image_without_a_size_and_one_that_is_unknown(folder):
    folder.images[0]['height'] = None
    with pytest.raises(DataError, match='image without a size'):
        made(folder.write(), mode='tolerant')


def test_a_task_of_an_unknown_image_is_skipped_in_training_only(folder):
    folder.images = folder.images[:1]
    root = folder.write()
    assert len(made(root)) == 2
    with pytest.raises(DataError, match='image_id that is not in images'):
        made(root, 'val', mode='tolerant')


def test_missing_images_are_found_while_loading_on_demand(folder):
    root = folder.write(images=True)
    assert len(made(root, check_images=True)) == 2
    (root / 'VGPhraseCut_v0/images/7.jpg').unlink()
    with pytest.raises(DataError, match='missing image file'):
        made(root, check_images=True)
