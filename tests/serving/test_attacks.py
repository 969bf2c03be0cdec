"""Requests that are wrong, hostile or too many: each ends in JSON that says why, and the next one is answered."""

import base64
import io
import json
import socket
import struct
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import httpx
import pytest
from PIL import Image

from mmvg.serving.limits import ServingLimits

JSON = {'content-type': 'application/json'}


@pytest.fixture
def good(picture):
    return dict(image=base64.b64encode(picture.read_bytes()).decode(), sentences=['the red ring'])


def refused(answer, status, code):
    """The sentence of an error."""
    assert answer.status_code == status, answer.text
    error = answer.json()['error']
    assert error['code'] == code, error
    assert '/tmp' not in error['message']
    assert 'Traceback' not in error['message']
    return error['message']


def assert_alive(http, good):
    assert http.post('/v1/ground', json=good).status_code == 200
    assert http.get('/healthz').status_code == 200


def png(width, height, rows):
    def chunk(kind, content):
        return struct.pack('>I', len(content)) + kind + content + struct.pack('>I', zlib.crc32(kind + content))

    header = chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0))
    return b'\x89PNG\r\n\x1a\n' + header + chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b'')


def jpeg():
    stream = io.BytesIO()
    Image.new('RGB', (64, 48)).save(stream, 'JPEG')
    return stream.getvalue()


PICTURES = {
    'a bomb of 64 megapixels': png(8000, 8000, bytes(24_001 * 100)),
    'a bomb of 2.5 gigapixels': png(50_000, 50_000, bytes(1000)),
    'the largest sides': png(2**31 - 1, 2**31 - 1, b''),
    'no pixels': png(0, 0, b''),
    'cut off': jpeg()[:150],
    'a JPEG of another size': jpeg().replace(struct.pack('>HH', 48, 64), struct.pack('>HH', 65535, 65535)),
    'many scans': jpeg() + b'\xff\xda' * 200,
    'text': b'the red ring',
    'HTML': b'<!DOCTYPE html><script>alert(1)</script>',
    'an SVG': b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
    'EPS': b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 48\n(touch executed) (r) file\n%%EOF',
    'a pickle': b'\x80\x04cposix\nsystem\n.',
    'zeros': bytes(1000),
}


@pytest.mark.parametrize('name', PICTURES)
def test_a_hostile_picture_is_named_and_the_next_request_is_answered(http, good, name):
    start = time.monotonic()
    message = refused(
        http.post('/v1/ground', files=dict(image=('p.png', PICTURES[name])), data=good | {'image': []}),
        422,
        'bad_picture',
    )
    assert message.startswith('p.png: ')
    in_json = good | dict(image=base64.b64encode(PICTURES[name]).decode())
    refused(http.post('/v1/ground', json=in_json), 422, 'bad_picture')
    assert time.monotonic() - start < 5
    assert_alive(http, good)


BODIES = {
    'nothing': (b'', 'bad_json'),
    'half an object': (b'{"image": "', 'bad_json'),
    'a list': (b'[1, 2]', 'bad_json'),
    'a number': (b'3', 'bad_json'),
    'no text': (b'\xff\xfe\x00', 'bad_json'),
    'a deep list': (b'[' * 100_000, 'bad_json'),
    'a long number': (b'{"score_thr": ' + b'9' * 10_000 + b'}', 'bad_json'),
    'an empty object': (b'{}', 'bad_request'),
}


@pytest.mark.parametrize('name', BODIES)
def test_a_body_that_is_no_question_is_refused(http, good, name):
    body, code = BODIES[name]
    refused(http.post('/v1/ground', content=body, headers=JSON), 400, code)
    assert_alive(http, good)


WRONG = [
    (dict(sentences='the red ring'), 400, 'bad_request'),
    (dict(sentences=[]), 400, 'bad_request'),
    (dict(sentences=[3]), 400, 'bad_request'),
    (dict(sentences=None), 400, 'bad_request'),
    (dict(sentences=['...']), 422, 'bad_sentence'),
    (dict(sentences=['ring'] * 9), 422, 'bad_sentence'),
    (dict(sentences=['r' * 101]), 422, 'bad_sentence'),
    (dict(sentences=['\ud800 ring']), 422, 'bad_sentence'),
    (dict(score_thr='high'), 400, 'bad_request'),
    (dict(score_thr=2), 400, 'bad_request'),
    (dict(score_thr=float('nan')), 400, 'bad_request'),
    (dict(model='c'), 404, 'unknown_model'),
    (dict(model='../../etc/passwd'), 404, 'unknown_model'),
    (dict(whole=1), 400, 'bad_request'),
    (dict(more=1), 400, 'bad_request'),
    (dict(image=None), 400, 'no_picture'),
    (dict(image=''), 400, 'no_picture'),
    (dict(image=7), 400, 'bad_request'),
    (dict(image='/etc/passwd'), 400, 'bad_base64'),
    (dict(image='http://127.0.0.1:1/a.png'), 400, 'bad_base64'),
    (dict(image='file:///etc/passwd'), 400, 'bad_base64'),
    (dict(path='scene.png'), 400, 'no_picture'),
]


@pytest.mark.parametrize(('wrong', 'status', 'code'), WRONG, ids=lambda value: str(value)[:40])
def test_a_wrong_value_is_named_and_the_next_request_is_answered(http, good, wrong, status, code):
    refused(http.post('/v1/ground', content=json.dumps(good | wrong), headers=JSON), status, code)
    assert_alive(http, good)


@pytest.mark.parametrize(
    'path', ['/etc/passwd', '../scene.png', 'nothing.png', '', '.', 'a\0b', 'x' * 5000, 'link.png', '~/a.png']
)
def test_no_file_outside_of_the_folder_is_opened(http, good, picture, tmp_path, path):
    link = picture.parent / 'link.png'
    if not link.is_symlink():
        secret = tmp_path / 'secret.png'
        secret.write_bytes(picture.read_bytes())
        link.symlink_to(secret)
    refused(http.post('/v1/ground', json=dict(path=path, sentences=['ring'])), 404, 'no_such_picture')
    assert_alive(http, good)


def test_without_a_folder_no_file_is_opened_at_all(http, served, monkeypatch):
    monkeypatch.setattr(served, 'folder', None)
    refused(http.post('/v1/ground', json=dict(path='scene.png', sentences=['ring'])), 403, 'no_paths')


def test_forms_that_are_none_are_refused(http, good, picture):
    content = picture.read_bytes()
    parts = dict(image=('a.png', content))
    form = {'content-type': 'multipart/form-data; boundary=x'}
    refused(http.post('/v1/ground', content=b'what is this', headers=form), 400, 'bad_form')
    refused(http.post('/v1/ground', content=b'x', headers={'content-type': 'multipart/form-data'}), 400, 'bad_form')
    refused(http.post('/v1/ground', files=parts, data=dict(sentences='ring', more='1')), 400, 'bad_request')
    refused(http.post('/v1/ground', files=dict(sentences=('a', b'ring'))), 400, 'no_picture')
    refused(http.post('/v1/ground', files=dict(**parts, whole=('b', b'1'))), 400, 'bad_form')
    refused(http.post('/v1/ground', files=parts), 400, 'bad_request')
    refused(http.post('/v1/ground', files=parts, data=dict(sentences=['ring'] * 50)), 400, 'bad_form')
    refused(http.post('/v1/ground', data=dict(sentences='ring')), 415, 'bad_type')
    named = dict(image=('../../etc/passwd', content))
    answer = http.post('/v1/ground', files=named, data=dict(sentences='ring'))
    assert answer.json()['predictions'][0]['image'] == 'passwd'
    assert_alive(http, good)


def test_bodies_are_bounded_before_they_are_read(http, good, served, address):
    refused(http.post('/v1/ground', content=iter([b'{}']), headers=JSON), 411, 'length_required')
    refused(http.post('/v1/ground', files=dict(image=bytes(2_100_000)), data=dict(sentences='ring')), 413, 'too_large')
    host, port = address.removeprefix('http://').split(':')
    with socket.create_connection((host, int(port)), timeout=10) as line:
        head = 'POST /v1/ground HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: '
        line.sendall(f'{head}{served.limits.body_bytes + 1}\r\n\r\n'.encode())
        assert b' 413 ' in line.recv(1000).splitlines()[0]  # though no byte of the body was sent
    assert_alive(http, good)


def test_a_body_that_never_ends_is_given_up(http, good, served, address, monkeypatch):
    monkeypatch.setattr(served, 'limits', replace(served.limits, timeout=0.3))
    host, port = address.removeprefix('http://').split(':')
    with socket.create_connection((host, int(port)), timeout=10) as line:
        head = 'POST /v1/ground HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{'
        line.sendall(head.encode())
        assert b' 504 ' in line.recv(1000).splitlines()[0]
    monkeypatch.undo()
    assert_alive(http, good)


def test_other_routes_and_methods_answer_in_json_too(http):
    refused(http.get('/nothing'), 404, 'not_found')
    refused(http.get('/v1/ground'), 405, 'method_not_allowed')


def busy_with_something_else(served):
    """While it is entered, no model computes."""
    return served.models.get('a')._turn


def test_what_does_not_fit_into_the_queue_is_refused_and_told_when_to_come(http, address, served, good, monkeypatch):
    monkeypatch.setattr(served.models.get('a').batcher, 'max_waiting', 4)
    pool = ThreadPoolExecutor(10)
    with busy_with_something_else(served):
        asked = [pool.submit(httpx.post, f'{address}/v1/ground', json=good, timeout=60) for _ in range(10)]
        until = time.monotonic() + 20
        while sum(future.done() for future in asked) < 5 and time.monotonic() < until:
            time.sleep(0.02)  # one is computed, perhaps with others, and four wait
        early = [future.result() for future in asked if future.done()]
    answers = [future.result() for future in asked]
    assert early
    for answer in early:
        assert 'wait already' in refused(answer, 503, 'busy')
        assert int(answer.headers['retry-after']) >= 1
    assert [answer.status_code for answer in answers].count(200) >= 4
    assert_alive(http, good)


def test_so_many_requests_are_open_at_once(http, address, served, good, monkeypatch):
    monkeypatch.setattr(served, 'limits', replace(served.limits, requests=1))
    pool = ThreadPoolExecutor(1)
    with busy_with_something_else(served):
        first = pool.submit(httpx.post, f'{address}/v1/ground', json=good, timeout=60)
        until = time.monotonic() + 20
        while not served._open and time.monotonic() < until:
            time.sleep(0.01)
        assert 'requests are open' in refused(http.post('/v1/ground', json=good), 503, 'busy')
    assert first.result().status_code == 200
    assert_alive(http, good)


def test_pictures_and_bodies_of_all_requests_take_so_much_memory(http, served, good, monkeypatch):
    taken = served.limits.memory_mb * 1e6 - 1000
    monkeypatch.setattr(served, '_bytes', taken)
    assert 'memory' in refused(http.post('/v1/ground', json=good), 503, 'busy')
    assert served._bytes == taken
    monkeypatch.undo()
    assert_alive(http, good)
    assert served._bytes == 0


def test_a_file_that_is_named_by_its_path_takes_memory_as_well(http, served, picture, monkeypatch):
    with Image.open(picture) as image:
        pixels = 3 * image.width * image.height
    asked = dict(path='scene.png', sentences=['ring'])
    body = served.limits.BODY_COPIES * len(httpx.Request('POST', 'http://any', json=asked).content)
    limit = served.limits.memory_mb * 1e6
    for room, answers in ((pixels + body, False), (pixels + body + picture.stat().st_size, True)):
        monkeypatch.setattr(served, '_bytes', limit - room)
        reply = http.post('/v1/ground', json=asked)
        assert reply.status_code == (200 if answers else 503), reply.text
    monkeypatch.undo()
    assert served._bytes == 0


def test_who_waits_too_long_is_told_and_is_not_computed_any_more(http, served, good, monkeypatch):
    batcher = served.models.get('a').batcher
    monkeypatch.setattr(served, 'limits', replace(served.limits, timeout=0.3))
    with busy_with_something_else(served):
        for _ in range(2):  # the second still waits in the queue
            refused(http.post('/v1/ground', json=good), 504, 'timeout')
    monkeypatch.undo()
    assert_alive(http, good)
    assert len(batcher) == 0


def test_who_leaves_is_not_computed(http, address, served, good, monkeypatch):
    computed = []
    model = served.models.get('a')
    answer = model.batcher._answer
    monkeypatch.setattr(
        model.batcher, '_answer', lambda questions: computed.extend(q.sentence for q in questions) or answer(questions)
    )
    with busy_with_something_else(served):
        for sentence in ('first ring', 'second ring'):
            with pytest.raises(httpx.ReadTimeout):
                httpx.post(f'{address}/v1/ground', json=good | dict(sentences=[sentence]), timeout=0.5)
        until = time.monotonic() + 10
        while served._open and time.monotonic() < until:
            time.sleep(0.02)
        assert served._open == 0
        assert len(model.batcher) == 0  # nor is its picture kept
    assert_alive(http, good)
    assert 'second ring' not in computed


def test_an_error_of_ours_is_logged_and_not_shown(http, served, good, monkeypatch, caplog):
    monkeypatch.setattr(served.models, 'get', lambda name: 1 / 0)
    message = refused(http.post('/v1/ground', json=good), 500, 'internal')
    assert 'division' not in message
    assert 'ZeroDivisionError' in caplog.text
    monkeypatch.undo()
    assert_alive(http, good)


def test_limits_that_no_request_could_meet_are_a_mistake():
    with pytest.raises(ValueError, match='a request may take 363 MB, which never fit into 100'):
        ServingLimits(memory_mb=100)
    with pytest.raises(ValueError, match='a request of 32 sentences would never fit where 8 may wait'):
        ServingLimits(waiting=8)
