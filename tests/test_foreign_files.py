import gzip
import io
import zipfile

import pytest

from mmvg.foreign_files import foreign_content


def zip_archive() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, 'w') as archive:
        archive.writestr('refs.json', '[]')
    return content.getvalue()


@pytest.mark.parametrize(
    ('content', 'meaning'),
    [
        (b'', 'empty'),
        (b' \n', 'empty'),
        (b'\n<!DOCTYPE html><html>404</html>', 'web page'),
        (b'<html lang="en">', 'web page'),
        (b'<HTML><svg>', 'web page'),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"></svg>', 'SVG'),
        (b'version https://git-lfs.github.com/spec/v1\noid sha256:0\n', 'git lfs pull'),
        (zip_archive(), 'zip archive'),
        (gzip.compress(b'[]'), 'gzip archive'),
    ],
    # archives hold the time of day, and all processes of a run have to collect the same names
    ids=['nothing', 'blanks', 'page', 'tag', 'page with a drawing', 'SVG', 'LFS pointer', 'zip', 'gzip'],
)
def test_what_stands_in_place_of_a_download_is_named(content, meaning):
    assert meaning in foreign_content(content)


@pytest.mark.parametrize('content', [b'[{"ref_id": 1}]', b'\x80\x04]q.', b'\x89PNG\r\n', b'hello'])
def test_other_files_pass(content):
    assert foreign_content(content) is None


def test_archives_pass_where_the_format_is_one():
    assert foreign_content(zip_archive(), archives=False) is None


def test_a_binary_length_that_begins_like_a_tag_is_no_web_page():
    header = (0x213C).to_bytes(8, 'little')  # '<!', then zeros: the length of a safetensors header
    assert foreign_content(header + b'{"weight": ...}', archives=False) is None
