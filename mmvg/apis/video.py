"""Sentences about a film or a camera: every frame is asked, drawn, and written down."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from rich.progress import Progress

from mmvg.apis.answer_records import answer_record
from mmvg.apis.questions import check_expressions
from mmvg.structures import Answer

if TYPE_CHECKING:
    from mmvg.apis.exported_inferencer import ExportedInferencer
    from mmvg.apis.inferencer import GroundingInferencer
    from mmvg.structures import GroundingSample
    from mmvg.visualization import GroundingVisualizer

#: Suffix of a film that is written -> its codec.
CODECS = {'.mp4': 'mp4v', '.avi': 'MJPG', '.mkv': 'mp4v'}
_CAMERA_FPS = 25.0  # of cameras that do not tell theirs
#: Suffixes of films that hold the number of their frames; that of others is estimated from their length.
_COUNTED = ('.avi', '.m4v', '.mov', '.mp4')
_NOT_GIVEN = 2, 0.02  # frames, and share of all, that a whole film may lack: decoders keep some, cameras drop some


class VideoError(ValueError):
    """A film cannot be read or written; the message says why and what to do."""


@dataclass
class Frame:
    """One frame that is asked.

    Args:
        number: Counted from 0, over all frames of the source.
        seconds: When it is shown, from the start.
        image: (H, W, 3) uint8 BGR.
    """

    number: int
    seconds: float
    image: np.ndarray


class FrameSource:
    """The frames of a film or a camera, every ``every``-th of them.

    Args:
        source: Path of a film, or number of a camera (0 is the first).
        every: Leave out all but every n-th frame.
        max_frames: End after so many frames; needed for a camera that nobody stops.

    Attributes:
        fps: Frames per second that are given out.
        total: How many there will be, or None if that is unknown.

    Raises:
        FileNotFoundError: If there is no such file.
        VideoError: If it cannot be opened as a film, or there is no such camera.
    """

    def __init__(self, source: str | Path | int, every: int = 1, max_frames: int | None = None) -> None:
        for name, value in (('every', every), ('max_frames', max_frames)):
            if value is not None and value < 1:
                raise VideoError(f'{name} must be 1 or more, not {value}')
        self.source = source if isinstance(source, int) else str(source)
        if isinstance(self.source, str) and not Path(self.source).is_file():
            raise FileNotFoundError(f'{self.source}: there is no such film; a camera is given by its number, such as 0')
        self.every = every
        self.max_frames = max_frames
        self._capture = cv2.VideoCapture(self.source)
        if not self._capture.isOpened():
            kind = f'there is no camera {source}' if isinstance(source, int) else f'{source}: is not a film'
            raise VideoError(f'{kind}, or OpenCV cannot open it; MP4 and AVI files can be read')
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        self._fps = fps if 0 < fps < 1000 else _CAMERA_FPS
        self.fps = self._fps / every
        self._count = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self._read = 0
        known = -(-self._count // every) if self._count > 0 else None
        self.total = min(filter(None, (known, max_frames)), default=None)

    def __iter__(self) -> Iterator[Frame]:
        """The frames in order.

        Raises:
            VideoError: If there is none at all.
        """
        number = given = 0
        while self.max_frames is None or given < self.max_frames:
            there, image = self._capture.read()
            if not there:
                break
            if number % self.every == 0:
                yield Frame(number, number / self._fps, image)
                given += 1
            number += 1
            self._read = number
        if not number:
            raise VideoError(f'{self.source}: no frame in it could be decoded; the file is cut off or empty')

    def check_whole(self) -> None:
        """Check, when the frames have ended, that a film had as many as it says; in ``*.mkv`` and the like none does.

        Raises:
            VideoError: If it is damaged or cut off.
        """
        counted = isinstance(self.source, str) and Path(self.source).suffix.lower() in _COUNTED
        wanted = self._count if self.max_frames is None else min(self._count, (self.max_frames - 1) * self.every + 1)
        frames, share = _NOT_GIVEN
        if counted and self._read < (1 - share) * wanted - frames:
            raise VideoError(
                f'{self.source}: {self._read} of {self._count} frames could be decoded and are answered; the file is '
                'damaged or cut off'
            )

    def close(self) -> None:
        """Give the file or the camera back."""
        self._capture.release()


class FilmWriter:
    """Writes pictures of one size into a film; those of another size are cut or filled up with white.

    Args:
        path: ``*.mp4``, ``*.avi`` or ``*.mkv``; its folder is made.
        fps: Pictures per second.

    Raises:
        VideoError: If the suffix is none of these.
    """

    def __init__(self, path: str | Path, fps: float) -> None:
        self.path = check_film_name(path)
        self.fps = fps
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)
        self._written = 0

    def write(self, picture: np.ndarray) -> None:
        """Add a picture (h, w, 3) uint8 RGB; the first one decides about the size.

        Raises:
            VideoError: If the film cannot be written.
        """
        if self._writer is None:
            self._open(picture)
        width, height = self._size
        canvas = np.full((height, width, 3), 255, np.uint8)
        part = picture[:height, :width]
        canvas[: part.shape[0], : part.shape[1]] = part
        self._writer.write(np.ascontiguousarray(canvas[..., ::-1]))
        self._written += 1

    def close(self) -> None:
        """Finish the film, and look at what is on the disk, of which OpenCV says nothing.

        Raises:
            VideoError: If the film is not whole.
        """
        if self._writer is None:
            return
        self._writer.release()
        film = cv2.VideoCapture(str(self.path))
        whole = film.isOpened() and film.get(cv2.CAP_PROP_FRAME_COUNT) >= self._written - 1
        film.release()
        if not whole:
            raise VideoError(f'{self.path}: the film could not be written whole; is the disk full?')

    def _open(self, picture: np.ndarray) -> None:
        self._size = tuple(side + side % 2 for side in picture.shape[1::-1])  # codecs want even sides
        self.path.parent.mkdir(parents=True, exist_ok=True)
        codec = cv2.VideoWriter.fourcc(*CODECS[self.path.suffix.lower()])
        self._writer = cv2.VideoWriter(str(self.path), codec, self.fps, self._size)
        if not self._writer.isOpened():
            raise VideoError(f'{self.path}: OpenCV cannot write this film; is the folder writable? Try *.avi')


def check_film_name(path: str | Path) -> Path:
    """Return the path of a film that can be written.

    Raises:
        VideoError: If its suffix is none of ``CODECS``.
    """
    path = Path(path)
    if path.suffix.lower() not in CODECS:
        raise VideoError(f'{path}: a film is written as {", ".join(CODECS)}')
    return path


def check_files(source: FrameSource, out: str | Path | None, json_lines: str | Path | None) -> None:
    """Check that answers are written neither over the film that is read nor over one another.

    Raises:
        VideoError: If two are one file.
    """
    named = dict(source=source.source, out=out, json_lines=json_lines)
    files = [(name, path) for name, path in named.items() if isinstance(path, (str, Path))]
    for (name, path), (other, taken) in combinations(files[::-1], 2):
        linked = os.path.exists(path) and os.path.exists(taken) and os.path.samefile(path, taken)
        if linked or os.path.realpath(path) == os.path.realpath(taken):
            raise VideoError(f'{name} {path} is the file of {other}; name another')


def answer_video(
    find: GroundingInferencer | ExportedInferencer,
    source: FrameSource,
    expressions: str | Sequence[str],
    out: str | Path | None = None,
    json_lines: str | Path | None = None,
    batch_size: int = 8,
) -> int:
    """Ask every sentence about every frame; what is done so far is whole when this is interrupted.

    Args:
        find: The model.
        source: The frames; closed at the end.
        expressions: One sentence or several.
        out: Film with the answers, one panel per sentence.
        json_lines: File with one line per frame and sentence: :func:`mmvg.apis.answer_record` with ``frame_number``
            and ``seconds``.
        batch_size: Pairs that are computed together.

    Returns:
        Number of frames.

    Raises:
        ValueError: If an expression cannot be asked, two of the files are one, or a film cannot be read or written
            whole; what could be answered is answered first.
    """
    sentences = check_expressions(expressions)
    check_files(source, out, json_lines)
    done = 0
    with ExitStack() as stack:
        stack.callback(source.close)
        writer = None if out is None else FilmWriter(out, source.fps)
        if writer is not None:
            from mmvg.visualization import GroundingVisualizer

            visualizer = GroundingVisualizer(name=f'film_{id(writer)}')
            stack.callback(writer.close)
        lines = None
        if json_lines is not None:
            Path(json_lines).parent.mkdir(parents=True, exist_ok=True)
            lines = stack.enter_context(Path(json_lines).open('w', encoding='utf-8'))
        progress = stack.enter_context(Progress(transient=True, disable=not getattr(find, 'show_progress', True)))
        task = progress.add_task('answering', total=source.total)
        for frames in _chunks(source, max(1, batch_size // len(sentences))):
            images = [frame.image for frame in frames]
            samples = find(images, sentences, batch_size=batch_size, return_datasamples=True)['predictions']
            for index, frame in enumerate(frames):
                answers = samples[index * len(sentences) : (index + 1) * len(sentences)]
                if lines is not None:
                    lines.writelines(json.dumps(row) + '\n' for row in frame_records(frame, answers, find.score_thr))
                if writer is not None:
                    writer.write(draw_frame(visualizer, frame, answers, find.score_thr))
                done += 1
            progress.advance(task, len(frames))
        source.check_whole()
    return done


def frame_records(frame: Frame, samples: Sequence[GroundingSample | Answer], score_thr: float) -> list[dict[str, Any]]:
    """A record per sentence, with the number and the time of the frame in place of an image's name."""
    records = []
    for sample in samples:
        record = answer_record(sample, score_thr)
        del record['image']
        records.append(dict(frame_number=frame.number, seconds=round(frame.seconds, 3), **record))
    return records


def draw_frame(
    visualizer: GroundingVisualizer, frame: Frame, samples: Sequence[GroundingSample | Answer], score_thr: float
) -> np.ndarray:
    """A panel (h, w, 3) uint8 RGB per sentence side by side, up to three in a row; the size never changes."""
    from mmvg.visualization import drawing

    image = np.ascontiguousarray(frame.image[..., ::-1])
    samples = [sample.to_sample() if isinstance(sample, Answer) else sample for sample in samples]
    panels = [visualizer.draw(image, sample, draw_gt=False, score_thr=score_thr, bar_lines=2) for sample in samples]
    return drawing.grid(panels, min(3, len(panels)), gap=8)


def _chunks(source: FrameSource, size: int) -> Iterator[list[Frame]]:
    chunk: list[Frame] = []
    for frame in source:
        chunk.append(frame)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
