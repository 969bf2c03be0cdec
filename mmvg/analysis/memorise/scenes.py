"""Pictures of three shapes, drawn exactly, with mask, box and grasp of the one that is asked for."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmvg.masks import encode_mask
from mmvg.pictures import write_image
from mmvg.structures import fold_angle

_BACKGROUND = (60, 70, 80)
_COLOURS = dict(red=(40, 40, 220), green=(60, 180, 60), blue=(200, 120, 30))
#: Words of the sentences that go with the scenes.
VOCABULARY = ('[PAD]', '[UNK]', '[BOS]', '[EOS]', 'the', 'one', *_COLOURS)

#: x, y, long side, short side and angle of a shape, and whether it is an ellipse; in pixels, from the corner.
Shape = tuple[float, float, float, float, float, bool]


def draw_scenes(
    folder: str | Path,
    sizes: Sequence[tuple[int, int]] = ((112, 84), (84, 112)),
    count: int = 8,
    seed: int = 0,
    move: int = 28,
) -> list[dict]:
    """Draw ``count`` pictures, and return data items as a dataset has them.

    A picture has a red, a green and a blue shape, turned rectangles or ellipses; the one that is asked for has a grasp
    across its narrow side. Pictures are anti-aliased; a pixel is of the mask if its centre is. Pictures 2 i and 2 i + 1
    show the same, but for a move by ``move`` pixels along the longer side, which an item has as ``move``, (x, y).

    Args:
        folder: Where PNG files and ``vocab.txt`` go.
        sizes: (width, height) of the pictures, in turn, one for two of them.
        count: Number of pictures, even.
        seed: Of the places and shapes.
        move: In pixels. Of the shapes, so that the background stays.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / 'vocab.txt').write_text('\n'.join(VOCABULARY) + '\n', encoding='utf-8')
    random = np.random.default_rng(seed)
    items = []
    for index in range(0, count, 2):
        width, height = sizes[index // 2 % len(sizes)]
        colours = [*_COLOURS][index // 2 % 3 :] + [*_COLOURS][: index // 2 % 3]
        shapes = _place_shapes(width, height, random)
        # towards the middle of the picture, for the last of the shapes, which is asked for
        along_x = width >= height
        back = shapes[-1][0] > width / 2 if along_x else shapes[-1][1] > height / 2
        step = np.array([1, 0] if along_x else [0, 1]) * (-move if back else move)
        for number, offset in ((index, (0, 0)), (index + 1, step)):
            moved = [(x + offset[0], y + offset[1], *rest) for x, y, *rest in shapes]
            items.append(_draw(folder / f'{number}.png', number, width, height, moved, colours))
            items[-1]['move'] = np.array(offset)
    return items


def _place_shapes(width: int, height: int, random: np.random.Generator) -> list[Shape]:
    """Three shapes in three quarters of the picture, so that no shape covers another."""
    side = max(width, height)
    shapes = []
    for place in random.permutation(4)[:3]:
        x = width * (0.27 + 0.46 * (place % 2)) + side * random.uniform(-0.02, 0.02)
        y = height * (0.27 + 0.46 * (place // 2)) + side * random.uniform(-0.02, 0.02)
        long, short = side * random.uniform(0.28, 0.33), side * random.uniform(0.15, 0.18)
        theta = random.uniform(-np.pi / 2, np.pi / 2)
        shapes.append((x, y, long, short, theta, bool(random.integers(2))))
    return shapes


def _draw(path: Path, index: int, width: int, height: int, shapes: list[Shape], colours: Sequence[str]) -> dict:
    """Write the picture of ``shapes``, of which the last is asked for, and return its data item."""
    image = np.full((height, width, 3), _BACKGROUND, np.float64)
    for shape, colour in zip(shapes, colours, strict=True):
        covered = _inside(width, height, shape, (np.arange(4) + 0.5) / 4).mean(0)
        image += covered[..., None] * (np.array(_COLOURS[colour]) - image)
    write_image(path, np.rint(image).astype(np.uint8))
    mask = _inside(width, height, shapes[-1], (0.5,))[0]
    rows, columns = np.nonzero(mask)
    box = [float(v) for v in (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)]
    x, y, _, short, theta, _ = shapes[-1]
    # from corners to centres of pixels, as grasps are counted; across the narrow side
    grasp = [x - 0.5, y - 0.5, 1.2 * short, max(width, height) / 8, fold_angle(theta + np.pi / 2)]
    return dict(
        dataset='scenes',
        img_id=index,
        ref_id=index,
        sent_id=index,
        img_path=str(path),
        height=height,
        width=width,
        text=f'the {colours[-1]} one',
        no_target=False,
        instances=[dict(bbox=box, bbox_label=0, ignore_flag=0, ann_id=index, mask=encode_mask(mask))],
        grasps=np.array([grasp]),
    )


def _inside(width: int, height: int, shape: Shape, offsets: Sequence[float]) -> np.ndarray:
    """Whether points of each pixel, ``offsets`` from its corner along both axes, are inside: (K * K, H, W) bool."""
    x, y, long, short, theta, is_round = shape
    found = []
    for dy in offsets:
        for dx in offsets:
            columns, rows = np.meshgrid(np.arange(width) + dx - x, np.arange(height) + dy - y)
            along = columns * np.cos(theta) - rows * np.sin(theta)
            across = columns * np.sin(theta) + rows * np.cos(theta)
            u, v = 2 * along / long, 2 * across / short
            found.append(u**2 + v**2 <= 1 if is_round else np.maximum(abs(u), abs(v)) <= 1)
    return np.stack(found)
