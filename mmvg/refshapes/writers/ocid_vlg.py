"""Write OCID-VLG (arXiv:2311.05779): sentences about one object each, its mask in an instance image, and its grasps."""

from collections.abc import Iterable, Sequence
from itertools import count
from pathlib import Path

import numpy as np

from mmvg.pictures import write_image

from ..attributes import COLOURS, HELD_OUT
from ..drawing import fill
from ..expression_sampler import ExpressionSampler
from ..records import SceneRecord, visible_scene
from ..robot_commands import draw_commands
from ..scene import SceneObject
from .instances import INFO, write_json
from .pictures import share_picture

COMMANDS = 6  # per picture, at most
NOVEL_CLASSES = ('star', 'hammer', 'pan')  # of version novel-classes: never a target in train and val
_SEQUENCE = 20  # pictures
_SEED = 3  # beside the seed of the scene, so that commands have random numbers of their own
_SPLITS = {'train': 'train', 'val': 'val', 'testA': 'test', 'testB': 'test'}
_COLOURS = list(COLOURS)


class OCIDVLGWriter:
    """Writes ``ocid_vlg/``: the pictures and instance images of the sequences, and the expressions of four versions.

    ``multiple`` has all expressions, ``unique`` the first about each object. The training targets of
    ``novel-instances`` are those of ``unique``, its test targets have a combination of colour and shape that train
    does not show. Train and val of ``novel-classes`` leave out the targets of three classes, and test has no others.

    The class of an object is its shape, and its instance name says the colour: ``hammer_3``. A picture is the same file
    as everywhere, a JPEG by content, under the name that OCID-VLG gives it. Grasps are those of which the
    centre can be seen.

    Example:
        >>> from mmvg.refshapes import SIZES, make_record
        >>> from mmvg.pictures import write_image
        >>> record, image = make_record(SIZES['tiny'], seed=0, split='train', index=0, styles=OCIDVLGWriter.styles)
        >>> Path('out/images/train2014').mkdir(parents=True)
        >>> write_image(Path(f'out/images/train2014/{record.file_name}'), image)
        >>> OCIDVLGWriter().write([record], Path('out'))
        >>> sorted(path.name for path in Path('out/ocid_vlg/refer').iterdir())
        ['multiple', 'novel-classes', 'novel-instances', 'unique']
    """

    styles = ()
    folder = 'ocid_vlg'

    def write(self, scenes: Sequence[SceneRecord], root: Path) -> None:
        folder = root / self.folder
        expressions: dict[str, list[dict]] = {split: [] for split in ('train', 'val', 'test')}
        numbers = count()
        for index, scene in enumerate(scenes):
            sequence = f'RS20/{scene.split}/seq{index // _SEQUENCE:04d}'
            name = f'result_{scene.image_id:08d}.png'
            share_picture(root / 'images/train2014' / scene.file_name, folder / sequence / 'rgb' / name)
            instances = draw_instances(scene)
            path = folder / sequence / 'seg_mask_instances_combi' / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write_image(path, instances)
            records = _records(scene, instances, f'{sequence},{name}', numbers)
            expressions[_SPLITS[scene.split]].extend(records)
        for version, splits in _versions(expressions).items():
            for split, records in splits.items():
                content = {'info': INFO | {'split': split, 'version': version}, 'data': records}
                write_json(folder / 'refer' / version / f'{split}_expressions.json', content)


def draw_instances(scene: SceneRecord) -> np.ndarray:
    """Draw the instance image (H, W) uint8: 0 is background, object i of the scene has the number i + 1."""
    pixels = np.zeros((scene.scene.height, scene.scene.width), np.uint8)
    for number, annotation in enumerate(scene.annotations, start=1):
        polygons = [np.reshape(polygon, (-1, 2)) for polygon in annotation.segmentation]
        pixels[fill(polygons, pixels.shape)] = number
    return pixels


def visible_grasps(thing: SceneObject, mask: np.ndarray, on_handle: bool = False) -> np.ndarray:
    """Return the grasps (M, 5) of an object whose centre is in its visible mask (H, W)."""
    grasps = thing.grasps(on_handle)
    x, y = np.floor(grasps[:, :2]).astype(int).T
    return grasps[mask[y.clip(0, mask.shape[0] - 1), x.clip(0, mask.shape[1] - 1)]]


def grasp_corners(grasps: np.ndarray) -> list[list[list[float]]]:
    """Return corners p1 p2 p3 p4 of grasps (M, 5), as OCID-VLG lists them: p1 -> p4 is the opening of the gripper."""
    corners = []
    for x, y, w, h, theta in grasps.tolist():
        along = np.array([np.cos(theta), -np.sin(theta)]) * w / 2
        across = np.array([np.sin(theta), np.cos(theta)]) * h / 2
        points = (-along - across, -along + across, along + across, along - across)
        corners.append([[round(float(x + dx), 2), round(float(y + dy), 2)] for dx, dy in points])
    return corners


def _records(scene: SceneRecord, instances: np.ndarray, image: str, numbers: Iterable[int]) -> list[dict]:
    """Return the expressions about one picture that have a grasp."""
    records = []
    rng = np.random.default_rng([scene.scene.seed, _SEED])
    for command in draw_commands(ExpressionSampler(visible_scene(scene), rng), COMMANDS):
        thing = scene.scene.objects[command.target]
        grasps = visible_grasps(thing, instances == command.target + 1)
        if not len(grasps):
            continue
        records.append(
            {
                'image_filename': image,
                'question_index': next(numbers),
                'question': command.text,
                'answer': command.target + 1,
                'target': f'{thing.shape}_{_COLOURS.index(thing.colour) + 1}',
                'box': scene.annotations[command.target].bbox,
                'grasps': grasp_corners(grasps),
                'program': list(command.program),
            }
        )
    return records


def _versions(expressions: dict[str, list[dict]]) -> dict[str, dict[str, list[dict]]]:
    """Return version -> split -> records."""
    unique = {split: _first_of_each_target(records) for split, records in expressions.items()}
    return {
        'multiple': expressions,
        'unique': unique,
        'novel-instances': unique | {'test': [record for record in unique['test'] if _is_held_out(record)]},
        'novel-classes': {
            split: [record for record in records if (_class(record) in NOVEL_CLASSES) == (split == 'test')]
            for split, records in unique.items()
        },
    }


def _first_of_each_target(records: list[dict]) -> list[dict]:
    """Keep the first expression about each object."""
    first: dict[tuple, dict] = {}
    for record in records:
        first.setdefault((record['image_filename'], record['answer']), record)
    return list(first.values())


def _class(record: dict) -> str:
    """Return the class of the target."""
    return record['target'].rpartition('_')[0]


def _is_held_out(record: dict) -> bool:
    """Tell whether train does not show the target's combination of colour and shape."""
    shape, _, colour = record['target'].rpartition('_')
    return (_COLOURS[int(colour) - 1], shape) in HELD_OUT
