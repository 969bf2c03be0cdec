import pytest

from mmvg.datasets import DataError, LoadReport
from mmvg.datasets.readers.coco_instances import CocoInstances
from mmvg.datasets.readers.targets import TargetReader, check_box

NAN = float('nan')


def reader(folder, mode='tolerant', evaluation=False, crowd='drop', clip_to='edge', with_mask=True) -> TargetReader:
    report = LoadReport(mode, evaluation)
    coco = CocoInstances('instances.json', folder.images, folder.annotations, report)
    return TargetReader(coco, report, crowd, clip_to, with_mask)


def read(targets: TargetReader, *ann_ids: int, image_id: int = 1) -> list[dict]:
    return targets.targets(ann_ids, image_id, ref_id=7)


def test_a_target_has_corners_and_polygons(data_folder):
    targets = reader(data_folder, 'strict', evaluation=True)
    first, second = read(targets, 12, 11)
    assert first == dict(
        bbox=[40, 20, 70, 50], mask=[data_folder.square(40, 20, 30)], bbox_label=0, ignore_flag=0, ann_id=12
    )
    assert second['bbox'] == [10, 10, 30, 30]
    assert targets.report.counts() == {}


def test_the_annotation_itself_is_left_as_it_was(data_folder):
    targets = reader(data_folder)
    assert read(targets, 12) == read(targets, 12)
    assert data_folder.annotations[1]['bbox'] == [40, 20, 30, 30]


def test_no_ids_are_no_targets(data_folder):
    assert read(reader(data_folder)) == []


def test_crowds_are_left_out_or_kept_with_their_rle(data_folder):
    dropping = reader(data_folder, 'strict', True, crowd='drop')
    assert [t['ann_id'] for t in read(dropping, 21, 23, image_id=2)] == [21]
    assert dropping.report.counts() == {'crowd annotation among the targets': 1}
    kept = read(reader(data_folder, 'strict', True, crowd='keep'), 21, 23, image_id=2)
    assert [t['ann_id'] for t in kept] == [21, 23]
    assert kept[1]['mask'] == dict(size=[60, 80], counts=[0, 600, 4200])


@pytest.mark.parametrize(
    ('clip_to', 'expected'), [('edge', [0, 0, 80, 60]), ('last_pixel', [0, 0, 79, 59])], ids=['edge', 'last_pixel']
)
def test_a_box_across_the_border_is_clipped_and_counted_even_in_strict_mode(data_folder, clip_to, expected):
    data_folder.annotations[0]['bbox'] = [-3.5, -1, 90, 80]
    targets = reader(data_folder, 'strict', True, clip_to=clip_to)
    assert read(targets, 11)[0]['bbox'] == expected
    assert targets.report.counts() == {'box across the border of the image': 1}


def test_a_box_that_ends_at_the_edge_is_not_across_it(data_folder):
    data_folder.annotations[0]['bbox'] = [70, 50, 10, 10]
    targets = reader(data_folder, 'strict', True)
    assert read(targets, 11)[0]['bbox'] == [70, 50, 80, 60]
    assert targets.report.counts() == {}


@pytest.mark.parametrize(
    'bbox', [None, [], [1, 2, 3], [1, 2, 3, 4, 5], [NAN, 1, 5, 5], [1, 1, float('inf'), 5], ['1', 1, 5, 5], 'box']
)
@pytest.mark.parametrize('evaluation', [False, True])
def test_a_box_that_is_not_four_numbers_removes_the_target_in_tolerant_mode(data_folder, bbox, evaluation):
    data_folder.annotations[0]['bbox'] = bbox
    with pytest.raises(DataError, match=r'bbox that is not four numbers: annotation id 11 \(image_id 1\)'):
        read(reader(data_folder, 'strict', evaluation), 11)
    targets = reader(data_folder, evaluation=evaluation)
    assert [t['ann_id'] for t in read(targets, 11, 12)] == [12]
    assert targets.report.counts() == {'bbox that is not four numbers': 1}


@pytest.mark.parametrize(
    ('bbox', 'kept'),
    [
        ([10, 10, 0, 5], [10, 10, 10, 15]),
        ([10, 10, 5, -3], [10, 10, 15, 10]),
        ([90, 10, 5, 5], [80, 10, 80, 15]),  # right of the image
        ([-9, 10, 5, 5], [0, 10, 0, 15]),
    ],
)
def test_a_box_without_area_goes_in_training_and_stays_unmatchable_in_evaluation(data_folder, bbox, kept):
    data_folder.annotations[0]['bbox'] = bbox
    for evaluation in (False, True):
        with pytest.raises(DataError, match='box without area in the image: annotation id 11'):
            read(reader(data_folder, 'strict', evaluation), 11)
    assert [t['ann_id'] for t in read(reader(data_folder), 11, 12)] == [12]
    evaluated = reader(data_folder, evaluation=True)
    assert read(evaluated, 11, 12)[0]['bbox'] == kept
    assert evaluated.report.counts() == {'box without area in the image': 1}


@pytest.mark.parametrize('segmentation', [[], [[]], None, [[1, 2, 3, 4]], [[1, 1, 5, 1, NAN, 4]], {'size': [60, 80]}])
def test_a_segmentation_with_nothing_usable_removes_the_target_in_tolerant_mode(data_folder, segmentation):
    data_folder.annotations[0]['segmentation'] = segmentation
    with pytest.raises(DataError, match='annotation id 11'):
        read(reader(data_folder, 'strict'), 11)
    targets = reader(data_folder)
    assert [t['ann_id'] for t in read(targets, 11, 12)] == [12]
    assert sum(targets.report.counts().values()) > 0


def test_one_damaged_polygon_leaves_the_others(data_folder):
    good = data_folder.square(10, 10, 20)
    data_folder.annotations[0]['segmentation'] = [good, [1, 1, 5, 1, NAN, 4]]
    with pytest.raises(DataError, match=r'damaged polygon: annotation id 11.*polygon 1 has a NaN'):
        read(reader(data_folder, 'strict', True), 11)
    targets = reader(data_folder, evaluation=True)
    assert read(targets, 11)[0]['mask'] == [good]
    assert targets.report.counts() == {'damaged polygon': 1}


def test_a_mask_outside_the_image_raises_in_strict_mode_and_stays_in_tolerant_mode(data_folder):
    data_folder.annotations[0]['segmentation'] = [data_folder.square(100, 10, 5)]
    with pytest.raises(DataError, match='mask without a pixel in the image: annotation id 11'):
        read(reader(data_folder, 'strict'), 11)
    targets = reader(data_folder)
    assert len(read(targets, 11)) == 1
    assert targets.report.counts() == {'mask without a pixel in the image': 1}


def test_a_missing_segmentation_does_not_matter_without_masks(data_folder):
    del data_folder.annotations[0]['segmentation']
    assert read(reader(data_folder, 'strict', with_mask=False), 11) == [
        dict(bbox=[10, 10, 30, 30], bbox_label=0, ignore_flag=0, ann_id=11)
    ]


def test_an_annotation_of_several_refs_is_reported_once(data_folder):
    data_folder.annotations[0]['bbox'] = None
    targets = reader(data_folder)
    assert read(targets, 11) == read(targets, 11) == []
    assert targets.report.counts() == {'bbox that is not four numbers': 1}


def test_a_target_in_another_image_is_an_error_even_when_it_was_read_before(data_folder):
    targets = reader(data_folder)
    assert read(targets, 11)
    with pytest.raises(DataError, match='means image_id 2'):
        read(targets, 11, image_id=2)


@pytest.mark.parametrize(
    ('bbox', 'box', 'problem'),
    [
        ([1, 2, 3, 4], [1, 2, 3, 4], None),
        ([1, 2, 3, NAN], None, 'bbox that is not four numbers'),
        ('1234', None, 'bbox that is not four numbers'),
        ([10, 10, 10, 5], [10, 10, 10, 10], 'box without area in the image'),
        ([-5, 2, 3, 99], [0, 2, 3, 60], 'box across the border of the image'),
    ],
)
def test_a_box_is_checked_and_clipped(bbox, box, problem):
    assert check_box(bbox, height=60, width=80) == (box, problem)
