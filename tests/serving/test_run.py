"""A server in this process that is told to end, with a model that answers when it is let."""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import httpx
import numpy as np
import pytest

from mmvg.cli import main
from mmvg.serving import run as serving_run
from mmvg.serving.app import Server
from mmvg.serving.limits import ServingLimits
from mmvg.serving.metrics import ServerMetrics
from mmvg.serving.models import ServedModels
from mmvg.serving.run import GracefulServer
from mmvg.structures import Candidates


class SlowModel:
    """Answers when its gate is open."""

    score_thr = 0.5

    def __init__(self):
        self.gate, self.entered = threading.Event(), threading.Event()

    def __call__(self, pictures, sentences, **_):
        self.entered.set()
        assert self.gate.wait(30)
        answers = [
            Candidates(boxes=np.zeros((0, 4)), scores=np.zeros(0), target_score=0.1).at(0.5, expression=sentence)
            for sentence in sentences
        ]
        return dict(predictions=answers)


@pytest.fixture
def start(picture):
    """Function: a server with a slow model; returns model, running server, address and thread."""
    started = []

    def call(stop_seconds=30, **limits):
        model, metrics = SlowModel(), ServerMetrics()
        server = Server(ServedModels(dict(slow=model), metrics), metrics, ServingLimits(**limits), picture.parent)
        running, told = GracefulServer(server, '127.0.0.1', 0, stop_seconds), []
        thread = threading.Thread(target=running.serve_until_told, args=(lambda *about: told.append(about),))
        thread.start()
        started.append((model, running, thread))
        while not running.started:
            time.sleep(0.01)
        return model, running, 'http://{}:{}'.format(*told[0]), thread

    yield call
    for model, running, thread in started:
        model.gate.set()
        running.handle_exit(15, None)
        thread.join(30)


QUESTION = dict(path='scene.png', sentences=['the red ring'])


def test_who_is_not_answered_in_time_is_told_and_counted(start):
    model, running, address, thread = start(stop_seconds=0.5)
    with ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(httpx.post, f'{address}/v1/ground', json=QUESTION, timeout=30) for _ in range(3)]
        assert model.entered.wait(30)
        while running.served._open < 3:
            time.sleep(0.01)
        begin = time.monotonic()
        running.handle_exit(15, None)
        answers = [future.result() for future in asked]
        assert 0.5 < time.monotonic() - begin < 10
        model.gate.set()
    for answer in answers:
        assert (answer.status_code, answer.json()['error']['code']) == (503, 'stopping')
        assert answer.headers['retry-after'] == '5'
    thread.join(30)
    assert running.served.given_up == 3


def test_who_is_answered_in_time_is_not_given_up(start):
    model, running, address, thread = start()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(httpx.post, f'{address}/v1/ground', json=QUESTION, timeout=30)
        assert model.entered.wait(30)
        running.handle_exit(15, None)
        model.gate.set()
        assert asked.result().status_code == 200
    thread.join(30)
    assert running.served.given_up == 0


def test_connections_that_ask_nothing_keep_nobody_out(start):
    model, _, address, _ = start(requests=2)
    model.gate.set()
    host, port = address.removeprefix('http://').split(':')
    idle = [socket.create_connection((host, int(port))) for _ in range(20)]
    time.sleep(0.2)
    assert httpx.get(f'{address}/healthz').json() == dict(status='ok')
    assert httpx.post(f'{address}/v1/ground', json=QUESTION, timeout=30).status_code == 200
    for line in idle:
        line.close()


@pytest.mark.parametrize(('given_up', 'code'), [(0, 0), (2, 4)])
def test_the_exit_code_says_whether_all_was_answered(monkeypatch, capsys, given_up, code):
    class Ended:
        def __init__(self, server, *about):
            server.given_up = given_up

        def serve_until_told(self, tell):
            pass

    server = Server([], ServerMetrics(), ServingLimits())
    monkeypatch.setattr(serving_run, 'open_server', lambda *about: server)
    monkeypatch.setattr(serving_run, 'GracefulServer', Ended)
    with pytest.raises(SystemExit, match=str(code)) if code else nullcontext():
        main(['serve', 'model'])
    said = capsys.readouterr()
    assert ('all that was taken is answered' in said.out) == (code == 0)
    assert ('2 requests were given up' in said.err) == (code == 4)
