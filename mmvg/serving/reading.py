"""From the body of a request to a picture and sentences; nothing in it is opened or fetched."""

import base64
import binascii
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from mmvg.datasets.readers import parse_json
from mmvg.pictures import ImageError, decode_picture, readable_formats
from mmvg.serving.errors import RequestError
from mmvg.serving.limits import ServingLimits
from mmvg.serving.schemas import GroundRequest

_FIELDS = {'image', 'sentences', 'model', 'score_thr', 'whole'}


@dataclass(frozen=True)
class Asked:
    """What a request holds, before its picture is decoded.

    Args:
        content: The file of the picture.
        name: What it is called.
        question: The rest.
    """

    content: bytes
    name: str
    question: GroundRequest


async def read_form(request: Request, limits: ServingLimits) -> Asked:
    """Read a form whose body is here already.

    Raises:
        RequestError: If it is not one, or a field is missing, unknown or wrong.
    """
    most = dict(max_files=1, max_fields=limits.sentences + len(_FIELDS), max_part_size=12 * limits.letters)
    try:
        async with request.form(**most) as form:
            return await _from_form(form, limits)
    except HTTPException as error:  # too many fields, or no form
        raise RequestError(400, 'bad_form', f'the form cannot be read: {error.detail}') from None


def read_json(body: bytes, limits: ServingLimits, folder: Path | None) -> Asked:
    """Read a JSON body.

    Args:
        body: Its bytes.
        limits: Of the server.
        folder: Pictures below it may be named; by default none.

    Raises:
        RequestError: If it is no JSON, or a key is missing, unknown or wrong.
    """
    try:
        values = parse_json(body)
    except (ValueError, RecursionError) as error:
        raise RequestError(400, 'bad_json', f'the body is no JSON that can be read: {error!s:.200}') from None
    if not isinstance(values, dict):
        raise RequestError(400, 'bad_json', 'the body must be an object: {"image": "...", "sentences": ["..."]}')
    question = _validated(values, strict=True)
    if (question.image is None) == (question.path is None):
        raise RequestError(400, 'no_picture', 'send the picture as "image", its file in base64')
    if question.path is not None:
        return _from_folder(question, limits, folder)
    text = question.image or ''
    if text.startswith('data:'):
        text = text.partition(',')[2]
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise RequestError(400, 'bad_base64', '"image" is no base64; paths and addresses are not opened') from None
    if not 0 < len(content) <= limits.upload_mb * 1e6:
        raise _wrong_size(len(content), limits)
    return Asked(content, 'picture', question.model_copy(update=dict(image=None)))


def stated_pixels(content: bytes) -> int:
    """Return how many pixels a file says that it has, 0 if it says nothing; the pixels are not decoded."""
    try:
        with Image.open(BytesIO(content), formats=readable_formats()) as image:
            return image.width * image.height
    except Exception:  # whatever is wrong, decoding says it in a sentence
        return 0


def read_picture(asked: Asked, limits: ServingLimits) -> np.ndarray:
    """Decode the picture, as (H, W, 3) uint8 BGR, upright.

    Raises:
        RequestError: If it cannot be decoded, or has too many pixels.
    """
    try:
        return decode_picture(asked.content, asked.name, max_pixels=limits.pixels)
    except ImageError as error:
        raise RequestError(422, 'bad_picture', str(error)) from None
    except MemoryError:
        raise RequestError(413, 'too_large', f'{asked.name}: there is no memory for it') from None


def read_sentences(asked: Asked, limits: ServingLimits) -> list[str]:
    """Return the sentences.

    Raises:
        RequestError: If there are too many, or one is too long or holds no word.
    """
    try:
        return limits.check_sentences(asked.question.sentences)
    except ValueError as error:
        raise RequestError(422, 'bad_sentence', str(error)) from None


async def _from_form(form: FormData, limits: ServingLimits) -> Asked:
    if unknown := sorted(set(form) - _FIELDS):
        known = ', '.join(sorted(_FIELDS))
        raise RequestError(400, 'bad_request', f'unknown field {unknown[0]!r:.80}; there are {known}')
    upload = form.get('image')
    if not isinstance(upload, UploadFile):
        raise RequestError(400, 'no_picture', 'send the picture as the file "image" of the form')
    values: dict[str, Any] = {key: form[key] for key in ('model', 'score_thr', 'whole') if key in form}
    values['sentences'] = form.getlist('sentences')
    if not 0 < (upload.size or 0) <= limits.upload_mb * 1e6:
        raise _wrong_size(upload.size or 0, limits)
    question = _validated(values, strict=False)  # the values of a form are text
    return Asked(await upload.read(), Path(upload.filename or '').name or 'picture', question)


def _from_folder(question: GroundRequest, limits: ServingLimits, folder: Path | None) -> Asked:
    if folder is None:
        raise RequestError(403, 'no_paths', 'this server opens no files; send the picture itself as "image"')
    try:
        path = (folder / (question.path or '')).resolve()
        inside = path.is_relative_to(folder.resolve()) and path.is_file()
        content = path.read_bytes() if inside and path.stat().st_size <= limits.upload_mb * 1e6 else None
    except (OSError, ValueError):  # ValueError: a null byte
        content = None
    if content is None:
        message = f'{question.path!r:.200} is no picture below the folder of the server, or a too large one'
        raise RequestError(404, 'no_such_picture', message)
    return Asked(content, str(question.path), question)


def _validated(values: dict[str, Any], strict: bool) -> GroundRequest:
    try:
        return GroundRequest.model_validate(values, strict=strict)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = '.'.join(str(part) for part in first['loc'])
        raise RequestError(400, 'bad_request', f'{where:.80}: {first["msg"]:.200}') from None


def _wrong_size(size: int, limits: ServingLimits) -> RequestError:
    if size == 0:
        return RequestError(400, 'no_picture', 'the file "image" is empty')
    return RequestError(413, 'too_large', f'the file has {size / 1e6:.1f} MB; at most {limits.upload_mb:g} MB are read')
