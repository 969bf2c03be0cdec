"""``mmvg serve``: models behind HTTP."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from mmvg.cli.arguments import DeviceOption, ThresholdOption, TrustOption


def serve(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar='[NAME=]MODEL...', help='Checkpoints, model folders or names; the first is the default.'
        ),
    ],
    host: Annotated[str, typer.Option(help='0.0.0.0 lets other machines ask.')] = '127.0.0.1',
    port: Annotated[int, typer.Option(min=0, max=65535, help='0 takes a free one.')] = 8000,
    device: DeviceOption = None,
    backend: Annotated[
        str | None, typer.Option(help='Of exported models; default: what they were exported for.')
    ] = None,
    score_thr: ThresholdOption = None,
    trust_config: TrustOption = False,
    max_batch: Annotated[int, typer.Option(min=1, help='Sentences that are computed together.')] = 8,
    max_wait_ms: Annotated[float, typer.Option(min=0, help='How long a batch is held open for others.')] = 5,
    max_megapixels: Annotated[float, typer.Option(help='Of a picture.')] = 32,
    max_sentences: Annotated[int, typer.Option(help='Of a request.')] = 32,
    max_letters: Annotated[int, typer.Option(help='Of a sentence.')] = 500,
    max_waiting: Annotated[int, typer.Option(help='Sentences that wait for a model; more are refused.')] = 256,
    max_requests: Annotated[int, typer.Option(help='Requests at the same time; more are refused.')] = 128,
    max_upload_mb: Annotated[float, typer.Option(help='Of a file.')] = 50,
    max_memory_mb: Annotated[float, typer.Option(help='Memory for the bodies and pictures of all requests.')] = 2048,
    timeout: Annotated[float, typer.Option(help='Seconds that a request may take.')] = 60,
    stop_seconds: Annotated[float, typer.Option(min=0, help='How long the end waits for answers.')] = 30,
    folder: Annotated[
        Path | None, typer.Option(metavar='DIR', help='Let requests name pictures below it; default: none.')
    ] = None,
    log_requests: Annotated[bool, typer.Option('--log-requests', help='Log a line for every request.')] = False,
) -> None:
    """Answer over HTTP until SIGTERM or Ctrl+C.

    mmvg serve work_dirs/instancevg_refshapes/iter_1470.pth --port 8000

    Requests of several clients are computed together. /openapi.json describes it, /healthz, /readyz and /metrics tell
    how it is.
    """
    from mmvg.serving.limits import ServingLimits
    from mmvg.serving.run import GracefulServer, open_server

    limits = ServingLimits(
        megapixels=max_megapixels,
        sentences=max_sentences,
        letters=max_letters,
        waiting=max_waiting,
        requests=max_requests,
        upload_mb=max_upload_mb,
        memory_mb=max_memory_mb,
        timeout=timeout,
    )
    opened = dict(device=device, score_thr=score_thr, trust_config=trust_config, backend=backend)
    batching = dict(max_batch=max_batch, max_wait=max_wait_ms / 1000)
    server = open_server(models, limits, folder, opened, batching)
    names = ', '.join(model.name for model in server.models)

    def tell(host: str, port: int) -> None:
        print(f'{names}: http://{host}:{port}/v1/ground (Ctrl+C or SIGTERM ends it)', flush=True)

    GracefulServer(server, host, port, stop_seconds, log_requests).serve_until_told(tell)
    if server.given_up:
        print(f'{server.given_up} requests were given up; the server has ended', file=sys.stderr)
        raise typer.Exit(4)
    print('all that was taken is answered; the server has ended')
