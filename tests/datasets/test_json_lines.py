import json

import numpy as np
import pytest
from PIL import Image

from mmvg.data_check import check_folder
from mmvg.datasets import DataError, GRefCOCODataset, JSONLDataset
from mmvg.datasets.writers import write_grefcoco, write_json_lines
from mmvg.masks import decode_mask, encode_mask

SQUARE = [[1, 1, 5, 1, 5, 5, 1, 5]]


@pytest.fixture
def write(tmp_path):
    (tmp_path / 'images').mkdir()
    Image.fromarray(np.zeros((8, 10, 3), np.uint8)).save(tmp_path / 'images/a.png')

    def write(*lines):
        texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
        (tmp_path / 'all.jsonl').write_text('\n'.join(texts) + '\n', encoding='utf-8')
        return lambda split='train', **options: JSONLDataset('all.jsonl', split, data_root=str(tmp_path), **options)

    return write


def test_a_box_stays_what_the_line_says_to_the_last_digit(write):
    box = [0.2, 0.4, 0.9, 1.7]  # 0.2 + (0.9 - 0.2) is not 0.9
    assert write(dict(image='a.png', expression='x', boxes=[box]))(with_mask=False)[0]['instances'][0]['bbox'] == box


def test_lines_become_items(write):
    open_split = write(
        dict(image='a.png', expression='the mug', boxes=[[1, 1, 5, 5]], masks=[SQUARE]),
        '',
        dict(image='a.png', expression='nothing', no_target=True, split='train', ref_id=7, sent_id=8),
        dict(image='a.png', expression='two', boxes=[[1, 1, 5, 5], [2, 2, 99, 6]], masks=[SQUARE, SQUARE], split='val'),
    )
    first, second = (open_split().get_data_info(i) for i in range(2))
    assert (first['width'], first['height'], first['ref_id'], first['no_target']) == (10, 8, 1, False)
    assert first['sentences'] == [dict(sent_id=1, text='the mug')]
    assert first['instances'][0]['bbox'] == [1, 1, 5, 5]
    assert first['instances'][0]['mask'] == [[1.0, 1.0, 5.0, 1.0, 5.0, 5.0, 1.0, 5.0]]
    assert (second['no_target'], second['instances'], second['ref_id']) == (True, [], 7)
    val = open_split('val', test_mode=True)
    assert len(val) == 2  # a line without a split belongs to all
    assert [instance['bbox'] for instance in val.get_data_info(1)['instances']] == [[1, 1, 5, 5], [2, 2, 10, 6]]


@pytest.mark.parametrize('separator', ['\u2028', '\u2029', '\x85'])
def test_a_byte_order_mark_and_separators_inside_of_a_sentence_are_read_and_pass_the_check(write, tmp_path, separator):
    line = dict(image='a.png', expression=f'the{separator}mug', boxes=[[1, 1, 5, 5]], masks=[SQUARE])
    open_split = write('\ufeff' + json.dumps(line, ensure_ascii=False))
    assert open_split().get_data_info(0)['sentences'][0]['text'] == line['expression']
    assert check_folder(tmp_path / 'all.jsonl', 'images').report.errors == []


BOX = dict(image='a.png', expression='the mug', boxes=[[1, 1, 5, 5]])
NOTHING = dict(image='a.png', expression='the cup', boxes=[], no_target=True)


def test_masks_are_read_where_lines_have_them(write):
    dataset = write(BOX, dict(BOX, masks=[SQUARE]), NOTHING)()
    items = [dataset.get_data_info(i) for i in range(3)]
    assert ['mask' in item['instances'][0] for item in items[:2]] == [False, True]
    assert [item.get('boxes_only', False) for item in items] == [True, False, False]
    assert 'boxes_only' not in dataset.metainfo
    assert dataset.load_report.lines() == [
        f'1 x split with boxes only: losses and metrics of masks leave it out (for example {dataset.files["lines"]}: '
        '1 of 3 expressions, such as ref_id 1)'
    ]


def test_in_data_without_any_mask_the_mask_of_no_target_is_not_known_either(write):
    dataset = write(BOX, NOTHING)()
    assert [dataset.get_data_info(i)['boxes_only'] for i in range(2)] == [True, True]
    assert dataset.metainfo['boxes_only']


def test_masks_can_be_demanded_or_left_out(write):
    open_split = write(BOX)
    with pytest.raises(DataError, match='empty segmentation'):
        open_split(with_mask=True)
    open_split = write(dict(BOX, masks=[SQUARE]))
    assert 'mask' not in open_split(with_mask=False).get_data_info(0)['instances'][0]


GOOD = dict(image='a.png', expression='the mug', boxes=[[1, 1, 5, 5]], masks=[SQUARE])


@pytest.mark.parametrize(
    ('line', 'message'),
    [
        ('{"image": ', 'line 1: '),
        ('[1]', 'not an object'),
        (dict(GOOD, boxs=[]), "unknown key 'boxs'"),
        (dict(GOOD, image=None), 'line without an image'),
        (dict(GOOD, image='b.png'), 'missing image file'),
        (dict(GOOD, expression='  '), 'expression without a word'),
        (dict(GOOD, expression=3), 'not a string'),
        (dict(GOOD, no_target=True), 'contradicts boxes'),
        (dict(GOOD, boxes=[], masks=[]), 'contradicts boxes'),
        (dict(GOOD, masks=[]), 'not as many'),
        (dict(GOOD, boxes=[[1, 2, 3]]), r'box that is not \[x1'),
        (dict(GOOD, boxes=[[5, 5, 1, 1]]), 'box without area'),
        (dict(GOOD, masks=[[[1, 2]]]), 'damaged polygon'),
        (dict(GOOD, height=8), 'width and height'),
        (dict(GOOD, ref_id='x'), 'ref_id that is not'),
        (dict(GOOD, split='val'), "no usable line of split 'train'"),
    ],
)
def test_lines_that_cannot_be_used_are_named(write, tmp_path, line, message):
    open_split = write(line)
    with pytest.raises(DataError, match=message) as error:
        open_split()
    assert str(tmp_path) in str(error.value)


def test_two_lines_with_the_same_ids(write):
    with pytest.raises(DataError, match='line 2'):
        write(dict(GOOD, ref_id=1, sent_id=1), dict(GOOD, ref_id=1, sent_id=1))()


def test_there_and_back_again_gives_the_same_items(refshapes_tiny, tmp_path):
    for name in ('images', 'grefcoco'):
        (tmp_path / name).symlink_to(refshapes_tiny / name)
    original = {split: GRefCOCODataset(split, data_root=str(tmp_path)) for split in ('train', 'val')}
    lines = tmp_path / 'all.jsonl'
    count = sum(write_json_lines(dataset, lines, split, append=split == 'val') for split, dataset in original.items())
    assert count == sum(map(len, original.values())) == len(lines.read_text().splitlines())
    images = 'images/train2014'
    read = {split: JSONLDataset('all.jsonl', split, data_root=str(tmp_path), img_prefix=images) for split in original}
    assert write_grefcoco(read, tmp_path / 'again/grefcoco') == count
    again = {
        split: GRefCOCODataset(
            split, data_root=str(tmp_path), ann_file='again/grefcoco/grefs(unc).json',
            instances_file='again/grefcoco/instances.json',
        )
        for split in original
    }  # fmt: skip
    for split, dataset in original.items():
        wanted = [facts(dataset.get_data_info(i)) for i in range(len(dataset))]
        for other in (read[split], again[split]):
            assert sorted(facts(other.get_data_info(i)) for i in range(len(other))) == sorted(wanted)


def facts(item):
    boxes = [[round(side, 6) for side in instance['bbox']] for instance in item['instances']]
    masks = [[np.round(polygon, 6).tolist() for polygon in instance['mask']] for instance in item['instances']]
    return (item['img_path'], item['sentences'][0]['text'], item['no_target'], boxes, masks, item['height'])


GRASPS = dict(BOX, grasps=[[3, 3, 4, 2, 0.5], [3, 3, 4, 2, 0.5 - np.pi]])


def test_grasps_of_a_line_are_folded_to_one_half_turn(write):
    dataset = write(GRASPS, dict(NOTHING, grasps=[]))()
    np.testing.assert_allclose(dataset[0]['grasps'], [[3, 3, 4, 2, 0.5]] * 2, rtol=1e-6)
    assert dataset[1]['grasps'].shape == (0, 5)
    assert dataset[0]['grasps'].dtype == np.float32


def test_a_target_without_a_grasp_is_left_out_of_a_training_and_kept_in_an_evaluation(write):
    open_split = write(GRASPS, BOX, NOTHING)
    with pytest.raises(DataError, match='expression without a grasp: ref_id 2'):
        open_split()
    assert len(open_split(mode='tolerant')) == 2
    assert len(open_split(mode='tolerant', test_mode=True)) == 3
    assert 'grasps' not in write(BOX)().get_data_info(0)


@pytest.mark.parametrize(
    ('line', 'message'),
    [
        (dict(BOX, grasps=[[1, 2, 3, 4]]), 'grasp that is no rectangle: line 1: 1 of its grasps'),
        (dict(BOX, grasps=[[1, 2, 0, 4, 0]]), 'grasp that is no rectangle'),
        (dict(BOX, grasps=7), 'grasp that is no rectangle'),
        (dict(NOTHING, grasps=[[1, 2, 3, 4, 0]]), 'grasps where nothing is meant: line 1'),
        (
            dict(BOX, grasps=[[1, 2, 3, 4, 0], [1, 2, 3, 4, -45]]),
            'grasp turned by degrees: line 1: an angle of 45 is not',
        ),
    ],
)
def test_grasps_that_cannot_be_used_are_named(write, line, message):
    with pytest.raises(DataError, match=message):
        write(line)()


def answer(**more):
    record = dict(version=2, image='a.png', expression='the mug', size=[8, 10], frame='original', score_thr=0.5)
    return record | dict(no_target=False, target_score=0.9, boxes=[[1, 1, 5, 5]], scores=[0.9], points=[[3, 3]]) | more


def test_answers_are_lines_of_truth(write):
    mask = encode_mask(np.pad(np.ones((4, 4), bool), ((1, 3), (1, 5))))
    only_mask = {key: value for key, value in answer(mask=mask).items() if key not in ('boxes', 'scores', 'points')}
    open_split = write(
        answer(masks=[mask], mask=mask, candidates={}),
        only_mask,
        answer(boxes=[], scores=[], masks=[], mask=mask),  # no instance above the threshold
        answer(boxes=[], scores=[], masks=[], no_target=True, ref_id=7, sent_id=8),
    )
    items = [open_split(test_mode=True).get_data_info(number) for number in range(4)]
    boxes = [[instance['bbox'] for instance in item['instances']] for item in items]
    assert boxes == [[[1, 1, 5, 5]], [[1, 1, 5, 5]], [], []]
    assert [item['no_target'] for item in items] == [False, False, True, True]
    assert decode_mask(items[1]['instances'][0]['mask']).sum() == 16
    assert (items[3]['ref_id'], items[3]['width']) == (7, 10)


def test_answers_about_a_turned_picture_are_brought_to_the_pixels_of_its_file(write, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new('RGB', (10, 8)).save(tmp_path / 'images/a.jpg', exif=exif)  # upright: 8 wide, 10 high
    item = write(answer(image='a.jpg', size=[10, 8], boxes=[[0, 0, 4, 2]]))(with_mask=False).get_data_info(0)
    assert (item['height'], item['width']) == (8, 10)
    assert item['instances'][0]['bbox'] == [0, 4, 2, 8]


@pytest.mark.parametrize(
    ('more', 'message'),
    [
        (dict(version=1), 'version 1'),
        (dict(frame='input'), "frame 'input'"),
        (dict(size=None), 'answer that cannot be read'),
        (dict(image=3), 'line without an image'),
        (dict(image='../a.png'), 'leads out of the folder'),
    ],
)
def test_answers_that_cannot_be_truth_are_named(write, more, message):
    with pytest.raises(DataError, match=message):
        write(answer(**more))()


@pytest.mark.parametrize('image', ['/dev/zero', '../pipe.png', 'images/../../pipe.png'])
def test_the_name_of_the_picture_of_an_answer_is_checked_before_anything_is_opened(write, monkeypatch, image):
    opened = []
    monkeypatch.setattr('mmvg.datasets.readers.json_lines.exif_orientation', lambda path: opened.append(path) or 1)
    with pytest.raises(DataError, match='leads out of the folder: line 1'):
        write(answer(image=image))(mode='tolerant')
    assert opened == []
