"""Write JSON lines: every sentence, also those that mean several objects or none, with boxes, masks and grasps."""

import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from mmvg.masks import encode_mask

from ..sentences import mask_corners
from .finished_table import FinishedTable


class JSONLinesTables:
    """Writes ``jsonl/``: ``all.jsonl``, ``images`` and ``depth`` (uint16, millimetres).

    A line is a sentence of ``TableScene.sentences``. Its grasps are those on all of its objects, or on their handles
    where it speaks of them; masks are those of whole objects. Sentences about objects that no grasp lifts are left out.
    """

    folder = 'jsonl'

    def write_table(self, table: FinishedTable, root: Path) -> list[dict]:
        folder, name = root / self.folder, f'{table.index:06d}'
        for kind in ('images', 'depth'):
            (folder / kind).mkdir(parents=True, exist_ok=True)
        picture = cv2.imencode('.jpg', table.view.image, [cv2.IMWRITE_JPEG_QUALITY, 92])[1]
        (folder / 'images' / f'{name}.jpg').write_bytes(picture.tobytes())
        millimetres = np.round(1000 * table.view.depth).astype(np.uint16)
        (folder / 'depth' / f'{name}.png').write_bytes(cv2.imencode('.png', millimetres)[1].tobytes())
        height, width = table.view.instances.shape
        lines = []
        for text, _, targets, part in table.scene.sentences:
            grasps = [grasp.round(3).tolist() for index in targets for grasp in table.grasps_of(index, part)]
            if targets and not grasps:
                continue
            lines.append(
                dict(
                    image=f'{name}.jpg',
                    expression=text,
                    boxes=[list(mask_corners(table.view.mask(index))) for index in targets],
                    masks=[encode_mask(table.view.mask(index)) for index in targets],
                    no_target=not targets,
                    grasps=grasps,
                    split=table.split,
                    height=height,
                    width=width,
                )
            )
        return lines

    def write_lists(self, parts: Sequence[tuple[str, list[dict]]], root: Path) -> None:
        lines = [json.dumps(line) for _, of_table in parts for line in of_table]
        (root / self.folder / 'all.jsonl').write_text('\n'.join(lines) + '\n')
