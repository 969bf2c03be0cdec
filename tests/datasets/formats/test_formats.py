"""What a format holds is measured: data are written, read again and compared."""

import base64
import io
import json
import re
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from mmvg import whole_files
from mmvg.cli.app import app, main
from mmvg.datasets import JSONLDataset
from mmvg.datasets.formats import FORMATS, cannot_hold, read_format, table, write_format
from mmvg.datasets.writers import FACETS, LABELING_CONFIG
from mmvg.masks import decode_mask, encode_mask, polygons_to_rle

WIDTH, HEIGHT = 64, 48
SQUARE = [[4.0, 4.0, 20.0, 4.0, 20.0, 20.0, 4.0, 20.0]]
PAIR = [[2, 2, 10, 10], [30, 20, 40, 30]]


def line(text, boxes=((4, 4, 20, 20),), **more):
    boxes = [list(map(float, box)) for box in boxes]
    return dict(image='sub/a.png', expression=text, boxes=boxes, no_target=not boxes, split='train') | more


def spots(height=HEIGHT, width=WIDTH):
    pixels = np.zeros((height, width), dtype=bool)
    pixels[4:20, 4:20] = np.random.default_rng(0).random((16, 16)) < 0.5
    pixels[4, 4] = pixels[19, 19] = True
    return encode_mask(pixels)


ORDINARY = line('an ordinary one', [[1, 1, 9, 9]])
LINES = {
    'polygons': [ORDINARY, line('drawn', masks=[SQUARE])],
    'pixels': [ORDINARY, line('spots', masks=[spots()])],
    'apart': [ORDINARY, line('loose', [[2, 3, 25, 24]], masks=[SQUARE])],
    'decimals': [ORDINARY, line('between pixels', [[1.25, 2.5, 10.75, 12.125]])],
    'several': [ORDINARY, line('both of them', PAIR)],
    'no_target': [ORDINARY, line('nothing', [])],
    'repeats': [ORDINARY, line('one', PAIR[:1], ref_id=7, sent_id=7), line('one', PAIR[1:], ref_id=8, sent_id=8)],
    'refs': [
        line('this', PAIR[:1], ref_id=5, sent_id=1),
        line('the same', PAIR[:1], ref_id=5, sent_id=2),
        line('that', PAIR[1:], ref_id=6, sent_id=3),
    ],
    'ids': [line('numbered', ref_id=31, sent_id=47), line('as well', PAIR[:1], ref_id=12, sent_id=9)],
    'splits': [line('early'), line('late', split='val')],
    'grasps': [line('to be held', masks=[SQUARE], grasps=[[12, 12, 8, 4, 0.5], [12, 12, 8, 4, -0.5]])],
}
ROUND = {name: {} for name, kind in FORMATS.items() if kind.reader and kind.writer}
ROUND['qwen'] = dict(unit='fraction')
ROUND['qwen in permille'] = dict(unit='permille')


def folder_of(root):
    (root / 'images/sub').mkdir(parents=True)
    Image.fromarray(np.zeros((HEIGHT, WIDTH, 3), np.uint8)).save(root / 'images/sub/a.png')
    return root


def lines_as_datasets(root, lines):
    (root / 'lines.jsonl').write_text('\n'.join(map(json.dumps, lines)) + '\n')
    splits = dict.fromkeys(record['split'] for record in lines)
    return {split: JSONLDataset('lines.jsonl', split, data_root=str(root)) for split in splits}


def items_of(datasets):
    return {split: [dataset.get_data_info(i) for i in range(len(dataset))] for split, dataset in datasets.items()}


def pixels_of(mask):
    return decode_mask(mask if isinstance(mask, dict) else polygons_to_rle(mask, HEIGHT, WIDTH)).tobytes()


def rounded(values):
    return np.round(np.asarray(values, dtype=float), 4).tolist()


def boxes(item):
    return sorted(rounded(instance['bbox']) for instance in item['instances'])


def of_text(fact):
    """Compare by sentence, since the order and the numbers are other questions."""
    return lambda items: sorted(
        (split, Path(item['img_path']).name, item['sentences'][0]['text'], repr(fact(item)))
        for split, several in items.items()
        for item in several
    )


def texts_of_refs(items):
    refs = {}
    for item in items['train']:
        refs.setdefault(item['ref_id'], set()).add(item['sentences'][0]['text'])
    return sorted(map(sorted, refs.values()))


COMPARED = {
    'polygons': of_text(
        lambda item: [rounded(p) for i in item['instances'] for p in i.get('mask', ()) if isinstance(i['mask'], list)]
    ),
    'pixels': of_text(lambda item: [pixels_of(i['mask']) for i in item['instances'] if 'mask' in i]),
    'apart': of_text(lambda item: (boxes(item), [pixels_of(i['mask']) for i in item['instances'] if 'mask' in i])),
    'decimals': of_text(boxes),
    'several': of_text(boxes),
    'no_target': of_text(lambda item: item['no_target']),
    'repeats': of_text(boxes),
    'refs': texts_of_refs,
    'ids': of_text(lambda item: (item['ref_id'], item['sentences'][0]['sent_id'])),
    'splits': of_text(boxes),
    'grasps': of_text(lambda item: rounded(item['grasps']) if 'grasps' in item else None),
}


def survives(name, facet, root):
    """Whether what has a facet is the same after it was written and read."""
    options = ROUND[name]
    key = name.split()[0]
    lines = LINES[facet]
    if facet != 'decimals' and 'permille' in name:  # which rounds all boxes; here they fall on thousandths
        lines = [json.loads(json.dumps(record)) for record in lines]
        for record in lines:
            record.update(width=1000, height=1000)
            if facet == 'pixels' and 'masks' in record:
                record['masks'] = [spots(1000, 1000)]
        Image.fromarray(np.zeros((1000, 1000, 3), np.uint8)).save(root / 'images/sub/a.png')
    source = lines_as_datasets(root, lines)
    out = root / f'written{FORMATS[key].suffix}'
    if facet == 'splits' and not FORMATS[key].names_splits:
        with pytest.raises(ValueError, match='a file per split'):
            write_format(key, source, out, **options)
        return False
    write_format(key, source, out, **options)
    read = read_format(key, out, list(source), **options)
    return COMPARED[facet](items_of(read)) == COMPARED[facet](items_of(source))


@pytest.mark.parametrize('name', ROUND)
def test_what_a_format_cannot_hold_is_what_is_declared(name, tmp_path):
    lost = set()
    for facet in FACETS:
        root = folder_of(tmp_path / facet)
        if not survives(name, facet, root):
            lost.add(facet)
    assert lost == cannot_hold(name.split()[0], ROUND[name].get('unit'))


def test_the_page_has_the_table_and_every_format():
    page = (Path(__file__).parents[3] / 'docs/formats.md').read_text()
    assert table() in page
    for name, kind in FORMATS.items():
        row = next(line for line in page.splitlines() if line.startswith('| ') and f'`{name}`' in line)
        _, _, reads, writes, *_ = row.split('|')
        assert (f'`{name}`' in reads, f'`{name}`' in writes) == (bool(kind.reader), bool(kind.writer)), name


def test_what_is_lost_is_counted(tmp_path):
    source = lines_as_datasets(
        folder_of(tmp_path), [*LINES['no_target'], *LINES['polygons'][1:], *LINES['several'][1:]]
    )
    written = write_format('odvg', source, tmp_path / 'out.jsonl')
    assert written.expressions == len((tmp_path / 'out.jsonl').read_text().splitlines()) == 3
    assert written.lost == dict(no_target=1, polygons=1, ids=4)
    assert 'not held by the format: expressions that mean nothing, of 1 expressions' in written.lines()


@pytest.mark.parametrize('name', [name for name, kind in FORMATS.items() if kind.writer])
def test_an_error_on_the_way_leaves_the_files_that_were_there(name, tmp_path, monkeypatch):
    source = lines_as_datasets(folder_of(tmp_path), [ORDINARY, line('late', split='val')])
    options = dict(unit='pixel') if name == 'qwen' else {}
    out = tmp_path / 'out'
    write_format(name, source, out, **options)
    before = {file: file.read_bytes() for file in out.iterdir()}

    def disk_full(*_):
        raise OSError('no space left')

    monkeypatch.setattr(whole_files, '_flush', disk_full)
    with pytest.raises(OSError, match='no space left'):
        write_format(name, source, out, force=True, **options)
    assert {file: file.read_bytes() for file in out.iterdir()} == before


def test_dictionaries_of_fiftyone_hold_fractions_and_masks_within_boxes(tmp_path):
    source = lines_as_datasets(folder_of(tmp_path), [*LINES['pixels'][1:], *LINES['no_target'][1:]])
    write_format('fiftyone', source, tmp_path / 'out.json')
    (sample,) = json.loads((tmp_path / 'out.json').read_text())
    (detection,) = sample['ground_truth']['detections']
    assert sample['filepath'] == str(tmp_path.resolve() / 'images/sub/a.png')
    assert (sample['tags'], sample['metadata']['width'], detection['label']) == (['train'], WIDTH, 'spots')
    assert detection['bounding_box'] == [4 / WIDTH, 4 / HEIGHT, 16 / WIDTH, 16 / HEIGHT]
    packed = zlib.decompress(base64.b64decode(detection['mask']['$binary']['base64']))
    assert (np.load(io.BytesIO(packed)) == decode_mask(spots())[4:20, 4:20]).all()
    assert [c['label'] for c in sample['no_target']['classifications']] == ['nothing']


@pytest.mark.parametrize(
    ('call', 'message'),
    [
        (lambda root, data: write_format('qwen', data, root / 'a.jsonl'), '--unit pixel, permille, fraction'),
        (lambda root, data: write_format('qwen', data, root / 'a.jsonl', unit='pixels'), "did you mean 'pixel'"),
        (lambda root, data: write_format('cvat', data, root / 'a.xml'), '--to must be'),
        (lambda root, data: write_format('coco', data, root / 'a.jsonl'), r'ends in \.json'),
        (lambda root, data: write_format('coco', data, root / 'a.json', unit='pixel'), '--unit is no option of coco'),
        (lambda root, data: write_format('grefcoco', data, root / 'a.json'), 'is a folder of files'),
        (lambda root, data: read_format('fiftyone', root / 'lines.jsonl'), '--from must be'),
        (lambda root, data: read_format('odvg', root), 'this is a folder'),
        (lambda root, data: read_format('odvg', root / 'none.jsonl'), 'no such file'),
        (lambda root, data: read_format('jsonl', root / 'lines.jsonl', ['val']), "no usable line of split 'val'"),
    ],
)
def test_what_does_not_fit_is_said(tmp_path, call, message):
    root = folder_of(tmp_path)
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        call(root, lines_as_datasets(root, [ORDINARY]))


@pytest.mark.parametrize('name', [name for name, kind in FORMATS.items() if kind.writer])
def test_files_that_are_there_are_replaced_only_when_asked_for(name, tmp_path):
    source = lines_as_datasets(folder_of(tmp_path), [ORDINARY])
    options = dict(unit='pixel') if name == 'qwen' else {}
    out = tmp_path / 'out'
    write_format(name, source, out, **options)
    for file in out.iterdir():
        content = file.read_bytes()
        for other in out.iterdir():
            other.unlink()
        file.write_text('mine')
        with pytest.raises(FileExistsError, match=f'{re.escape(file.name)} is there already; use --force'):
            write_format(name, source, out, **options)
        assert [other.read_text() for other in out.iterdir()] == ['mine']
        write_format(name, source, out, force=True, **options)
        assert file.read_bytes() == content


def test_what_is_read_is_never_replaced(tmp_path, capsys):
    root = folder_of(tmp_path)
    source = lines_as_datasets(root, [ORDINARY])
    (root / 'link.jsonl').symlink_to('lines.jsonl')
    before = (root / 'lines.jsonl').read_bytes()
    for out in ('lines.jsonl', 'images/../lines.jsonl', 'link.jsonl'):
        with pytest.raises(FileExistsError, match='is read for this'):
            write_format('odvg', source, root / out, force=True)
        with pytest.raises(SystemExit):
            main(['data', 'convert', str(root / 'lines.jsonl'), '--out', str(root / out), '--force'])
        assert 'is read for this' in capsys.readouterr().err
    assert (root / 'lines.jsonl').read_bytes() == before


def test_a_split_does_not_lead_out_of_the_folder(tmp_path):
    lines = [line('away', split='../away'), line('late', split='val')]
    with pytest.raises(ValueError, match='is no name of a file'):
        write_format('coco', lines_as_datasets(folder_of(tmp_path), lines), tmp_path / 'out')


@pytest.mark.parametrize('name', ['jsonl', 'grefcoco'])
def test_splits_of_unusual_names_are_read_by_default(name, tmp_path):
    root = folder_of(tmp_path)
    lines = [line('early'), line('small', split='minival'), line('hard', split='test_hard')]
    write_format(name, lines_as_datasets(root, lines), root / 'grefcoco')
    places = dict(
        jsonl=[(root / 'grefcoco/all.jsonl', '../images')], grefcoco=[(root, 'images'), (root / 'grefcoco', 'images')]
    )
    for source, images in places[name]:
        read = read_format(name, source, images=images)
        assert {split: items[0]['sentences'][0]['text'] for split, items in items_of(read).items()} == {
            record['split']: record['expression'] for record in lines
        }


def test_lines_without_a_split_are_read_once(tmp_path):
    lines_as_datasets(folder_of(tmp_path), [ORDINARY])
    (tmp_path / 'lines.jsonl').write_text(json.dumps({k: v for k, v in ORDINARY.items() if k != 'split'}))
    assert list(read_format('jsonl', tmp_path / 'lines.jsonl')) == ['train']


def test_the_labeling_interface_is_named_and_takes_no_file_of_annotations(tmp_path):
    root = folder_of(tmp_path)
    (root / 'out.xml').write_text('annotations')
    written = write_format('label-studio', lines_as_datasets(root, [ORDINARY]), root / 'out.json')
    assert written.lines()[0] == f'written beside them: {root / "out.labeling.xml"}'
    assert (root / 'out.labeling.xml').read_text() == LABELING_CONFIG
    assert (root / 'out.xml').read_text() == 'annotations'


def test_the_command_converts_and_says_what_was_lost(tmp_path):
    root = folder_of(tmp_path)
    lines_as_datasets(root, [*LINES['several'], *LINES['no_target'][1:]])
    arguments = ['data', 'convert', str(root / 'lines.jsonl'), '--to', 'odvg', '--out', str(root / 'out.jsonl')]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert '2 expressions are in' in done.output
    assert 'not held by the format: expressions that mean nothing, of 1 expressions' in done.output
    for wrong, message in (
        ([*arguments, '--unit', 'pixel'], '--unit means nothing from jsonl to odvg'),
        ([*arguments[:3], '--out', 'x.json'], 'say with --to'),
        (['data', 'convert', str(root / 'x.json'), '--out', 'x.jsonl'], 'say with --from'),
        (['data', 'convert', 'lavt/tiny', '--images', 'x', '--out', 'x.jsonl'], '--images means nothing for a config'),
    ):
        done = CliRunner().invoke(app, wrong)
        assert message in f'{done.output}{done.exception}'
