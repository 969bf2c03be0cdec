"""Pictures that want to run a program, fill the memory or crash their decoder."""

import io
import pickle
import struct
import zlib

import pytest
from guarded import guarded
from PIL import Image

from mmvg.data_check import FindingReport
from mmvg.datasets.readers import LoadReport, read_instance_image


def chunk(kind, content):
    return struct.pack('>I', len(content)) + kind + content + struct.pack('>I', zlib.crc32(kind + content))


def png(width, height, rows, *more):
    header = chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0))
    return b'\x89PNG\r\n\x1a\n' + header + b''.join(more) + chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b'')


def saved(kind, size=(64, 48), **options):
    stream = io.BytesIO()
    Image.new('RGB', size).save(stream, kind, **options)
    return stream.getvalue()


def tiff(width, height):
    entries = ((256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1))
    entries += ((273, 4, 1, 8), (277, 3, 1, 1), (278, 4, 1, height), (279, 4, 1, 100))
    body = b''.join(struct.pack('<HHII', *entry) for entry in entries)
    return b'II*\0' + struct.pack('<I', 8) + struct.pack('<H', len(entries)) + body + bytes(4)


SOUND = saved('PNG')
PICTURES = {
    'png_of_2.5_gigapixels': png(50_000, 50_000, b''),
    'png_that_unfolds': png(50_000, 50_000, bytes(10**7)),
    'png_of_the_largest_size': png(2**31 - 1, 2**31 - 1, b''),
    'png_without_pixels': png(0, 0, b''),
    'png_text_that_unfolds': png(64, 48, bytes(48 * 193), chunk(b'zTXt', b'a\0\0' + zlib.compress(bytes(10**8)))),
    'png_profile_that_unfolds': png(64, 48, bytes(48 * 193), chunk(b'iCCP', b'a\0\0' + zlib.compress(bytes(10**8)))),
    'png_with_a_length_of_4_GB': SOUND[:33] + struct.pack('>I', 2**32 - 1) + SOUND[37:],
    'png_cut_off': SOUND[:60],
    'jpeg_of_65535': saved('JPEG').replace(struct.pack('>HH', 48, 64), struct.pack('>HH', 65535, 65535)),
    'jpeg_cut_off': saved('JPEG')[:300],
    'gif_of_65535': b'GIF89a' + struct.pack('<HH', 65535, 65535) + bytes(100),
    'bmp_of_2_gigapixels': b'BM' + struct.pack('<IIIIIIHHII', 100, 0, 54, 40, 2**30, 2, 1, 24, 0, 0) + bytes(100),
    'tiff_of_4_gigapixels': tiff(65_536, 65_536),
    'tiff_whose_directory_is_itself': b'II*\0' + struct.pack('<I', 4),
    'ppm_of_a_gigapixel': b'P6 32000 32000 255\n' + bytes(100),
    'ppm_of_long_numbers': b'P6 ' + b'9' * 10**5 + b' 1 255\n',
    'webp_cut_off': b'RIFF\xff\xff\xff\xffWEBPVP8 ' + bytes(100),
    'eps_that_runs': b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 48\n(touch executed) (r) file\n%%EOF',
    'pdf': b'%PDF-1.4\n1 0 obj<</OpenAction<</S/Launch/F(touch)>>>>',
    'wmf': b'\xd7\xcd\xc6\x9a' + bytes(100),
    'fits': b'SIMPLE  =                    T' + b' ' * 2850,
    'svg': b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
    'web_page': b'<!DOCTYPE html><script>alert(1)</script>',
    'pickle': pickle.dumps([1, 2, 3]),
    'text': b'import os; os.system("touch executed")',
    'empty': b'',
    'zip': b'PK\x03\x04' + bytes(100),
}


@pytest.mark.parametrize('name', PICTURES)
def test_it_is_named_by_reader_and_check(data, monkeypatch, name):
    monkeypatch.chdir(data.root)
    (data.images / '1.png').write_bytes(PICTURES[name])
    read, checked = data.open_lines()
    sound = (
        'png_text_that_unfolds',
        'png_profile_that_unfolds',
        'png_cut_off',
        'jpeg_cut_off',
        'png_with_a_length_of_4_GB',
    )
    assert '1.png' in read or name in sound
    assert '1.png' in checked or name in sound[:2]
    data.write_line(height=48, width=64)  # so that the reader has no reason to look
    _, checked = data.open_lines()
    assert '1.png' in checked or name in sound[:2]
    assert not (data.root / 'executed').exists()


@pytest.mark.parametrize('name', PICTURES)
def test_it_is_no_instance_image_either(tmp_path, harmless, name):
    path = tmp_path / 'instances.png'
    path.write_bytes(PICTURES[name])
    for report in (LoadReport('tolerant', evaluation=False), FindingReport()):
        outcome = guarded(lambda report=report: read_instance_image(path, 'record 1', report).shape)
        if outcome.error and outcome.error[0] == 'RecordError':
            outcome.error = None
        harmless(outcome)


def test_a_limit_can_be_raised(data, monkeypatch):
    Image.new('1', (15_000, 14_000)).save(data.images / '1.png')
    read, _ = data.open_lines()
    assert 'MMVG_MAX_IMAGE_PIXELS' in read
    monkeypatch.setenv('MMVG_MAX_IMAGE_PIXELS', '300000000')
    read, checked = data.open_lines()
    assert (read, checked) == ('', '')


def test_a_limit_that_is_no_number_is_an_error(monkeypatch):
    from mmvg.limits import limit

    monkeypatch.setenv('MMVG_MAX_IMAGE_PIXELS', '1e9')
    with pytest.raises(ValueError, match='MMVG_MAX_IMAGE_PIXELS'):
        limit('image_pixels')
