"""The framework's page with the checks that it does not make: what a request may name, and how large it may be."""

from html import escape
from pathlib import Path
from typing import Any

import gradio as gr
from fastapi import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mmvg.webpage.limits import Limits

#: Bytes of a request that uploads nothing.
MAX_REQUEST = 1_000_000
NOT_UPLOADED = 'only a picture that was uploaded to this page can be asked about; upload it'


class GuardedBlocks(gr.Blocks):
    """A page that opens no file but those that it was given as uploads, and says so in a sentence.

    Gradio takes the path that a request names for a file that was uploaded if the request does not say that it is one,
    and fetches addresses. Here a picture is a file that came in by ``/upload``, or that the page has drawn into
    ``picture`` itself; this is checked before Gradio looks at the request.

    Attributes:
        picture: The component that takes pictures.
        limits: How much may be asked for.
        folder: Where uploads and drawings are; the oldest go when they take more than the limits allow.
    """

    picture: gr.Image | None = None
    limits = Limits()
    folder: Path | None = None

    def take_pictures(self, picture: gr.Image) -> None:
        """Let ``picture`` give the path of an upload, and nothing else, to the functions of the page."""
        drawn = picture.postprocess

        def remember(value: Any) -> Any:
            shown = drawn(value)
            if shown is not None:
                self.upload_file_set.add(shown.path)
            return shown

        picture.postprocess = remember
        picture.preprocess = self._path
        self.picture = picture

    async def preprocess_data(self, block_fn, inputs, state, explicit_call=False):
        """Check the inputs of a request, then let Gradio read them."""
        checked = [self._checked(block, value) for block, value in zip(block_fn.inputs, inputs, strict=False)]
        try:
            return await super().preprocess_data(block_fn, checked, state, explicit_call)
        except gr.Error as error:
            error.print_exception = False
            raise
        except Exception as error:
            raise refusal(f'the request cannot be read ({type(error).__name__})') from error

    async def postprocess_data(self, block_fn, predictions, state):
        """Let Gradio write the drawings of an answer, then make room for them."""
        shown = await super().postprocess_data(block_fn, predictions, state)
        if self.folder is not None:
            make_room(self.folder, int(self.limits.disk_mb * 1e6))
        return shown

    def _checked(self, block: gr.blocks.Block, value: Any) -> Any:
        """Return a value of a request, with nothing of a file but its path.

        Raises:
            gr.Error: If it names a file that was not uploaded.
        """
        if block is not self.picture:
            if _names_a_file(value):
                raise refusal(NOT_UPLOADED)
            return value
        if value is None:
            return None
        path = value.get('path') if isinstance(value, dict) else None
        if not isinstance(path, str) or path not in self.upload_file_set or not _is_kept(path):
            raise refusal(NOT_UPLOADED)
        return dict(path=path, orig_name=Path(path).name, meta=dict(_type='gradio.FileData'))

    def _path(self, payload: Any) -> str | None:
        if payload is None:
            return None
        if payload.path not in self.upload_file_set:
            raise refusal(NOT_UPLOADED)
        return payload.path


class BoundedRequests:
    """Middleware that turns away requests with too many bytes, and makes room on the disk for uploads.

    Args:
        app: What the requests are for.
        max_upload: Bytes of an upload.
        folder: Where uploads and drawings are.
        max_folder: Bytes of all files there; the oldest are deleted.
    """

    def __init__(self, app: ASGIApp, max_upload: int, folder: Path, max_folder: int) -> None:
        self.app = app
        self.max_upload = max_upload
        self.folder = folder
        self.max_folder = max_folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, unless it says that it is too large; end it when it turns out to be."""
        if scope['type'] != 'http' or scope['method'] != 'POST':
            await self.app(scope, receive, send)
            return
        uploads = scope['path'].rstrip('/').endswith('/upload')
        most = self.max_upload if uploads else MAX_REQUEST
        announced = dict(scope['headers']).get(b'content-length', b'0')
        if not announced.isdigit() or int(announced) > most:
            response = PlainTextResponse(f'the request is larger than {most / 1e6:g} MB', status_code=413)
            await response(scope, receive, send)
            return
        if uploads:
            make_room(self.folder, self.max_folder - most)
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get('body', b''))
            if received > most:
                raise HTTPException(413, f'the request is larger than {most / 1e6:g} MB')
            return message

        await self.app(scope, counted, send)


def make_room(folder: Path, max_bytes: int) -> None:
    """Delete the oldest files below ``folder`` until the others take no more than ``max_bytes``."""
    files = []
    for path in folder.rglob('*'):
        try:
            if path.is_file():
                files.append((path.stat().st_mtime, path.stat().st_size, path))
        except OSError:  # deleted meanwhile
            continue
    taken = sum(size for _, size, _ in files)
    for _, size, path in sorted(files):
        if taken <= max_bytes:
            return
        path.unlink(missing_ok=True)
        taken -= size


def refusal(message: str) -> gr.Error:
    """An error that the framework shows to whoever has asked, as text."""
    return gr.Error(escape(message, quote=False), print_exception=False)


def _is_kept(path: str) -> bool:
    return Path(path).is_file() and not Path(path).is_symlink()


def _names_a_file(value: Any, depth: int = 0) -> bool:
    """Whether a JSON value holds what Gradio could take for a file; one that is nested too deeply counts as such."""
    if isinstance(value, (dict, list)) and depth > 20:
        return True
    if isinstance(value, dict):
        return 'path' in value or any(_names_a_file(item, depth + 1) for item in value.values())
    return isinstance(value, list) and any(_names_a_file(item, depth + 1) for item in value)
