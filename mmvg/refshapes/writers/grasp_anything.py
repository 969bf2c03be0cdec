"""Write Grasp-Anything++ (arXiv:2406.09489): instructions about parts, each in a file with its mask and grasps."""

import hashlib
import pickle
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from mmvg.pictures import write_image
from mmvg.structures import original_to_input_grasps

from ..attributes import HELD_OUT
from ..drawing import fill
from ..expression_sampler import ExpressionSampler
from ..records import SceneRecord, visible_scene
from ..wording import SentenceWriter
from .ocid_vlg import draw_instances, visible_grasps

SIDE = 416
SCENES = {'train/seen': 20, 'test/seen': 8, 'test/unseen': 6}  # at most: a mask takes 173 kB
OBJECTS = 2  # per scene, at most
_SEED = 4  # beside the seed of the scene, so that instructions have random numbers of their own
_LISTS = {'train': 'train/seen', 'val': 'test/seen', 'testA': 'test/seen', 'testB': 'test/unseen'}
BORDER = (127, 127, 127)
_QUALITY = 0.012


class GraspAnythingWriter:
    """Writes ``grasp_anything/``: pictures of 416 x 416 pixels, instructions, positive grasps and masks of parts, and
    the lists ``train/seen.obj``, ``test/seen.obj`` and ``test/unseen.obj`` in ``split/grasp-anything++``.

    Part 0 of every object is all of it; part 1, of objects that have one, is the handle. Unseen are combinations of
    colour and shape that train does not show. There are few scenes, whatever the size of the data set.

    Example:
        >>> from mmvg.refshapes import SIZES, make_record
        >>> from mmvg.pictures import write_image
        >>> record, image = make_record(SIZES['tiny'], seed=0, split='train', index=0, styles=[])
        >>> Path('out/images/train2014').mkdir(parents=True)
        >>> write_image(Path(f'out/images/train2014/{record.file_name}'), image)
        >>> GraspAnythingWriter().write([record], Path('out'))
        >>> sorted(path.name for path in Path('out/grasp_anything').iterdir())
        ['grasp_instructions', 'grasp_label_positive', 'image', 'part_mask', 'scene_description', 'split']
    """

    styles = ()
    folder = 'grasp_anything'

    def write(self, scenes: Sequence[SceneRecord], root: Path) -> None:
        folder = root / self.folder
        for name in ('image', 'scene_description', 'grasp_instructions', 'grasp_label_positive', 'part_mask'):
            (folder / name).mkdir(parents=True, exist_ok=True)
        for split, most in SCENES.items():
            names: list[str] = []
            for scene in [scene for scene in scenes if _LISTS[scene.split] == split][:most]:
                picture = root / 'images/train2014' / scene.file_name
                names += _write_scene(scene, _objects(scene, split == 'test/unseen'), picture, folder)
            path = folder / 'split/grasp-anything++' / f'{split}.obj'
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(pickle.dumps(names, protocol=4))


def _objects(scene: SceneRecord, unseen: bool) -> list[int]:
    """List the indices of the objects that may be asked for."""
    things = enumerate(scene.scene.objects)
    return [index for index, thing in things if not unseen or (thing.colour, thing.shape) in HELD_OUT]


def _write_scene(scene: SceneRecord, candidates: Sequence[int], picture: Path, folder: Path) -> list[str]:
    """Write one scene, and return the ids of the objects that are asked for, some of ``candidates``."""
    name = hashlib.sha256(scene.file_name.encode()).hexdigest()
    visible = visible_scene(scene)
    rng = np.random.default_rng([scene.scene.seed, _SEED])
    sampler, writer = ExpressionSampler(visible, rng), SentenceWriter(rng)
    instances = draw_instances(scene)
    objects = []
    for index in rng.permutation(candidates).tolist():
        sampled = sampler.sample('attribute', index)
        grasps = visible_grasps(scene.scene.objects[index], instances == index + 1)
        if sampled is None or not len(grasps):
            continue
        objects.append(f'{name}_{index}')
        write_part(folder, f'{name}_{index}_0', writer.write(sampled[0]), instances == index + 1, grasps)
        part = sampler.sample('part', index)
        polygons = [np.reshape(polygon, (-1, 2)) for polygon in scene.annotations[index].handle]
        handle = fill(polygons, instances.shape) & (instances == index + 1)
        grasps = visible_grasps(scene.scene.objects[index], handle, on_handle=True)
        if part is not None and len(grasps):
            write_part(folder, f'{name}_{index}_1', writer.write(part[0]), handle, grasps)
        if len(objects) == OBJECTS:
            break
    if objects:
        image, _ = to_square(cv2.imread(str(picture)), cv2.INTER_CUBIC, BORDER)
        write_image(folder / 'image' / f'{name}.jpg', image)
        names = [f'{thing.colour} {thing.shape}' for thing in scene.scene.objects]
        description = (f'A picture of {", ".join(names)}.', names)
        (folder / 'scene_description' / f'{name}.pkl').write_bytes(pickle.dumps(description, protocol=4))
    return objects


def write_part(folder: Path, name: str, text: str, mask: np.ndarray, grasps: np.ndarray) -> None:
    """Write instruction, mask (H, W) and grasps (M, 5) of one part, in pixels of the picture before it is a square."""
    import torch

    square, (scale, left, top) = to_square(mask.astype(np.uint8), cv2.INTER_NEAREST_EXACT, 0)
    moved = original_to_input_grasps(grasps, np.array([[scale, 0, left], [0, scale, top], [0, 0, 1]]))
    rows = np.concatenate([np.full((len(grasps), 1), _QUALITY), moved], axis=1)
    rows[:, 5] = np.mod(-np.rad2deg(grasps[:, 4]), 180)  # clockwise on screen
    instruction = f'{text[0].upper()}{text[1:]}.'
    (folder / 'grasp_instructions' / f'{name}.pkl').write_bytes(pickle.dumps(instruction, protocol=4))
    torch.save(torch.tensor(rows, dtype=torch.float32), folder / 'grasp_label_positive' / f'{name}.pt')
    np.save(folder / 'part_mask' / f'{name}.npy', square)


def to_square(image: np.ndarray, interpolation: int, border: int | tuple) -> tuple[np.ndarray, tuple]:
    """Scale a picture into the middle of a square, and return it with the scale and the offsets in x and y."""
    height, width = image.shape[:2]
    scale = SIDE / max(height, width)
    inner = (round(width * scale), round(height * scale))
    left, top = (SIDE - inner[0]) // 2, (SIDE - inner[1]) // 2
    image = cv2.resize(image, inner, interpolation=interpolation)
    right, bottom = SIDE - inner[0] - left, SIDE - inner[1] - top
    square = cv2.copyMakeBorder(image, top, bottom, left, right, cv2.BORDER_CONSTANT, value=border)
    return square, (scale, left, top)
