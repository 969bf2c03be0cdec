"""Run the server until it is told to end."""

import asyncio
import math
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn

from mmvg.apis.inferencer import GroundingInferencer, check_device
from mmvg.serving.app import Server, build_app
from mmvg.serving.limits import ServingLimits
from mmvg.serving.metrics import ServerMetrics
from mmvg.serving.models import ServedModels, model_names


def open_server(
    models: Sequence[str],
    limits: ServingLimits | None = None,
    folder: str | Path | None = None,
    opened: Mapping[str, Any] | None = None,
    batching: Mapping[str, Any] | None = None,
) -> Server:
    """Load models, and let each answer once.

    Args:
        models: ``MODEL`` or ``NAME=MODEL``, see :class:`mmvg.apis.GroundingInferencer`.
        limits: How much may be asked for.
        folder: Pictures below it may be named by their path; by default none.
        opened: Further arguments of the inferencers.
        batching: ``max_batch`` and ``max_wait`` of :class:`mmvg.serving.batcher.Batcher`.

    Raises:
        FileNotFoundError: If a model or the folder is not there.
        ValueError: If a model cannot be used.
    """
    limits, opened = limits or ServingLimits(), dict(opened or {})
    check_device(opened.get('device'))
    if folder is not None and not Path(folder).is_dir():
        raise FileNotFoundError(f'{folder}: there is no such folder')
    metrics = ServerMetrics()
    inferencers = {name: GroundingInferencer(model, **opened) for name, model in model_names(models).items()}
    served = ServedModels(inferencers, metrics, max_waiting=limits.waiting, **(batching or {}))
    for model in served:
        model.warm_up()
    return Server(served, metrics, limits, None if folder is None else Path(folder))


class GracefulServer(uvicorn.Server):
    """A server that answers what it has taken when it is told to end, and then ends without an error.

    The first SIGTERM or Ctrl+C closes the door: nobody gets in, those who wait are answered. A second one ends it at
    once. Those who were not answered by then are told so, and counted in :attr:`Server.given_up`.

    Args:
        server: What is served.
        host: The address to listen at.
        port: Of it; 0 takes a free one.
        stop_seconds: How long those who wait are waited for at the end.
        log_requests: Log a line for every request.
    """

    def __init__(
        self, server: Server, host: str, port: int, stop_seconds: float = 30, log_requests: bool = False
    ) -> None:
        self.served = server
        self.stop_seconds = stop_seconds
        super().__init__(
            uvicorn.Config(
                build_app(server),
                host=host,
                port=port,
                log_level='info' if log_requests else 'warning',
                access_log=log_requests,
                timeout_graceful_shutdown=math.ceil(stop_seconds) + 5,  # who does not read an answer is not waited for
                timeout_keep_alive=30,
                server_header=False,
            )
        )

    def serve_until_told(self, listening: Callable[[str, int], None] = lambda host, port: None) -> None:
        """Listen, and return when all is answered or given up.

        Args:
            listening: Called with host and port when connections are taken.

        Raises:
            OSError: If the address is taken.
        """
        family = socket.AF_INET6 if ':' in self.config.host else socket.AF_INET
        # of a named protocol, or asyncio lets answers wait for the client's acknowledgement, 40 ms each
        with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((self.config.host, self.config.port))
            listener.listen(1024)
            listening(*listener.getsockname()[:2])
            try:
                self.run(sockets=[listener])
            finally:
                self.served.close(timeout=5)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Wait for answers, and give up those that take too long."""
        asyncio.get_running_loop().call_later(self.stop_seconds, self._give_up)
        await super().shutdown(sockets)

    def _give_up(self) -> None:
        for task in self.server_state.tasks:
            task.cancel()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end; at the second signal end at once."""
        self.force_exit = self.should_exit
        self.should_exit = self.served.stopping = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle signals as long as the server runs; uvicorn would raise them again at its end."""
        if threading.current_thread() is not threading.main_thread():
            yield  # as in tests: signals are for the main thread
            return
        numbers = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self.handle_exit) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
