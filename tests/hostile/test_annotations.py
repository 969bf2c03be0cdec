"""instances.json and JSON lines that want to fill the memory, crash pycocotools, or read files of somebody else."""

import json
import os

import pytest
from PIL import Image

from mmvg.data_check import check_folder
from mmvg.datasets import JSONLDataset, RefCOCODataset

DEEP = '[' * 900 + ']' * 900
TEXTS = {
    'deep': '[' * 200_000,
    'deep_and_closed': f'{{"images": {DEEP}, "annotations": []}}',
    'deep_objects': '{"a":' * 5000 + '1' + '}' * 5000,
    'number_of_400_digits': f'{{"images": [{{"id": {"9" * 400}}}], "annotations": []}}',
    'number_of_5000_digits': f'{{"images": [{{"id": {"9" * 5000}}}], "annotations": []}}',
    'yaml_that_calls': '!!python/object/apply:os.system ["touch executed"]',
    'python': '__import__("os").system("touch executed")',
    'pickle': 'cposix\nsystem\n(S"touch executed"\ntR.',
    'utf16_cut_off': '{"images": [], '.encode('utf-16'),
    'archive': b'PK\x03\x04../../executed',
    'tar': b'executed'.ljust(257, b'\0') + b'ustar\x0000' + bytes(300),
    'zstd': b'\x28\xb5\x2f\xfd' + bytes(100),
    'nul': b'\0' * 1000,
    'string': '"text"',
    'svg': '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
}


@pytest.mark.parametrize('name', TEXTS)
def test_a_hostile_file_in_place_of_instances_is_refused(data, monkeypatch, name):
    monkeypatch.chdir(data.root)
    content = TEXTS[name]
    data.instances.write_bytes(content if isinstance(content, bytes) else content.encode())
    read, checked = data.open_refcoco()
    assert str(data.instances) in read
    assert str(data.instances) in checked
    assert not (data.root / 'executed').exists()


@pytest.mark.parametrize('name', TEXTS)
def test_a_hostile_file_in_place_of_lines_is_refused(data, monkeypatch, name):
    monkeypatch.chdir(data.root)
    content = TEXTS[name]
    data.lines.write_bytes(content if isinstance(content, bytes) else content.encode())
    read, checked = data.open_lines()
    assert str(data.lines) in read
    assert str(data.lines) in checked
    assert not (data.root / 'executed').exists()


WRAPS = 2**63 - 1  # three such runs and a small one add up to a small number in 64 bits
MASKS = {
    'rle_whose_runs_wrap_around': dict(size=[48, 64], counts=[WRAPS, WRAPS, 2, 48 * 64]),
    'rle_of_a_run_of_80_bits': dict(size=[48, 64], counts=[2**80]),
    'rle_of_32_bits': dict(size=[48, 64], counts=[2**32 + 48 * 64]),
    'rle_of_1e18_pixels': dict(size=[10**9, 10**9], counts=[10**18]),
    'rle_of_4e9_pixels': dict(size=[65535, 65535], counts=[65535**2]),
    'rle_of_negative_size': dict(size=[-48, -64], counts=[48 * 64]),
    'rle_of_text': dict(size=[48, 64], counts='o' * 10**6),
    'rle_of_nothing': dict(size=[48, 64], counts=''),
    'rle_of_floats': dict(size=[48.0, 64.0], counts=[48 * 64]),
    'rle_of_surrogates': dict(size=[48, 64], counts='\ud800'),
    'polygon_far_away': [[0, 0, 1e300, 0, 1e300, 1e300]],
    'polygon_of_infinity': [[0, 0, float('inf'), 0, 5, 5]],
    'polygon_that_zigzags': [[0, 0, 250, 190] * 50_000],
    'polygon_of_long_numbers': [[0, 0, 10**25, 0, 5, 5]],
    'polygon_of_polygons': [[[[[[0, 0, 5, 5, 5, 0]]]]]],
    'polygons_without_end': [[]] * 10_000,
    'mask_of_a_name': '/etc/passwd',
}


@pytest.mark.parametrize('name', MASKS)
def test_a_hostile_mask_is_named(data, name):
    data.write_instances(annotation=data.annotation | dict(segmentation=MASKS[name]))
    read, checked = data.open_refcoco()
    assert 'annotation id 7' in read
    assert 'annotation id 7' in checked
    data.write_line(masks=[MASKS[name]])
    read, checked = data.open_lines()
    assert 'line 1' in read
    assert 'line 1' in checked


NUMBERS = (10**25, -(10**25), 1e308, float('nan'), float('inf'), '9' * 400, None, [1], {}, True)


@pytest.mark.parametrize('number', NUMBERS, ids=range(len(NUMBERS)))
def test_a_hostile_number_in_a_box_is_named(data, number):
    data.write_instances(annotation=data.annotation | dict(bbox=[number, 10, 20, 20]))
    read, checked = data.open_refcoco()
    assert 'annotation id 7' in read
    assert 'annotation id 7' in checked
    data.write_line(boxes=[[number, 10, 30, 30]])
    read, checked = data.open_lines()
    assert 'line 1' in checked
    assert 'line 1' in read or number == -(10**25)  # clipped, like every box across the border


SIZES = (10**9, 2**31, 2**63, 10**25, 0, -1, 1.5, '48', None, [48], True)


@pytest.mark.parametrize('side', SIZES, ids=range(len(SIZES)))
def test_an_absurd_size_of_an_image_is_named(data, side):
    data.write_instances(image=data.image | dict(height=side))
    read, checked = data.open_refcoco()
    assert 'image_id 1' in read
    assert 'image_id 1' in checked
    data.write_line(height=side, width=64)
    read, checked = data.open_lines()
    assert 'line 1' in read
    assert 'line 1' in checked


NAMES = {
    'up': '../../secret.png',
    'up_in_the_middle': 'a/../../../secret.png',
    'up_as_windows_has_it': '..\\..\\secret.png',
    'absolute': '/etc/passwd',
    'drive': 'C:\\secret.png',
    'share': '\\\\server\\secret.png',
    'nul': '1.png\0.txt',
    'only_nul': '\0',
    'half_a_character': '\ud800.png',
    'long': 'a' * 5000 + '.png',
    'long_part': 'a/' + 'b' * 300,
    'blank': ' ',
    'folder': '.',
    'number': 5,
    'list': ['1.png'],
    'nothing': '',
    'address': 'http://localhost:1/1.png',
    'pipe': '|touch executed',
}


@pytest.mark.parametrize('name', NAMES)
def test_a_hostile_name_of_an_image_is_never_opened(data, monkeypatch, name):
    monkeypatch.chdir(data.root)
    Image.new('RGB', (64, 48)).save(data.root / 'secret.png')
    data.write_line(image=NAMES[name])
    read, checked = data.open_lines()
    assert 'line 1' in read
    assert 'line 1' in checked
    data.write_instances(image=data.image | dict(file_name=NAMES[name]))
    _, checked = data.open_refcoco()
    assert 'image_id 1' in checked or 'image id 1' in checked
    assert not (data.root / 'executed').exists()


def test_images_out_of_the_folder_are_read_only_when_asked_for(data):
    Image.new('RGB', (64, 48)).save(data.root / 'beside.png')
    options = dict(data_root=str(data.root), img_prefix='images/train2014')
    for name in ('../../beside.png', str(data.root / 'beside.png')):
        data.write_line(image=name)
        with pytest.raises(ValueError, match=r'leads out of the folder.*outside_images=True'):
            JSONLDataset('all.jsonl', 'train', **options)
        assert len(JSONLDataset('all.jsonl', 'train', outside_images=True, **options)) == 1
        (error,) = check_folder(data.lines, 'images/train2014').report.errors
        assert '--outside-images' in error.cure
        assert check_folder(data.lines, 'images/train2014', outside_images=True).report.errors == []
        data.write_instances(image=data.image | dict(file_name=name))
        with pytest.raises(ValueError, match=r'leads out of the folder.*outside_images=True'):
            RefCOCODataset('refcoco', 'train', data_root=str(data.root))
        assert len(RefCOCODataset('refcoco', 'train', data_root=str(data.root), outside_images=True)) == 1


def pipe(path):
    os.mkfifo(path)


def device(path):
    path.symlink_to('/dev/zero')


def loop(path):
    path.symlink_to(path)


def folder(path):
    path.mkdir()


def socket(path):
    import socket as sockets

    sockets.socket(sockets.AF_UNIX).bind(os.path.relpath(path))


@pytest.mark.parametrize('make', [pipe, device, loop, folder, socket])
@pytest.mark.parametrize('place', ['image', 'lines', 'instances', 'refs'])
def test_what_has_no_end_is_not_waited_for(data, monkeypatch, make, place):
    monkeypatch.chdir(data.root)
    path = data.images / '1.png' if place == 'image' else getattr(data, place)
    path.unlink()
    make(path)
    read, checked = data.open_lines() if place in ('image', 'lines') else data.open_refcoco()
    assert str(path) in read
    assert str(path) in checked


def test_a_key_that_a_line_names_twice_is_an_error(data):
    data.lines.write_text(json.dumps(data.line)[:-1] + ', "boxes": []}\n')
    read, checked = data.open_lines()
    assert 'names a key twice' in read
    assert 'names a key twice' in checked


def test_text_for_a_terminal_does_not_reach_it(data, capsys):
    from mmvg.cli.app import main

    hostile = [dict(split='\x1b[2J'), dict(expression='\x1b]0;t\x07\xc3\xa9', ref_id=7), dict(image='\x1b[31m.png')]
    lines = data.root / '\x1b[31m.jsonl'
    lines.write_text(''.join(json.dumps(data.line | fields) + '\n' for fields in hostile))
    with pytest.raises(SystemExit):
        main(['data', 'check', str(lines), '--images', 'images/train2014'])
    printed = capsys.readouterr()
    for sequence in ('\x1b]0', '\x1b[2J', '\x1b[31m', '\x07'):
        assert sequence not in printed.out + printed.err


def test_markup_in_a_file_stays_text(data, capsys):
    from mmvg.cli.app import main

    data.write_line(image='[link=http://localhost]click[/link][bold].png')
    with pytest.raises(SystemExit):
        main(['data', 'check', str(data.lines), '--images', 'images/train2014'])
    assert '[link=http' in capsys.readouterr().out
