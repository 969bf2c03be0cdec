"""The routes of the server."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from mmvg.apis.answering import Question
from mmvg.serving.batcher import QueueFullError, StoppedError
from mmvg.serving.errors import RequestError, busy
from mmvg.serving.limits import ServingLimits
from mmvg.serving.metrics import CONTENT_TYPE, ServerMetrics
from mmvg.serving.models import ServedModel, ServedModels
from mmvg.serving.reading import Asked, read_form, read_json, read_picture, read_sentences, stated_pixels
from mmvg.serving.schemas import ErrorResponse, GroundRequest, GroundResponse, UploadForm
from mmvg.structures import ANSWER_VERSION
from mmvg.version import __version__

T = TypeVar('T')
_ABOUT = 'Finds in pictures what sentences mean.'
_GONE = 499  # status for the metrics of a client that did not wait; nobody reads the response
_ERRORS = {
    400: 'The request cannot be read.',
    403: 'The server opens no files.',
    404: 'There is no such model.',
    411: 'The request does not say how long it is.',
    413: 'The request or its picture is too large.',
    415: 'It is neither JSON nor a form.',
    422: 'The picture or a sentence cannot be used.',
    503: 'Too much waits, or the server is about to end; `Retry-After` says when to come again.',
    504: 'The answer took too long.',
}


class Server:
    """What all requests share.

    Args:
        models: The models.
        metrics: The counters.
        limits: How much may be asked for.
        folder: Pictures below it may be named by their path; by default none.
    """

    def __init__(
        self, models: ServedModels, metrics: ServerMetrics, limits: ServingLimits, folder: Path | None = None
    ) -> None:
        self.models = models
        self.metrics = metrics
        self.limits = limits
        self.folder = folder
        self.stopping = False
        self.given_up = 0  # requests that were taken and not answered when the server ended
        self._open = 0
        self._bytes = 0
        self._pool = ThreadPoolExecutor(4, thread_name_prefix='mmvg-decode')

    def close(self, timeout: float | None = None) -> None:
        """Answer what waits, and end all threads."""
        self.models.close(timeout)
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def ground(self, request: Request) -> dict[str, Any]:
        """Answer one request.

        Raises:
            RequestError: If it cannot be answered.
        """
        with self._admitted(request) as length, self._reserved(self.limits.BODY_COPIES * length):
            try:
                return await asyncio.wait_for(self._ground(request), self.limits.timeout)
            except asyncio.TimeoutError:
                message = f'there was no answer within {self.limits.timeout:g} seconds'
                raise RequestError(504, 'timeout', message) from None
            except ClientDisconnect:
                raise RequestError(_GONE, 'gone', 'the client has left') from None

    async def _ground(self, request: Request) -> dict[str, Any]:
        asked = await self._read(request)
        model = self.models.get(asked.question.model)
        sentences = read_sentences(asked, self.limits)
        file = 0 if asked.question.path is None else len(asked.content)  # what comes in a body is reserved already
        with self._reserved(file + 3 * min(stated_pixels(asked.content), self.limits.pixels)):
            picture = await self._in_thread(read_picture, asked, self.limits)
            about = dict(name=asked.name, score_thr=asked.question.score_thr, whole=asked.question.whole)
            questions = [Question(picture, sentence, **about) for sentence in sentences]
            records = await self._answers(request, model, questions)
        return dict(version=ANSWER_VERSION, model=model.name, predictions=records)

    async def _read(self, request: Request) -> Asked:
        kind = request.headers.get('content-type', '').partition(';')[0].strip().lower()
        if kind not in ('application/json', 'multipart/form-data'):
            raise RequestError(415, 'bad_type', 'send application/json or multipart/form-data')
        body = await request.body()
        if kind == 'application/json':
            return await self._in_thread(read_json, body, self.limits, self.folder)
        return await read_form(request, self.limits)

    async def _answers(self, request: Request, model: ServedModel, questions: list[Question]) -> list[dict[str, Any]]:
        """Wait for the answers, unless the client leaves."""
        try:
            futures = model.batcher.submit(questions)
        except QueueFullError:
            seconds = model.batcher.seconds_to_wait()
            raise busy(f'{len(model.batcher)} sentences wait already, come back in {seconds} s', seconds) from None
        except StoppedError:
            raise _stopping() from None
        answers = asyncio.gather(*map(asyncio.wrap_future, futures), return_exceptions=True)
        left = asyncio.ensure_future(_until_gone(request))
        try:
            await asyncio.wait((answers, left), return_when=asyncio.FIRST_COMPLETED)
            if not answers.done():
                raise ClientDisconnect
            return [_record(answer) for answer in answers.result()]
        finally:
            left.cancel()
            model.batcher.forget(futures)

    async def _in_thread(self, function: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *arguments)

    @contextmanager
    def _admitted(self, request: Request) -> Iterator[int]:
        """Check what can be known before the body is read; gives its length."""
        if self.stopping:
            raise _stopping()
        stated = request.headers.get('content-length')
        if stated is None or not (stated.isascii() and stated.isdigit()):
            raise RequestError(411, 'length_required', 'say in Content-Length how long the body is')
        if (length := int(stated[:20])) > self.limits.body_bytes:
            message = f'the body has {length / 1e6:.1f} MB; at most {self.limits.body_bytes / 1e6:.1f} MB are read'
            raise RequestError(413, 'too_large', message, {'Connection': 'close'})
        if self._open >= self.limits.requests:
            raise busy(f'{self._open} requests are open already', 1)
        self._open += 1
        self.metrics.open.set(self._open)
        try:
            yield length
        finally:
            self._open -= 1
            self.metrics.open.set(self._open)

    @contextmanager
    def _reserved(self, count: int) -> Iterator[None]:
        """Hold a part of the memory that all requests share."""
        if self._bytes + count > self.limits.memory_mb * 1e6:
            raise busy('the pictures of other requests take all memory that there is for them', 1)
        self._bytes += count
        try:
            yield
        finally:
            self._bytes -= count


def build_app(server: Server) -> FastAPI:
    """Return the application: routes, errors as JSON, and its description under ``/openapi.json``."""
    app = FastAPI(title='mmvg', version=__version__, docs_url=None, redoc_url=None, description=_ABOUT)
    json_form = {'application/json': _schema(GroundRequest), 'multipart/form-data': _schema(UploadForm)}
    responses: dict[int | str, dict] = {
        status: dict(model=ErrorResponse, description=text) for status, text in _ERRORS.items()
    }

    @app.post(
        '/v1/ground',
        response_model=None,
        responses={200: dict(model=GroundResponse, description='The answers.'), **responses},
        openapi_extra=dict(requestBody=dict(required=True, content=json_form)),
        summary='Find what sentences mean in a picture',
    )
    async def ground(request: Request) -> Response:
        return await _measured(server, request)

    @app.get('/v1/models', summary='The models, the first one by default, and what may be asked for')
    async def models() -> dict[str, Any]:
        limits = {name: getattr(server.limits, name) for name in ('megapixels', 'sentences', 'letters', 'upload_mb')}
        return dict(
            models=[dict(name=model.name, score_thr=model.find.score_thr) for model in server.models], limits=limits
        )

    @app.get('/healthz', summary='200 as long as models answer; restart the server otherwise')
    async def healthz() -> Response:
        return _state(server.models.are_healthy(), 'ok', 'a model no longer answers')

    @app.get('/readyz', summary='200 as long as requests are taken')
    async def readyz() -> Response:
        return _state(not server.stopping and server.models.are_healthy(), 'ready', 'requests are not taken')

    @app.get('/metrics', summary='Numbers for Prometheus')
    async def metrics() -> Response:
        return Response(server.metrics.page(), media_type=CONTENT_TYPE)

    @app.exception_handler(HTTPException)
    async def other_errors(_: Request, error: HTTPException) -> Response:
        words = {404: 'not_found', 405: 'method_not_allowed'}
        problem = RequestError(error.status_code, words.get(error.status_code, 'bad_request'), str(error.detail))
        return _refusal(problem, dict(error.headers or {}))

    return app


async def _measured(server: Server, request: Request) -> Response:
    """Answer a request for answers, whatever happens, and count it."""
    start = time.monotonic()
    try:
        response: Response = JSONResponse(await server.ground(request))
    except RequestError as error:
        response = _refusal(error)
    except asyncio.CancelledError:
        if not server.stopping:
            raise
        server.given_up += 1
        response = _refusal(_stopping())
    except Exception:  # nobody's mistake but ours: the log says where, the client need not know
        logging.getLogger(__name__).exception('a request could not be answered')
        response = _refusal(
            RequestError(500, 'internal', 'something went wrong inside; the log of the server says what')
        )
    server.metrics.requests.labels(response.status_code).inc()
    server.metrics.seconds.observe(time.monotonic() - start)
    return response


async def _until_gone(request: Request) -> None:
    """Return when the client has closed the connection."""
    while (await request.receive())['type'] != 'http.disconnect':
        pass


def _record(answer: dict[str, Any] | BaseException) -> dict[str, Any]:
    if isinstance(answer, BaseException):
        raise answer
    return answer


def _refusal(error: RequestError, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse(error.body(), error.status, headers={**error.headers, **(headers or {})})


def _stopping() -> RequestError:
    return RequestError(503, 'stopping', 'the server is about to end', {'Retry-After': '5', 'Connection': 'close'})


def _state(good: bool, word: str, problem: str) -> Response:
    return JSONResponse(dict(status=word if good else problem), 200 if good else 503)


def _schema(model: type) -> dict[str, Any]:
    return dict(schema=model.model_json_schema())
