"""The data check on data whose form is sound and whose meaning is not: each is found, and sound neighbours are not."""

import json
import pickle
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mmvg.data_check import check_folder
from mmvg.limits import LIMITS
from mmvg.masks import polygons_to_rle

ROOT = Path(__file__).parents[2]
HEIGHT, WIDTH = 96, 128


def square(x1, y1, x2, y2):
    return [[x1, y1, x2, y1, x2, y2, x1, y2]]


def scene(seed, size=(WIDTH, HEIGHT)):
    """A picture of blocks; another seed gives another one."""
    rng = np.random.default_rng(seed)
    picture = Image.new('RGB', size, tuple(rng.integers(0, 255, 3).tolist()))
    for _ in range(9):
        (x, y), (w, h) = rng.integers(0, size), rng.integers(9, 50, 2)
        box = [int(x), int(y), int(x + w), int(y + h)]
        ImageDraw.Draw(picture).rectangle(box, tuple(rng.integers(0, 255, 3).tolist()))
    return picture


@pytest.fixture
def lines(tmp_path):
    """Function: write lines about pictures 0.png to 9.png, and return the findings of the check."""
    (tmp_path / 'images').mkdir()
    for number in range(10):
        scene(number).save(tmp_path / f'images/{number}.png')

    def check(*records, name='all.jsonl'):
        (tmp_path / name).write_text('\n'.join(map(json.dumps, records)) + '\n')
        return check_folder(tmp_path / name, 'images').report

    check.folder = tmp_path
    return check


def line(number=0, box=(10, 20, 40, 60), mask=True, **fields):
    masks = dict(masks=[square(*box)]) if mask is True else dict(masks=[mask]) if mask else {}
    return dict(image=f'{number}.png', expression='the red block', boxes=[list(box)], **masks) | fields


def problems(report):
    return [(finding.level, finding.problem) for finding in report.findings]


def test_sound_lines_give_nothing(lines):
    assert lines(*(line(number) for number in range(10)), line(3, (1.5, 2.25, 90.75, 95.5))).findings == []


@pytest.mark.parametrize('mask', ['polygons', 'rle'])
def test_a_box_beside_its_mask_is_named_with_both(lines, mask):
    drawn = square(10, 20, 40, 60)
    drawn = drawn if mask == 'polygons' else polygons_to_rle(drawn, HEIGHT, WIDTH)
    report = lines(line(0, (70, 20, 100, 60), drawn))
    assert problems(report) == [('error', 'box that is not around its mask')]
    (finding,) = report.findings
    assert finding.record == 'line 1, box 0: box [70.0, 20.0, 100.0, 60.0], mask within x 10.0 to 40.0, y 20.0 to 60.0'


@pytest.mark.parametrize('off', [0, 1, 2.5, -2.5])
def test_a_box_that_is_drawn_by_hand_is_let_pass(lines, off):
    assert lines(line(0, (10 + off, 20, 40, 60 - off), square(10, 20, 40, 60))).findings == []


@pytest.mark.parametrize(
    ('box', 'reading'),
    [
        ([10, 20, 30, 40], 'x, y, width, height'),
        ([45, 60, 30, 40], 'centre x, centre y, width, height'),
        ([20, 10, 60, 40], 'y1, x1, y2, x2'),
        ([78, 208, 312, 625], 'x1, y1, x2, y2 in 1/1000'),
    ],
)
def test_a_box_in_another_format_is_named_with_the_format_that_fits_its_mask(lines, box, reading):
    masks = square(30, 40, 60, 80) if reading.startswith('centre') else square(10, 20, 40, 60)
    records = [finding.record for finding in lines(line(0, box, masks)).errors]
    assert any(record.endswith(f'it is, read as {reading}') for record in records)


@pytest.mark.parametrize('mask', [None, square(13, 20, 51, 57)])
def test_a_box_in_fractions_of_the_image_is_an_error(lines, mask):
    assert problems(lines(line(0, (0.1, 0.2, 0.4, 0.6), mask))) == [('error', 'box in fractions of the image')]


@pytest.mark.parametrize(
    ('convert', 'reading'),
    [
        (lambda x1, y1, x2, y2: (x1, y1, x2 - x1, y2 - y1), 'x, y, width, height'),
        (lambda x1, y1, x2, y2: (y1, x1, y2, x2), 'y1, x1, y2, x2'),
        (lambda x1, y1, x2, y2: (x1 / 0.128, y1 / 0.096, x2 / 0.128, y2 / 0.096), 'x1, y1, x2, y2 in 1/1000'),
    ],
)
def test_boxes_of_a_whole_file_in_another_format_are_recognised_without_masks(lines, convert, reading):
    rng = np.random.default_rng(0)
    corners = rng.integers((70, 5), (120, 80), (40, 2))
    boxes = [(int(x), int(y), int(x) + 8, int(y) + 14) for x, y in corners]
    assert lines(*(line(number % 10, box, None, ref_id=number) for number, box in enumerate(boxes))).findings == []
    found = lines(*(line(number % 10, convert(*box), None, ref_id=number) for number, box in enumerate(boxes))).errors
    (named,) = [finding for finding in found if finding.problem == 'box format that is not the one of the file']
    assert f'read as {reading}, 40 do' in named.record


def test_two_objects_whose_masks_are_swapped_are_named_with_each_other(lines):
    boxes = [[10, 20, 40, 60], [80, 10, 120, 40]]
    masks = [square(*boxes[1]), square(*boxes[0])]
    records = [finding.record for finding in lines(line(0, boxes[0], None, boxes=boxes, masks=masks)).errors]
    assert [record.split('; ')[1] for record in records] == [
        'it is around the mask of line 1, box 1',
        'it is around the mask of line 1, box 0',
    ]


def test_a_line_that_names_an_object_twice_is_an_error(lines):
    box = [10, 20, 40, 60]
    report = lines(line(0, box, None, boxes=[box, box]))
    assert problems(report) == [('error', 'object named twice in a line')]


def test_two_sizes_of_one_image_are_an_error(lines):
    report = lines(line(0), line(0, width=64, height=48))
    assert ('error', 'two sizes of one image') in problems(report)


@pytest.mark.parametrize('orientation', range(1, 9))
def test_a_picture_that_viewers_turn_is_remarked_on(lines, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    scene(0).save(lines.folder / 'images/turned.jpg', exif=exif)
    report = lines(line(0, image='turned.jpg'))
    turned = [('note', f'image with the EXIF orientation {orientation}')]
    assert problems(report) == (turned if orientation > 1 else [])


def test_a_picture_whose_annotated_size_is_that_of_the_turned_one_is_an_error(lines):
    exif = Image.Exif()
    exif[0x0112] = 6
    scene(0).save(lines.folder / 'images/turned.jpg', exif=exif)
    (error,) = lines(line(0, image='turned.jpg', width=HEIGHT, height=WIDTH)).errors
    assert 'as it is when the EXIF orientation is applied' in error.problem


def test_one_picture_in_two_splits_under_two_names_is_an_error(lines):
    shutil.copy(lines.folder / 'images/3.png', lines.folder / 'images/copy.png')
    report = lines(line(3, split='train'), line(4, split='val'), line(0, image='copy.png', split='val'))
    assert problems(report) == [('error', 'one picture in two splits under two names')]
    assert report.findings[0].record == 'train and val: 1, such as 3.png and copy.png'


@pytest.mark.parametrize('quality', [50, 90])
@pytest.mark.parametrize('size', [(WIDTH, HEIGHT), (100, 75), (256, 192)])
def test_a_picture_that_was_saved_again_in_another_split_is_remarked_on(lines, quality, size):
    scene(3).resize(size, Image.Resampling.BICUBIC).save(lines.folder / 'images/again.jpg', quality=quality)
    box = (10, 20, 40, 60)
    report = lines(line(3, box, split='train'), line(4, split='train'), line(0, box, image='again.jpg', split='test'))
    assert problems(report) == [('note', 'pictures that look alike in two splits')]


def test_different_pictures_in_two_splits_are_let_pass(lines):
    for number in range(10, 120):
        scene(number).save(lines.folder / f'images/{number}.png')
    splits = ('train', 'val', 'test')
    assert lines(*(line(number, split=splits[number % 3]) for number in range(120))).findings == []


def test_files_that_are_called_after_splits_are_compared(lines):
    shutil.copy(lines.folder / 'images/3.png', lines.folder / 'images/copy.png')
    lines(line(3), name='train.jsonl')
    lines(line(0, image='copy.png'), line(4), name='val.jsonl')
    assert ('error', 'one picture in two splits under two names') in problems(
        check_folder(lines.folder, 'images').report
    )


@pytest.mark.parametrize(
    ('text', 'problem'),
    [
        ('the cafÃ© sign', 'expression that was decoded wrongly'),
        ('the manâ€™s hat', 'expression that was decoded wrongly'),
        ('the caf\ufffd sign', 'expression with a character that was lost'),
        ('the café sign', None),
        ('der größte Hut', None),
        ('赤いブロック', None),
        ('Ångström à la carte', None),
    ],
)
def test_text_that_was_decoded_wrongly_is_remarked_on(lines, text, problem):
    assert problems(lines(line(expression=text))) == ([('note', problem)] if problem else [])


def test_the_name_of_a_split_that_is_probably_a_slip_is_remarked_on(lines):
    report = lines(line(0, split='train'), line(1, split='trian'), line(2, split='val'))
    assert problems(report) == [('note', 'split of another name')]
    assert report.findings[0].record == "'trian': 1 lines"


@pytest.fixture
def refcoco(refshapes_tiny, tmp_path):
    """A RefCOCO that may be changed; ``check`` writes and checks it."""

    class Copy:
        root = tmp_path / 'data'
        folder = root / 'refcoco'

        def check(self):
            (self.folder / 'instances.json').write_text(json.dumps(self.instances))
            (self.folder / 'refs(unc).p').write_bytes(pickle.dumps(self.refs, 2))
            return check_folder(self.root, decode=False).report

    copy = Copy()
    copy.root.mkdir()
    (copy.root / 'images').symlink_to(refshapes_tiny / 'images')
    shutil.copytree(refshapes_tiny / 'refcoco', copy.folder)
    copy.instances = json.loads((copy.folder / 'instances.json').read_text())
    copy.refs = pickle.loads((copy.folder / 'refs(unc).p').read_bytes())
    return copy


def test_the_area_of_another_object_is_remarked_on(refcoco):
    annotation = refcoco.instances['annotations'][4]
    annotation['area'] *= 3
    report = refcoco.check()
    assert problems(report) == [('note', 'area that is not the area of the mask')]
    assert f'annotation id {annotation["id"]}' in report.findings[0].record


def test_masks_of_two_annotations_that_are_swapped_are_found(refcoco):
    annotations = refcoco.instances['annotations']
    first = annotations[0]
    second = next(a for a in annotations[1:] if a['image_id'] == first['image_id'])
    first['segmentation'], second['segmentation'] = second['segmentation'], first['segmentation']
    found = [error.record for error in refcoco.check().errors]
    assert f'it is around the mask of annotation id {second["id"]}' in found[0]
    assert f'it is around the mask of annotation id {first["id"]}' in found[1]


def test_boxes_of_coco_that_are_written_as_corners_are_recognised(refcoco):
    for annotation in refcoco.instances['annotations']:
        x, y, w, h = annotation['bbox']
        annotation['bbox'] = [x, y, x + w, y + h]
    errors = refcoco.check().errors
    assert any('it is, read as x1, y1, x2, y2' in error.record for error in errors)


def test_a_file_without_a_ref_is_an_error(refcoco):
    refcoco.refs = []
    assert problems(refcoco.check()) == [('error', 'file without a ref')]


def test_a_missing_split_is_remarked_on(refcoco):
    refcoco.refs = [ref for ref in refcoco.refs if ref['split'] != 'val']
    report = refcoco.check()
    assert problems(report) == [('note', 'no ref of split val')]
    assert report.findings[0].record == 'its splits are testA, testB, train'


def test_files_that_nothing_opens_are_remarked_on(refcoco):
    (refcoco.folder / 'refs_unc.p').write_bytes(b'')
    (refcoco.root / 'annotations.json').write_text('{}')
    report = refcoco.check()
    assert problems(report) == [('note', 'files that are not read')] * 2
    assert [finding.record for finding in report.findings] == ['annotations.json', 'refs_unc.p']


def test_instancevg_files_and_grec_files_are_checked(refshapes_tiny, tmp_path):
    for name in ('images', 'ref-zom'):
        (tmp_path / name).symlink_to(refshapes_tiny / name)
    for name in ('instancevg', 'grefcoco'):
        shutil.copytree(refshapes_tiny / name, tmp_path / name)
    result = check_folder(tmp_path, decode=False, only=['instancevg', 'grefcoco'])
    assert result.report.errors == []
    assert {row.dataset for row in result.counts} == {'grefcoco', 'grefcoco_grec', 'instancevg'}
    file = tmp_path / 'grefcoco/finetune_grefcoco_val.json'
    content = json.loads(file.read_text())
    content['annotations'][0]['image_id'] = 10**9
    file.write_text(json.dumps(content))
    file = tmp_path / 'instancevg/grefs/instances.json'
    file.write_text(file.read_text()[:-9])
    errors = check_folder(tmp_path, decode=False, only=['instancevg', 'grefcoco']).report.errors
    assert sorted({error.file.split('/')[-1] for error in errors}) == ['finetune_grefcoco_val.json', 'instances.json']


@pytest.mark.parametrize(
    ('name', 'train', 'val'),
    [
        ('VGPhraseCut_v0', 'refer_train.json', 'refer_val.json'),
        ('grefcoco', 'finetune_grefcoco_train.json', 'finetune_grefcoco_val.json'),
    ],
)
def test_splits_in_files_of_their_own_are_compared(refshapes_tiny, tmp_path, name, train, val):
    (tmp_path / 'images').symlink_to(refshapes_tiny / 'images')
    shutil.copytree(refshapes_tiny / name, tmp_path / name)
    found = check_folder(tmp_path, decode=False, only=[name]).report
    assert [finding for finding in found.findings if 'shared' in finding.problem] == []
    (tmp_path / name / val).unlink()  # which may be a hard link
    shutil.copy(tmp_path / name / train, tmp_path / name / val)
    (finding,) = check_folder(tmp_path, decode=False, only=[name]).report.errors
    assert (finding.problem, finding.file) == ('image shared by splits', str(tmp_path / name))
    assert finding.record.startswith('train and val: ')


def test_the_page_lists_findings_by_their_words_and_limits_by_their_values():
    page = (ROOT / 'docs/data_check.md').read_text()
    source = ''.join(
        path.read_text() for folder in ('data_check', 'datasets') for path in (ROOT / 'mmvg' / folder).rglob('*.py')
    )
    table = page.split('## What it finds')[1].split('## Limits')[0]
    named = [
        name
        for row in table.splitlines()
        if row.startswith('| `')
        for name in re.findall('`([^`]+)`', row.split('|')[1])
    ]
    assert len(named) > 15
    assert [name for name in named if f"'{name}" not in source and f"'{name}" not in source.replace("f'", "'")] == []
    rows = re.findall(r'`MMVG_MAX_(\w+)` \| ([\d,]+)( GiB)?', page)
    listed = {name.lower(): int(value.replace(',', '')) * (2**30 if unit else 1) for name, value, unit in rows}
    assert listed == LIMITS
