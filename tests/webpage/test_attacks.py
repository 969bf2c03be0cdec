"""The page under attack, over HTTP: what a request may name, how large it may be, and that nobody waits for others."""

import asyncio
import json
import os
import struct
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

httpx = pytest.importorskip('httpx')
pytest.importorskip('gradio', reason='the page needs Gradio: pip install -r requirements/web.txt')

from mmvg.webpage.guarded_blocks import NOT_UPLOADED, make_room  # noqa: E402
from mmvg.webpage.limits import Limits  # noqa: E402
from mmvg.webpage.page import build_page  # noqa: E402

JSON = {'content-type': 'application/json'}
META = dict(_type='gradio.FileData')


class Visitor:
    """Speaks to the page as a browser does, or as somebody who writes requests by hand."""

    def __init__(self, url):
        self.http = httpx.Client(base_url=f'{url}gradio_api', timeout=60)

    def upload(self, content, name='photo.png'):
        answer = self.http.post('/upload', files=dict(files=(name, content)))
        answer.raise_for_status()
        return dict(path=answer.json()[0], meta=META)

    def find(self, label, picture, text='the red ring', threshold=0.05, parts=('boxes', 'masks')):
        """What the page answers: gallery, table, records, problem; or the sentence of an error."""
        return self.ask('find', [label, picture, text, threshold, list(parts)])

    def ask(self, function, data):
        body = json.dumps(dict(data=data)).replace('Infinity', '1e400')
        answer = self.http.post(f'/call/{function}', content=body, headers=JSON)
        if answer.status_code != 200:
            return answer.text
        with self.http.stream('GET', f'/call/{function}/{answer.json()["event_id"]}') as events:
            for line in events.iter_lines():
                if line.startswith('event: '):
                    kind = line.removeprefix('event: ')
                elif line.startswith('data: ') and kind in ('complete', 'error'):
                    content = json.loads(line.removeprefix('data: '))
                    return content[-4:] if kind == 'complete' else (content or {}).get('error', content)
        return None


@pytest.fixture
def visitor(page_url):
    return Visitor(page_url)


@pytest.fixture(scope='module')
def label(session):
    return next(iter(session.choices))


@pytest.fixture(scope='module')
def png(picture):
    return picture.read_bytes()


@pytest.fixture(scope='module')
def secret(tmp_path_factory):
    """A picture of the server that nobody has uploaded."""
    path = tmp_path_factory.mktemp('private') / 'secret.png'
    cv2.imwrite(str(path), np.full((40, 40, 3), 77, np.uint8))
    return path


def forms(path):
    """The ways in which a request can name a file."""
    path = str(path)
    return [
        dict(path=path),
        dict(path=path, meta=META),
        dict(path=path, meta=dict(_type='another')),
        dict(path=path, url=f'/gradio_api/file={path}', meta=META),
        dict(path=path, is_stream=True, meta=META),
        dict(path=None, url=f'file://{path}'),
        dict(url=f'/gradio_api/file={path}', meta=META),
        path,
        [dict(path=path, meta=META)],
        dict(image=dict(path=path)),
    ]


@pytest.mark.parametrize('number', range(10))
def test_no_file_of_the_server_is_read_and_nobody_learns_which_are_there(visitor, label, secret, number):
    said = {
        str(visitor.find(label, forms(path)[number])).replace(str(path), 'PATH')
        for path in ('/etc/passwd', secret, secret.parent, '/etc/shadow', '/no/such/file.png', '/dev/zero')
    }
    assert said == {NOT_UPLOADED}


def test_addresses_are_not_fetched(visitor, label, monkeypatch):
    async def fetch(*_, **__):
        raise AssertionError('an address was fetched')

    monkeypatch.setattr('gradio.processing_utils.async_ssrf_protected_download', fetch)
    for address in ('http://127.0.0.1:1/a.png', 'https://example.org/a.png', 'ftp://example.org/a.png'):
        for form in (dict(path=address, meta=META), dict(path=address), dict(path='', url=address, meta=META)):
            assert visitor.find(label, form) == NOT_UPLOADED


def test_uploads_of_others_cannot_be_found_and_ones_own_only_under_its_full_name(page_url, visitor, label, png):
    mine, other = visitor.upload(png), Visitor(page_url)
    folder, path = Path(mine['path']).parent, mine['path']
    assert visitor.find(label, mine)[3] == ''
    near = [
        folder,
        folder.parent,
        folder / 'another.png',
        f'{folder}/../{folder.name}/photo.png',
        f'{path}/',
        f'./{path}',
    ]
    for guess in near:
        assert other.find(label, dict(path=str(guess), meta=META)) == NOT_UPLOADED
    assert other.http.get(f'/file={folder}').status_code in (403, 404)
    assert len(folder.name) == 64  # a hash of the content stands in the path: to know it is to have the picture
    assert folder.parent.stat().st_mode & 0o077 == 0


def test_a_link_among_the_uploads_is_not_followed(visitor, label, png, secret):
    mine = visitor.upload(png, 'link.png')
    Path(mine['path']).unlink()
    Path(mine['path']).symlink_to(secret)
    assert visitor.find(label, mine) == NOT_UPLOADED


@pytest.mark.parametrize('place', [0, 2, 3, 4])
def test_other_parts_of_a_request_name_no_files_either(visitor, label, png, secret, place):
    data = [label, visitor.upload(png), 'the red ring', 0.05, ['boxes']]
    data[place] = [dict(path=str(secret), meta=META)] if place == 4 else dict(path=str(secret), meta=META)
    assert visitor.ask('find', data) == NOT_UPLOADED


WRONG = [
    dict(text=None),
    dict(text='\n'.join(['ring'] * 33)),
    dict(text='r' * 501),
    dict(text='ring ' * 100_000),
    dict(text='\u2028\x00...'),
    dict(text=[1, 2]),
    dict(text={'a': 1}),
    dict(threshold='high'),
    dict(threshold=None),
    dict(threshold=-1),
    dict(threshold=1e400),
    dict(parts=['walls']),
    dict(parts='boxes!'),
    dict(label='/etc/passwd'),
    dict(label=None),
    dict(label=['a']),
    dict(label=3),
]


@pytest.mark.parametrize('wrong', WRONG, ids=lambda wrong: str(wrong)[:30])
def test_what_is_typed_wrong_ends_in_a_sentence_and_the_next_request_is_answered(visitor, label, png, wrong):
    upload = visitor.upload(png)
    question = dict(label=label, picture=upload, text='the red ring', threshold=0.05, parts=['boxes']) | wrong
    said = visitor.find(**question)
    sentence = said if isinstance(said, str) else said[3]
    assert sentence
    assert 'Traceback' not in sentence
    assert '/tmp' not in sentence
    assert 'something went wrong' not in sentence
    assert visitor.find(label, upload)[3] == ''


@pytest.mark.parametrize('body', [b'', b'{', b'[]', b'{"data": 3}', b'{"data": []}', b'{"data": [1]}', b'[' * 10_000])
def test_requests_that_are_no_questions_are_turned_away(visitor, label, png, body):
    answer = visitor.http.post('/call/find', content=body, headers=JSON)
    assert answer.status_code in (200, 400, 422, 500)
    assert 'site-packages' not in answer.text
    assert visitor.find(label, visitor.upload(png))[3] == ''


def test_requests_and_uploads_are_bounded(visitor, label, png):
    assert visitor.http.post('/call/find', json=dict(data=['x' * 2_000_000])).status_code == 413
    chunks = (b'x' * 100_000 for _ in range(20))
    assert visitor.http.post('/call/find', content=chunks).status_code in (400, 413)
    assert visitor.http.post('/run/find', json=dict(data=[label, None, 'ring', 0.5, []])).status_code == 404
    big = visitor.http.post('/upload', files=dict(files=('big.png', bytes(51_000_000))))
    assert big.status_code == 413
    assert visitor.find(label, visitor.upload(png))[3] == ''


def test_drawings_take_no_more_of_the_disk_than_is_allowed(session, tmp_path, monkeypatch):
    monkeypatch.setenv('GRADIO_TEMP_DIR', str(tmp_path))
    page = build_page(session)
    page.limits = Limits(disk_mb=0.1, upload_mb=0.05)
    draws = next(function for function in page.fns.values() if page.picture in function.outputs)
    for seed in range(6):
        noise = np.random.default_rng(seed).integers(0, 256, (100, 100, 3), np.uint8)  # 30 kB
        shown, _ = asyncio.run(page.postprocess_data(draws, [noise, 'the ring'], None))
        assert Path(shown['path']).is_file()
        assert sum(file.stat().st_size for file in tmp_path.rglob('*') if file.is_file()) <= 100_000


def test_only_so_much_disk_is_taken(tmp_path):
    for number in range(4):
        path = tmp_path / f'{number}/a.png'
        path.parent.mkdir()
        path.write_bytes(bytes(100))
        os.utime(path, (number, number))
    make_room(tmp_path, 250)
    assert sorted(path.parent.name for path in tmp_path.rglob('*.png')) == ['2', '3']
    make_room(tmp_path, 250)
    assert len(list(tmp_path.rglob('*.png'))) == 2


def bomb(side):
    """A PNG of a few kilobytes that unfolds to ``side`` x ``side`` pixels."""

    def chunk(kind, data):
        return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))

    squeeze = zlib.compressobj(9)
    rows = b''.join(squeeze.compress(bytes(1 + 3 * side)) for _ in range(side)) + squeeze.flush()
    head = struct.pack('>IIBBBBB', side, side, 8, 2, 0, 0, 0)
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', head) + chunk(b'IDAT', rows) + chunk(b'IEND', b'')


def test_bombs_are_refused_at_once(visitor, label, png):
    upload = visitor.upload(bomb(8000), 'bomb.png')
    start = time.monotonic()
    said = visitor.find(label, upload)[3]
    assert time.monotonic() - start < 3
    assert 'bomb.png: has 8000 x 8000 pixels, more than the 32 million' in said
    assert visitor.find(label, visitor.upload(png))[3] == ''


@pytest.mark.parametrize('content', [b'', b'notes\n', b'<svg xmlns="x"/>', b'\x89PNG\r\n\x1a\n' + bytes(99)])
def test_uploads_that_are_no_pictures_are_named_without_their_folder(visitor, label, content):
    said = visitor.find(label, visitor.upload(content, 'my photo.jpg'))[3]
    assert 'my photo.jpg: ' in said
    assert '/' not in said.replace('</div>', '')


def test_twenty_visitors_at_once_all_get_their_own_answer(page_url, label, png):
    def visit(number):
        visitor = Visitor(page_url)
        upload = visitor.upload(png)
        words = ['zero', 'one', 'two', 'three', 'four'][number % 5]
        if number % 4 == 3:
            return visitor.find(label, upload, '...')
        return visitor.find(label, upload, f'the red ring {words}')

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(visit, range(20)))
    for number, (gallery, _, records, problem) in enumerate(answers):
        if number % 4 == 3:
            assert 'no word in it' in problem
        else:
            assert problem == ''
            assert len(gallery) == 1
            assert records[0]['expression'] == f'the red ring {["zero", "one", "two", "three", "four"][number % 5]}'


def test_more_than_can_wait_are_turned_away_and_the_others_answered(session, label, png):
    from mmvg.webpage.limits import Limits
    from mmvg.webpage.page import build_page, launch_page

    page = build_page(session)
    page.limits = Limits(waiting=2)
    try:
        url = launch_page(page, block=False)
        with ThreadPoolExecutor(12) as pool:
            answers = list(pool.map(lambda _: Visitor(url).find(label, Visitor(url).upload(png)), range(12)))
        answered = [answer for answer in answers if not isinstance(answer, str)]
        assert answered
        assert all(answer[3] == '' for answer in answered)
        assert all('ueue' in answer for answer in answers if isinstance(answer, str))
        assert Visitor(url).find(label, Visitor(url).upload(png))[3] == ''
    finally:
        page.close(verbose=False)


def test_nothing_that_the_page_says_of_itself_names_its_folders(page_url, work_dirs):
    config = httpx.get(f'{page_url}config').text
    assert str(work_dirs) not in config
    assert str(Path.home()) not in config
