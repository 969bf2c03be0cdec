import copy
import json

import pytest

from mmvg.datasets import DataError, LoadReport
from mmvg.datasets.readers.coco_instances import CocoInstances, read_coco_instances


def made(folder, mode: str = 'tolerant', evaluation: bool = False) -> CocoInstances:
    return CocoInstances('instances.json', folder.images, folder.annotations, LoadReport(mode, evaluation))


def test_images_and_annotations_are_found_by_id(data_folder):
    folder = data_folder.write()
    coco = read_coco_instances(folder / 'refcoco/instances.json', LoadReport('strict', True))
    assert coco.image(2, ref_id=1)['file_name'] == 'COCO_train2014_000000000002.jpg'
    assert coco.annotation(12, image_id=1, ref_id=1)['bbox'] == [40, 20, 30, 30]


@pytest.mark.parametrize('content', [{'images': []}, {'annotations': []}, {'images': {}, 'annotations': []}])
def test_missing_lists_are_an_error_that_names_the_keys(tmp_path, content):
    (tmp_path / 'instances.json').write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"instances\.json: no list '(images|annotations)': its keys are"):
        read_coco_instances(tmp_path / 'instances.json', LoadReport('tolerant', False))


@pytest.mark.parametrize(('kind', 'key'), [('image', 1), ('annotation', 11)])
def test_an_identical_copy_is_ignored_and_a_different_one_is_an_error(data_folder, kind, key):
    records = getattr(data_folder, f'{kind}s')
    records.append(copy.deepcopy(records[0]))
    with pytest.raises(DataError, match=f'duplicate {kind} id: {kind} id {key}'):
        made(data_folder, 'strict')
    coco = made(data_folder, evaluation=True)
    assert coco.report.counts() == {f'duplicate {kind} id': 1}
    records[-1]['license'] = 3
    with pytest.raises(DataError, match=f'two different {kind}s with one id: {kind} id {key}'):
        made(data_folder)


def test_ids_in_strings_are_converted_in_tolerant_mode(data_folder):
    data_folder.images[0]['id'] = '1'
    data_folder.annotations[0].update(id='11', image_id='1')
    with pytest.raises(DataError, match=r"images\[0\]: id is '1'"):
        made(data_folder, 'strict')
    coco = made(data_folder)
    assert coco.image(1, ref_id=1)['width'] == 80
    assert coco.annotation(11, image_id=1, ref_id=1)['area'] == 400


@pytest.mark.parametrize('record', [None, [], {}, {'file_name': 'x.jpg'}])
def test_a_record_without_id_is_named_by_its_place(data_folder, record):
    data_folder.images.append(record)
    with pytest.raises(DataError, match=r'image without id: images\[2\]'):
        made(data_folder)


def test_an_unknown_image_is_skipped_in_tolerant_training_only(data_folder):
    assert made(data_folder).image(99, ref_id=101) is None
    for mode, evaluation in (('strict', False), ('tolerant', True)):
        with pytest.raises(DataError, match='image_id 99 of ref_id 101'):
            made(data_folder, mode, evaluation).image(99, ref_id=101)


@pytest.mark.parametrize('size', [None, 0, -5, '60', 60.0, float('nan'), True])
def test_an_image_without_a_size_is_an_error_when_it_is_used(data_folder, size):
    data_folder.images[0]['height'] = size
    coco = made(data_folder)
    assert coco.image(2, ref_id=1)
    with pytest.raises(DataError, match='image without a size: image_id 1'):
        coco.image(1, ref_id=1)


@pytest.mark.parametrize('name', [None, '', 5])
def test_an_image_without_a_name_is_an_error_when_it_is_used(data_folder, name):
    data_folder.images[0]['file_name'] = name
    with pytest.raises(DataError, match='image without a file_name: image_id 1'):
        made(data_folder).image(1, ref_id=1)


def test_an_annotation_that_is_missing_or_elsewhere_is_an_error_in_both_modes(data_folder):
    coco = made(data_folder)
    with pytest.raises(DataError, match='ann_id 99 of ref_id 101'):
        coco.annotation(99, image_id=1, ref_id=101)
    with pytest.raises(DataError, match='ref_id 101 means image_id 2, but its ann_id 11 lies in image_id 1'):
        coco.annotation(11, image_id=2, ref_id=101)
