"""A server with two small models of random weights, whose answers depend on image and text."""

import threading
import time

import httpx
import numpy as np
import pytest
from PIL import Image

pytest.importorskip('fastapi', reason="needs the extra: pip install 'mmvg[serve]'")
pytest.importorskip('prometheus_client', reason="needs the extra: pip install 'mmvg[serve]'")

from mmvg.refshapes import draw_scene, sample_scene
from mmvg.serving.limits import ServingLimits
from mmvg.serving.run import GracefulServer, open_server


@pytest.fixture(scope='session')
def picture(tmp_path_factory):
    path = tmp_path_factory.mktemp('asked') / 'scene.png'
    scene = draw_scene(sample_scene(np.random.default_rng(3))).image
    Image.fromarray(np.ascontiguousarray(scene[..., ::-1])).save(path)
    return path


@pytest.fixture(scope='session')
def served(random_checkpoint, picture):
    """What all requests share; `limits` may be changed by a test and is put back."""
    models = [f'{name}={random_checkpoint("instancevg", seed, score_thr=0.05)}' for seed, name in enumerate('ab')]
    limits = ServingLimits(megapixels=2, upload_mb=2, sentences=8, letters=100, waiting=64, timeout=30)
    server = open_server(models, limits, picture.parent, dict(device='cpu'))
    yield server
    server.close()


@pytest.fixture(scope='session')
def address(served):
    running = GracefulServer(served, '127.0.0.1', 0)
    listening = threading.Event()
    told = []

    def tell(host, port):
        told.append(f'http://{host}:{port}')
        listening.set()

    thread = threading.Thread(target=running.serve_until_told, args=(tell,), daemon=True)
    thread.start()
    assert listening.wait(30)
    while not running.started:
        time.sleep(0.01)
    yield told[0]
    running.handle_exit(15, None)
    thread.join(30)
    assert not thread.is_alive()


@pytest.fixture
def http(address):
    with httpx.Client(base_url=address, timeout=60) as client:
        yield client
