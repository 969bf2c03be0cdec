"""``mmvg label`` as processes: killed, gone on with, with two workers, on Ray."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter

import psutil
import pytest

from mmvg.labelling.records import read_labels

pytestmark = pytest.mark.slow
SENTENCES = ['the red ring', 'both stars']


def command(pictures, out, checkpoint, *options):
    words = ['label', str(pictures), *SENTENCES, '--out', str(out), '--model', str(checkpoint), '--device', 'cpu']
    return [sys.executable, '-m', 'mmvg', *words, '--shard-size', '2', *options]


def run(*words):
    done = subprocess.run(command(*words), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def content(out):
    """Bytes of all files of a run but its lock."""
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in out.rglob('*')
        if path.is_file() and path.name != '.lock'
    }


def wait_for(condition, seconds=120):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def is_alive(process):
    """Whether a process does something still; one that nobody has waited for does not."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture(scope='module')
def checkpoint(random_checkpoint):
    return random_checkpoint('instancevg', 0, score_thr=0.05)


@pytest.fixture(scope='module')
def whole(tmp_path_factory, pictures, checkpoint):
    """A run with one worker that nothing happened to."""
    out = tmp_path_factory.mktemp('whole') / 'out'
    printed = run(pictures, out, checkpoint)
    assert '24 answers about 16 pictures' in printed
    assert '4 failed' in printed
    return out


def test_two_workers_killed_and_gone_on_with_leave_the_bytes_of_one_that_nothing_happened_to(
    tmp_path, pictures, checkpoint, whole
):
    out = tmp_path / 'out'
    first = subprocess.Popen(command(pictures, out, checkpoint, '--workers', '2'), stderr=subprocess.DEVNULL)
    wait_for(lambda: list(out.glob('done/*.json')))
    workers = psutil.Process(first.pid).children(recursive=True)
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert len(workers) >= 2
    wait_for(lambda: not any(map(is_alive, workers)), 20)  # nobody is left behind
    done = {path.name: path.stat().st_mtime_ns for path in out.glob('done/*.json')}
    assert 0 < len(done) < 8
    (out / 'jsonl/shard-000007.jsonl.4711.part').write_text('{"cut')
    damaged = out / 'jsonl' / min(done).replace('json', 'jsonl')
    damaged.write_bytes(damaged.read_bytes()[:-5])
    run(pictures, out, checkpoint, '--workers', '2')
    assert content(out) == content(whole)
    kept = [name for name in done if (out / 'done' / name).stat().st_mtime_ns == done[name]]
    assert len(kept) == len(done) - 1  # what was whole is not done again
    asked = Counter((record['image'], record['expression']) for record in read_labels(out))
    failed = [json.loads(line)['image'] for line in (out / 'failed.jsonl').read_text().splitlines()]
    assert set(asked.values()) == {1}
    assert len(asked) + 2 * len(failed) == 2 * 16


def test_a_worker_that_dies_is_replaced_and_a_second_run_beside_it_is_refused(tmp_path, pictures, checkpoint, whole):
    out = tmp_path / 'out'
    running = subprocess.Popen(command(pictures, out, checkpoint), stderr=subprocess.PIPE, text=True)
    wait_for(lambda: list(out.glob('done/*.json')))
    processes = [psutil.Process(running.pid), *psutil.Process(running.pid).children(recursive=True)]
    for process in processes:
        process.suspend()  # or it is done before the second one has begun
    second = subprocess.run(command(pictures, out, checkpoint), capture_output=True, text=True)
    for process in processes:
        process.resume()
    assert second.returncode == 2
    assert f'process {running.pid} on' in second.stderr
    for worker in psutil.Process(running.pid).children(recursive=True):
        if any('spawn_main' in word for word in worker.cmdline()):
            worker.kill()
    _, log = running.communicate()
    assert running.returncode == 0, log
    assert content(out) == content(whole)


def test_ctrl_c_ends_it_and_what_is_done_is_kept(tmp_path, pictures, checkpoint):
    out = tmp_path / 'out'
    running = subprocess.Popen(
        command(pictures, out, checkpoint),
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # which a shell in the background ignores
    )
    wait_for(lambda: list(out.glob('done/*.json')))
    running.send_signal(signal.SIGINT)
    _, log = running.communicate()
    assert running.returncode == 130, log
    assert 'the same command goes on' in log
    assert 'Traceback' not in log
    assert not list(out.rglob('*.part'))


def test_a_model_that_is_not_there_is_named_and_the_right_one_goes_on(tmp_path, pictures, checkpoint, whole):
    out = tmp_path / 'out'
    done = subprocess.run(command(pictures, out, 'nope'), capture_output=True, text=True)
    assert done.returncode == 2
    assert 'nope cannot be opened' in done.stderr
    assert 'Traceback' not in done.stderr.split('nope cannot be opened')[-1]
    assert 'memory' not in done.stderr
    run(pictures, out, checkpoint)
    assert content(out) == content(whole)


def test_ray_gives_the_same_bytes(tmp_path, pictures, checkpoint, whole):
    pytest.importorskip('ray', reason="needs the extra: pip install 'mmvg[ray]'")
    out = tmp_path / 'out'
    run(pictures, out, checkpoint, '--workers', '2', '--ray')
    assert content(out) == content(whole)


def test_sentences_come_from_a_file_or_a_pipe(tmp_path, pictures, checkpoint, whole):
    (tmp_path / 'asked.txt').write_text('\n'.join(SENTENCES) + '\n\n')
    words = [str(word) for word in (pictures, tmp_path / 'asked.txt', '--out', whole, '--model', checkpoint)]
    base = [sys.executable, '-m', 'mmvg', 'label', *words, '--device', 'cpu', '--shard-size', '2']
    assert '24 answers' in subprocess.run(base, capture_output=True, text=True, check=True).stdout  # all there already
    base[5] = '-'
    done = subprocess.run(base, input='the blue cup', capture_output=True, text=True)
    assert done.returncode == 2
    assert 'holds a run with another sentences' in done.stderr
    assert os.fspath(whole) in done.stderr
