"""``mmvg serve`` on loopback, with 1, 8 and 32 clients, against the same questions asked one by one in Python.

    python benchmarks/serve.py [--model instancevg_refshapes] [--seconds 8] [--clients 1 8 32] [--max-batch 8]

Prints p50 and p95 of the time of a request, requests per second, the mean batch, and the processor time of the server
per request. Clients ask again as soon as they are answered; each request is a picture as the file it is, and one
sentence. The server is a process of its own, the clients are threads of another one.
"""

import argparse
import base64
import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.request
from http.client import HTTPConnection
from io import BytesIO

import numpy as np
import psutil
from PIL import Image

from mmvg.refshapes import draw_scene, sample_scene

SENTENCES = ('the red ring', 'both stars', 'the large mug', 'the triangle on the left')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--model', default='instancevg_refshapes')
    parser.add_argument('--seconds', type=float, default=8, help='per number of clients')
    parser.add_argument('--clients', type=int, nargs='+', default=[1, 8, 32])
    parser.add_argument('--max-batch', type=int, default=8)
    parser.add_argument('--max-wait-ms', type=float, default=5)
    options = parser.parse_args()
    pictures = [scene_file(number) for number in range(16)]
    print('| way | requests/s | p50 ms | p95 ms | mean batch | server CPU ms a request |')
    print('| --- | ---: | ---: | ---: | ---: | ---: |', flush=True)
    print(row('one by one, in Python', *one_by_one(options.model, pictures, options.seconds)), flush=True)
    words = ['--max-batch', str(options.max_batch), '--max-wait-ms', str(options.max_wait_ms)]
    command = [sys.executable, '-m', 'mmvg', 'serve', f'model={options.model}', '--port', '0', *words]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        port = next(int(found[1]) for line in server.stdout if (found := re.search(r'http://[\d.]+:(\d+)', line)))
        for count in options.clients:
            name = f'mmvg serve, {count} client{"s" if count > 1 else ""}'
            print(row(name, *served(port, server.pid, pictures, count, options.seconds)), flush=True)
    finally:
        server.terminate()
        server.wait()


def scene_file(number: int) -> bytes:
    stream = BytesIO()
    scene = draw_scene(sample_scene(np.random.default_rng(number))).image
    Image.fromarray(np.ascontiguousarray(scene[..., ::-1])).save(stream, 'JPEG', quality=92)
    return stream.getvalue()


def one_by_one(model: str, pictures: list[bytes], seconds: float) -> tuple[list[float], float, float, float]:
    """Times of calls, the time of all, mean batch and processor time."""
    from mmvg.apis import GroundingInferencer

    find = GroundingInferencer(model, show_progress=False)
    find(pictures[0], SENTENCES[0])
    times, start, processor = [], time.monotonic(), time.process_time()
    while time.monotonic() - start < seconds:
        begin = time.monotonic()
        json.dumps(find(pictures[len(times) % 16], SENTENCES[len(times) % 4])['predictions'])
        times.append(time.monotonic() - begin)
    return times, time.monotonic() - start, 1.0, time.process_time() - processor


def served(
    port: int, process: int, pictures: list[bytes], clients: int, seconds: float
) -> tuple[list[float], float, float, float]:
    """Times of requests of several clients, the time of all, mean batch and processor time of the server."""
    bodies = [
        json.dumps(dict(image=base64.b64encode(picture).decode(), sentences=[SENTENCES[number % 4]]))
        for number, picture in enumerate(pictures)
    ]
    times: list[float] = []
    before, processor = batches(port), cpu_seconds(process)
    start = time.monotonic()

    def client(first: int) -> None:
        line = HTTPConnection('127.0.0.1', port)
        for number in range(first, 10**9):
            begin = time.monotonic()
            if begin - start > seconds:
                return
            line.request('POST', '/v1/ground', bodies[number % 16], {'Content-Type': 'application/json'})
            answer = line.getresponse()
            content = answer.read()
            if answer.status != 200:
                raise RuntimeError(content)
            times.append(time.monotonic() - begin)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - start
    count, total = (now - then for now, then in zip(batches(port), before, strict=True))
    return times, took, total / count, cpu_seconds(process) - processor


def batches(port: int) -> tuple[float, float]:
    """How many batches there were, and how many sentences in all of them."""
    page = urllib.request.urlopen(f'http://127.0.0.1:{port}/metrics').read().decode()
    found = (
        re.search(rf'^mmvg_batch_size_{name}{{model="model"}} (\S+)', page, re.MULTILINE) for name in ('count', 'sum')
    )
    return tuple(float(match[1]) for match in found)


def cpu_seconds(process: int) -> float:
    times = psutil.Process(process).cpu_times()
    return times.user + times.system


def row(name: str, times: list[float], took: float, batch: float, processor: float) -> str:
    p50, p95 = np.percentile(times, [50, 95]) * 1000
    each = 1000 * processor / len(times)
    return f'| {name} | {len(times) / took:.1f} | {p50:.1f} | {p95:.1f} | {batch:.1f} | {each:.1f} |'


if __name__ == '__main__':
    print(f'{os.cpu_count()} cores, OMP_NUM_THREADS={os.environ.get("OMP_NUM_THREADS")}', file=sys.stderr)
    main()
