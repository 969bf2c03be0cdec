"""Write OCID-VLG (arXiv:2311.05779): sentences about one object each, its mask in an instance image, grasps, depth."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mmvg.refshapes.attributes import COLOURS
from mmvg.refshapes.robot_commands import draw_commands
from mmvg.refshapes.writers.instances import write_json
from mmvg.refshapes.writers.ocid_vlg import grasp_corners

from ..sentences import mask_corners, table_sampler
from .finished_table import FinishedTable

COMMANDS = 8  # per picture, at most
KINDS = {'attribute': 0.4, 'place': 0.15, 'relation': 0.2, 'part': 0.25}
_SEQUENCE = 50  # pictures
_COMMANDS_SEED = 4
_COLOURS = list(COLOURS)


class OCIDVLGTables:
    """Writes ``ocid_vlg/``: pictures, depth (uint16, millimetres), instance images and expressions.

    Version ``multiple`` has all expressions, ``unique`` the first about each object. A sentence about the handle of a
    tool has ``part`` in its record, the mask of the whole tool, and the grasps on the handle; other sentences have all
    grasps of their object. A picture is a JPEG by content, under the name that OCID-VLG gives it.
    """

    folder = 'ocid_vlg'

    def write_table(self, table: FinishedTable, root: Path) -> list[dict]:
        sequence = f'RS3D/{table.split}/seq{table.index // _SEQUENCE:04d}'
        name = f'result_{table.index:08d}.png'
        _, picture = cv2.imencode('.jpg', table.view.image, [cv2.IMWRITE_JPEG_QUALITY, 92])
        millimetres = np.round(1000 * table.view.depth).astype(np.uint16)
        files = {'rgb': picture.tobytes(), 'depth': _png(millimetres)}
        files['seg_mask_instances_combi'] = _png(table.view.instances.astype(np.uint8))
        files['seg_mask_parts'] = _png(table.view.parts.astype(np.uint8))
        for kind, content in files.items():
            path = root / self.folder / sequence / kind / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return _records(table, f'{sequence},{name}')

    def write_lists(self, parts: Sequence[tuple[str, list[dict]]], root: Path) -> None:
        numbers = iter(range(10**9))
        for split in ('train', 'val', 'test'):
            own = [record for part, records in parts if part == split for record in records]
            for record in own:
                record['question_index'] = next(numbers)
            first = {(record['image_filename'], record['answer']): record for record in reversed(own)}
            for version, chosen in (
                ('multiple', own),
                ('unique', [r for r in own if first[r['image_filename'], r['answer']] is r]),
            ):
                info = {'description': 'RefScenes: simulated tables', 'split': split, 'version': version}
                write_json(
                    root / self.folder / 'refer' / version / f'{split}_expressions.json', {'info': info, 'data': chosen}
                )


def _png(image: np.ndarray) -> bytes:
    return cv2.imencode('.png', image)[1].tobytes()


def _records(table: FinishedTable, image: str) -> list[dict[str, Any]]:
    """The expressions about one picture that have a grasp."""
    sampler = table_sampler(table.scene.objects, table.view, table.scene.rng(_COMMANDS_SEED))
    records = []
    for command in draw_commands(sampler, COMMANDS, KINDS):
        grasps = table.grasps_of(command.target, command.part)
        if not len(grasps):
            continue
        thing = table.scene.objects[command.target]
        x1, y1, x2, y2 = mask_corners(table.view.mask(command.target))
        record = {
            'image_filename': image,
            'question': command.text,
            'answer': command.target + 1,
            'target': f'{thing.kind}_{_COLOURS.index(thing.colour) + 1}',
            'box': [x1, y1, x2 - x1, y2 - y1],
            'grasps': grasp_corners(grasps),
            'program': list(command.program),
        }
        records.append(record | ({'part': command.part} if command.part else {}))
    return records
