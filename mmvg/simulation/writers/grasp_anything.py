"""Write Grasp-Anything++ (arXiv:2406.09489): instructions about parts, each with its mask and grasps; and depth."""

import hashlib
import pickle
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from mmvg.pictures import write_image
from mmvg.refshapes.wording import SentenceWriter
from mmvg.refshapes.writers.grasp_anything import BORDER, to_square, write_part

from ..sentences import table_sampler
from .finished_table import FinishedTable

OBJECTS = 2  # per table, at most; a mask takes 173 kB
_SEED = 5
_LISTS = {'train': 'train/seen', 'val': 'test/seen', 'test': 'test/seen'}
_FOLDERS = ('image', 'depth', 'scene_description', 'grasp_instructions', 'grasp_label_positive', 'part_mask')


class GraspAnythingTables:
    """Writes ``grasp_anything/``: pictures of 416 x 416 pixels, depth of them (uint16, millimetres), instructions,
    grasps and masks of parts, and the lists of train and test; tables of val are in the list of test.

    Part 0 of every object is all of it; part 1, of tools, is the handle. All kinds and colours are seen in train, so
    the list ``test/unseen`` is empty.
    """

    folder = 'grasp_anything'

    def write_table(self, table: FinishedTable, root: Path) -> list[str]:
        folder = root / self.folder
        for name in _FOLDERS:
            (folder / name).mkdir(parents=True, exist_ok=True)
        objects, view = table.scene.objects, table.view
        name = hashlib.sha256(f'refscenes {table.index}'.encode()).hexdigest()
        sampler = table_sampler(objects, view, table.scene.rng(_SEED))
        writer = SentenceWriter(sampler.rng)
        chosen: list[str] = []
        for index in sampler.rng.permutation(len(objects)).tolist():
            sampled, grasps = sampler.sample('attribute', index), table.grasps_of(index)
            if sampled is None or not len(grasps) or len(chosen) == OBJECTS:
                continue
            chosen.append(f'{name}_{index}')
            write_part(folder, f'{name}_{index}_0', writer.write(sampled[0]), view.mask(index), grasps)
            part, grasps = sampler.sample('part', index), table.grasps_of(index, 'handle')
            if part is not None and len(grasps):
                write_part(folder, f'{name}_{index}_1', writer.write(part[0]), view.mask(index, 'handle'), grasps)
        if chosen:
            image, _ = to_square(view.image, cv2.INTER_CUBIC, BORDER)
            depth, _ = to_square(np.round(1000 * view.depth).astype(np.uint16), cv2.INTER_NEAREST_EXACT, 0)
            write_image(folder / 'image' / f'{name}.jpg', image)
            write_image(folder / 'depth' / f'{name}.png', depth)
            names = [f'{thing.colour} {thing.kind}' for thing in objects]
            description = (f'A picture of {", ".join(names)}.', names)
            (folder / 'scene_description' / f'{name}.pkl').write_bytes(pickle.dumps(description, protocol=4))
        return chosen

    def write_lists(self, parts: Sequence[tuple[str, list[str]]], root: Path) -> None:
        for name in ('train/seen', 'test/seen', 'test/unseen'):
            chosen = [thing for split, things in parts if _LISTS[split] == name for thing in things]
            path = root / self.folder / 'split/grasp-anything++' / f'{name}.obj'
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(pickle.dumps(chosen, protocol=4))
