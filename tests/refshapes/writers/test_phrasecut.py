import json
from collections import Counter

import cv2
import pytest

SPLITS = ('train', 'val', 'miniv', 'test')
TASK = {'task_id', 'image_id', 'ann_ids', 'instance_boxes', 'Polygons', 'phrase', 'phrase_structure'}
STRUCTURE = {'name', 'attributes', 'relation_ids', 'relation_descriptions', 'type'}
IMAGE = {'image_id', 'width', 'height', 'url', 'coco_id', 'flickr_id', 'split'}


def load(folder, name):
    return json.loads((folder / f'{name}.json').read_text())


@pytest.fixture(scope='module')
def folder(tiny):
    return tiny / 'VGPhraseCut_v0'


@pytest.fixture(scope='module')
def tasks(folder):
    return {split: load(folder, f'refer_{split}') for split in SPLITS}


@pytest.fixture(scope='module')
def images(folder):
    return {image['image_id']: image for image in load(folder, 'image_data_split3000')}


def test_tasks_have_the_fields_of_the_real_file(tasks, images):
    everything = [task for listed in tasks.values() for task in listed]
    assert len({task['task_id'] for task in everything}) == len(everything)
    for task in everything:
        assert set(task) == TASK
        assert set(task['phrase_structure']) == STRUCTURE
        assert task['task_id'] == f'{task["image_id"]}__{"_".join(map(str, task["ann_ids"]))}'
        assert len(task['ann_ids']) == len(task['instance_boxes']) == len(task['Polygons']) > 0
        assert all(len(point) == 2 for polygons in task['Polygons'] for polygon in polygons for point in polygon)
        assert all(len(polygon) >= 3 for polygons in task['Polygons'] for polygon in polygons)
        structure = task['phrase_structure']
        assert len(structure['relation_ids']) == len(structure['relation_descriptions'])
        parts = {structure['name'], *structure['attributes'], *map(' '.join, structure['relation_descriptions'])}
        assert sum(len(part.split()) for part in parts) == len(task['phrase'].split())
        assert all(part in task['phrase'] for part in parts)


def test_phrases_mean_one_or_several(tasks):
    assert len(Counter(len(task['ann_ids']) for listed in tasks.values() for task in listed)) >= 3


def test_boxes_and_polygons_are_those_of_the_objects(tiny, tasks):
    boxes = {}
    for entry in json.loads((tiny / 'grefcoco/instances.json').read_text())['annotations']:
        boxes.setdefault(entry['image_id'], {})[tuple(entry['bbox'])] = entry['segmentation']
    for task in (task for listed in tasks.values() for task in listed):
        for box, polygons in zip(task['instance_boxes'], task['Polygons'], strict=True):
            flat = [[value for point in polygon for value in point] for polygon in polygons]
            assert boxes[task['image_id']][tuple(box)] == flat


def test_splits_do_not_share_images_and_the_image_file_knows_them(tasks, images):
    assert {image['split'] for image in images.values()} == set(SPLITS)
    for split, listed in tasks.items():
        assert {images[task['image_id']]['split'] for task in listed} == {split}
    assert all(set(image) == IMAGE for image in images.values())


def test_every_image_is_there_under_its_number_and_as_large_as_announced(tiny, folder, images):
    assert sorted(path.name for path in (folder / 'images').iterdir()) == sorted(f'{number}.jpg' for number in images)
    for number, image in images.items():
        assert cv2.imread(str(folder / f'images/{number}.jpg')).shape == (image['height'], image['width'], 3)


def test_input_files_have_the_questions_only(folder, tasks):
    for split, listed in tasks.items():
        questions = load(folder, f'refer_input_{split}')
        assert [set(question) for question in questions] == [
            {'task_id', 'image_id', 'phrase', 'phrase_structure'} for _ in listed
        ]
        assert [question['phrase'] for question in questions] == [task['phrase'] for task in listed]


def test_counts_are_of_all_phrases_and_fall(folder, tasks):
    counts = load(folder, 'name_att_rel_count')
    structures = [task['phrase_structure'] for listed in tasks.values() for task in listed]
    expected = Counter(structure['name'] for structure in structures)
    assert dict(counts['cat']) == expected
    assert dict(counts['att']) == Counter(word for structure in structures for word in structure['attributes'])
    for key in ('cat', 'att', 'rel'):
        numbers = [number for _, number in counts[key]]
        assert numbers == sorted(numbers, reverse=True)
