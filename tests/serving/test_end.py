"""How ``mmvg serve`` begins and ends, as a process of its own."""

import base64
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

pytestmark = pytest.mark.slow


@pytest.fixture
def start(random_checkpoint, tmp_path):
    """Function: start a server with further options; returns the process and the address."""
    started = []

    def call(*options):
        checkpoint = random_checkpoint('instancevg', 0, score_thr=0.05)
        process = subprocess.Popen(
            [sys.executable, '-m', 'mmvg', 'serve', f'tiny={checkpoint}', '--port', '0', '--device', 'cpu', *options],
            stdout=subprocess.PIPE,
            stderr=(tmp_path / 'log').open('w'),
            text=True,
            env=dict(os.environ, PYTHONUNBUFFERED='1'),
        )
        started.append(process)
        lines = iter(process.stdout.readline, '')
        line = next((line for line in lines if line.startswith('tiny: http://127.0.0.1:')), None)
        assert line is not None, (tmp_path / 'log').read_text()
        return process, re.search(r'http://[\d.]+:\d+', line)[0]

    yield call
    for process in started:
        process.kill()
        process.wait()


def test_sigterm_answers_what_is_queued_takes_nothing_new_and_ends_without_an_error(start, picture):
    process, address = start('--max-batch', '1')
    question = dict(image=base64.b64encode(picture.read_bytes()).decode(), sentences=['the red ring'] * 4)

    def ask(_):
        return httpx.post(f'{address}/v1/ground', json=question, timeout=60)

    with ThreadPoolExecutor(24) as pool:
        asked = [pool.submit(ask, number) for number in range(24)]
        until = time.monotonic() + 30
        while not any(future.done() for future in asked) and time.monotonic() < until:
            time.sleep(0.005)
        queued = httpx.get(f'{address}/metrics').text
        process.send_signal(signal.SIGTERM)
        answers = [future.result() for future in asked]
    assert float(re.search(r'mmvg_waiting_sentences\{model="tiny"\} ([\d.]+)', queued)[1]) > 0, 'nothing was queued'
    assert {answer.status_code for answer in answers} == {200}
    with pytest.raises(httpx.ConnectError):
        ask(0)
    assert process.wait(30) == 0
    assert 'all that was taken is answered' in process.stdout.read()


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (['nothing_of_this_name'], 'nothing_of_this_name'),
        (['instancevg_refshapes', '--max-sentences', '0'], 'the limit sentences must be more than 0'),
        (['instancevg_refshapes', '--folder', '/no/such/folder'], '/no/such/folder: there is no such folder'),
    ],
)
def test_a_mistake_ends_with_a_sentence_before_the_door_opens(words, message):
    done = subprocess.run([sys.executable, '-m', 'mmvg', 'serve', *words], capture_output=True, text=True)
    assert done.returncode == 2
    assert message in done.stderr
    assert 'Traceback' not in done.stderr
