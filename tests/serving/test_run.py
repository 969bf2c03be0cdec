"""A server in this process that is told to end, with a model that answers when it is let."""

import socket
import threading
import time

import httpx
import numpy as np
import pytest

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
