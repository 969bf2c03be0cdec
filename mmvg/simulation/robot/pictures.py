"""What a person looks at: the answer on the picture, a film of the attempt, a sheet of failures."""

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from mmvg.structures import grasps_to_corners

from ..render import Painter
from .cell import OVERVIEW, RobotCell

if TYPE_CHECKING:
    from .answers import PickAnswer

FILMS = ('.gif', '.mp4')
FRAME = 520, 390  # width and height of a film
_PAUSE = 0.8  # seconds that the first and the last frame stay
_TINT = np.array([60, 220, 60])  # of the mask of an answer


def draw_answer(image: np.ndarray, answer: 'PickAnswer | None', grasp: np.ndarray | None = None) -> np.ndarray:
    """Draw the mask of an answer and one grasp (5,) onto a picture (H, W, 3) BGR, twice as large; its jaws are red."""
    drawn = image.copy()
    if answer is not None and answer.mask is not None:
        drawn[answer.mask] = (0.6 * drawn[answer.mask] + 0.4 * _TINT).astype(np.uint8)
    drawn = cv2.resize(drawn, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    if grasp is not None:
        corners = np.rint(16 * (2 * grasps_to_corners(np.asarray(grasp)[None])[0] + 0.5)).astype(np.int32)
        for first, color in enumerate(((0, 0, 255), (255, 255, 255)) * 2):
            ends = (corners[first], corners[(first + 1) % 4])
            cv2.line(drawn, *map(tuple, np.stack(ends).tolist()), color, 2, cv2.LINE_AA, shift=4)
    return drawn


class Film:
    """Watches an attempt, and keeps a frame of it now and then.

    Args:
        rate: Frames per second of the film.
        speed: How much faster than in truth it is shown.
    """

    def __init__(self, rate: float = 10.0, speed: float = 1.5) -> None:
        self.rate, self.frames = rate, []
        self._every, self._next = speed / rate, 0.0
        self._painter: Painter | None = None

    def __call__(self, cell: RobotCell) -> None:
        if cell.data.time < self._next:
            return
        self._next = cell.data.time + self._every
        self._painter = self._painter or Painter(cell.model, *FRAME)
        self.frames.append(self._painter.picture(cell.data, OVERVIEW))

    def write(self, path: Path, title: np.ndarray | None = None) -> None:
        """Write an animated GIF or an MP4, as the name says.

        Args:
            path: Ends in one of ``FILMS``.
            title: (h, w, 3) RGB, shown in the corner of every frame: what the camera saw, with the answer.
        """
        frames = [_inset(frame, title) for frame in self.frames]
        pause = round(_PAUSE * self.rate)
        frames = frames[:1] * pause + frames + frames[-1:] * pause
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == '.gif':
            first, *others = _few_colours(frames)
            first.save(path, save_all=True, append_images=others, duration=1000 / self.rate, loop=0)
        else:
            import imageio.v3 as iio

            iio.imwrite(path, np.stack(frames), fps=self.rate, codec='libx264', plugin='FFMPEG', macro_block_size=2)


def _inset(frame: np.ndarray, title: np.ndarray | None) -> np.ndarray:
    if title is None:
        return frame
    frame = frame.copy()
    width = round(0.36 * frame.shape[1])
    small = cv2.resize(title, (width, round(width * title.shape[0] / title.shape[1])), interpolation=cv2.INTER_AREA)
    frame[4 : 4 + small.shape[0], -4 - width : -4] = small
    return frame


def _few_colours(frames: Sequence[np.ndarray]) -> list[Any]:
    """Frames in one palette, so that what stands still costs nothing."""
    from PIL import Image

    palette = Image.fromarray(np.concatenate([frames[0], frames[len(frames) // 2]])).quantize(128)
    return [Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]


def failure_sheet(rows: Sequence[tuple[str, Sequence[np.ndarray]]], columns: int = 3) -> np.ndarray:
    """Tile failures, each with its caption above its pictures (H, W, 3) RGB; returns (H', W', 3) RGB."""
    tiles = [
        _captioned(caption, np.hstack([_of_height(picture) for picture in pictures])) for caption, pictures in rows
    ]
    width = max(tile.shape[1] for tile in tiles)
    tiles = [_padded(tile, tile.shape[0], width) for tile in tiles]
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % columns)
    return np.vstack([np.hstack(tiles[start : start + columns]) for start in range(0, len(tiles), columns)])


def _of_height(picture: np.ndarray, height: int = 200) -> np.ndarray:
    width = round(height * picture.shape[1] / picture.shape[0])
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)


def _captioned(caption: str, picture: np.ndarray, lines: int = 3) -> np.ndarray:
    bar = np.full((18 * lines + 6, picture.shape[1], 3), 255, np.uint8)
    wrapped = textwrap.wrap(caption, picture.shape[1] // 8, max_lines=lines, placeholder=' ...')
    for number, line in enumerate(wrapped):
        cv2.putText(bar, line, (4, 16 + 18 * number), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (0, 0, 0), 1, cv2.LINE_AA)
    return _padded(np.vstack([bar, picture]), bar.shape[0] + picture.shape[0] + 8, picture.shape[1] + 8)


def _padded(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    below, right = height - picture.shape[0], width - picture.shape[1]
    return cv2.copyMakeBorder(picture, 0, below, 0, right, cv2.BORDER_CONSTANT, value=(255, 255, 255))
