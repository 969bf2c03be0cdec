"""Requests that are answered."""

import base64
import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from mmvg.apis import read_image
from mmvg.masks import decode_mask
from mmvg.structures import Answer

SENTENCES = ['the red ring', 'both stars', 'the large mug on the left']


def in_base64(path):
    return base64.b64encode(path.read_bytes()).decode()


def alone(served, name, picture, sentence, score_thr=None):
    """The answer of the inferencer to one question, computed alone."""
    find = served.models.get(name).find
    return find(read_image(picture), sentence, score_thr=score_thr)['predictions'][0]


def assert_same(answer, other):
    """As exactly as docs/running.md promises for batches of other sizes."""
    assert {**answer, 'image': None}.keys() == {**other, 'image': None}.keys()
    answer, other = Answer.from_record(answer), Answer.from_record(other)
    assert (answer.expression, answer.size, answer.score_thr) == (other.expression, other.size, other.score_thr)
    assert answer.no_target == other.no_target
    assert answer.target_score == pytest.approx(other.target_score, abs=1e-5)
    np.testing.assert_allclose(answer.scores, other.scores, atol=1e-5)
    np.testing.assert_allclose(answer.boxes, other.boxes, atol=0.01)
    np.testing.assert_allclose(answer.points, other.points, atol=0.01)
    for mine, its in zip([answer.mask, *answer.masks], [other.mask, *other.masks], strict=True):
        assert (mine != its).mean() < 1e-4


def test_an_upload_is_answered_in_the_one_form_of_answers(http, served, picture):
    with picture.open('rb') as file:
        answer = http.post('/v1/ground', files=dict(image=file), data=dict(sentences=SENTENCES))
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body['version'], body['model']) == (2, 'a')
    assert [record['image'] for record in body['predictions']] == ['scene.png'] * 3
    for record, sentence in zip(body['predictions'], SENTENCES, strict=True):
        assert_same(record, alone(served, 'a', picture, sentence))


def test_json_asks_another_model_with_another_threshold_and_gets_all_candidates(http, served, picture):
    question = dict(image=in_base64(picture), sentences=['the red ring'], model='b', score_thr=0.3, whole=True)
    body = http.post('/v1/ground', json=question).json()
    (record,) = body['predictions']
    kept = record.pop('candidates')
    assert body['model'] == 'b'
    assert record['score_thr'] == 0.3
    assert len(kept['scores']) >= len(record['scores'])
    assert_same(record, alone(served, 'b', picture, 'the red ring', 0.3))
    question['image'] = f'data:image/png;base64,{question["image"]}'
    assert http.post('/v1/ground', json=question).json()['predictions'][0]['boxes'] == record['boxes']


def test_a_picture_below_the_folder_of_the_server_is_opened_by_its_path(http, picture):
    body = http.post('/v1/ground', json=dict(path='scene.png', sentences=['the red ring'])).json()
    assert body['predictions'][0]['image'] == 'scene.png'


def test_requests_of_many_clients_share_batches_and_each_gets_its_own_answer(http, served, picture):
    words = ['zero', 'one', 'two', 'three', 'four', 'five']
    content = in_base64(picture)

    def visit(number):
        sentences = [f'the red ring {words[(number + part) % 6]}' for part in range(1 + number % 3)]
        answer = http.post('/v1/ground', json=dict(image=content, sentences=sentences))
        return sentences, answer.json()['predictions']

    with ThreadPoolExecutor(12) as pool:
        for sentences, records in pool.map(visit, range(24)):
            for sentence, record in zip(sentences, records, strict=True):
                assert_same(record, alone(served, 'a', picture, sentence))
    sizes = dict(re.findall(r'mmvg_batch_size_bucket\{le="(\d+)\.0",model="a"\} (\d+)\.0', http.get('/metrics').text))
    count = int(re.search(r'mmvg_batch_size_count\{model="a"\} (\d+)\.0', http.get('/metrics').text)[1])
    assert int(sizes['2']) < count, 'no batch had more than two sentences'


def test_masks_are_those_of_the_upright_picture(http, picture):
    record = http.post('/v1/ground', json=dict(path='scene.png', sentences=['the red ring'])).json()['predictions'][0]
    assert decode_mask(record['mask']).shape == read_image(picture).shape[:2] == tuple(record['size'])


def test_the_server_describes_itself(http):
    names = [model['name'] for model in http.get('/v1/models').json()['models']]
    assert names == ['a', 'b']
    described = http.get('/openapi.json').json()
    ground = described['paths']['/v1/ground']['post']
    assert set(ground['requestBody']['content']) == {'application/json', 'multipart/form-data'}
    assert {'200', '400', '413', '422', '503', '504'} <= set(ground['responses'])
    assert described['components']['schemas']['AnswerRecord']['required'][:2] == ['version', 'expression']
    assert http.get('/docs').status_code == 404  # such a page would fetch its scripts from elsewhere


def test_health_and_metrics(http):
    assert http.get('/healthz').json() == dict(status='ok')
    assert http.get('/readyz').json() == dict(status='ready')
    http.post('/v1/ground', json=dict(path='scene.png', sentences=['the red ring']))
    page = http.get('/metrics')
    assert page.headers['content-type'].startswith('text/plain')
    for name in (
        'mmvg_requests_total{status="200"}',
        'mmvg_sentences_total{model="a"}',
        'mmvg_request_seconds_count',
        'mmvg_queue_seconds_sum{model="a"}',
        'mmvg_waiting_sentences{model="a"} 0.0',
        'mmvg_open_requests 0.0',
    ):
        assert name in page.text
