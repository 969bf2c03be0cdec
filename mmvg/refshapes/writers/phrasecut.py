"""Write PhraseCut (arXiv:2008.01187): phrases that mean every region that fits them, in pictures of Visual Genome."""

from collections import Counter
from collections.abc import Sequence
from itertools import count
from pathlib import Path

import numpy as np

from ..phrases import Phrase, draw_phrases
from ..records import Annotation, SceneRecord
from .instances import write_json
from .pictures import share_picture

PHRASES = 5  # per picture, at most
MINIV = 4  # every so many pictures of val are in miniv
_SEED = 2  # beside the seed of the scene, so that phrases have random numbers of their own


class PhraseCutWriter:
    """Writes ``VGPhraseCut_v0/``, the pictures in ``images/<image_id>.jpg`` included.

    ``refer_<split>.json`` and ``refer_input_<split>.json`` for train, val, test and miniv,
    ``image_data_split3000.json`` and ``name_att_rel_count.json``.

    A region has a number of its own in every task that names it, as the annotations of Visual Genome's workers have.

    Example:
        >>> from mmvg.refshapes import SIZES, make_record
        >>> from mmvg.pictures import write_image
        >>> record, image = make_record(SIZES['tiny'], seed=0, split='train', index=0, styles=PhraseCutWriter.styles)
        >>> Path('out/images/train2014').mkdir(parents=True)
        >>> write_image(Path(f'out/images/train2014/{record.file_name}'), image)
        >>> PhraseCutWriter().write([record], Path('out'))
        >>> sorted(path.name for path in Path('out/VGPhraseCut_v0').glob('*_train.json'))
        ['refer_input_train.json', 'refer_train.json']
    """

    styles = ()
    folder = 'VGPhraseCut_v0'

    def write(self, scenes: Sequence[SceneRecord], root: Path) -> None:
        folder = root / self.folder
        tasks: dict[str, list[dict]] = {split: [] for split in ('train', 'val', 'miniv', 'test')}
        numbers, relation_ids = count(1), count(1)
        counts: dict[str, Counter] = {'cat': Counter(), 'att': Counter(), 'rel': Counter()}
        images = []
        for scene in scenes:
            picture = root / 'images/train2014' / scene.file_name
            share_picture(picture, folder / 'images' / f'{scene.image_id}.jpg')
            split = _split(scene, len(images))
            images.append(_image(scene, split))
            for phrase in draw_phrases(scene, np.random.default_rng([scene.scene.seed, _SEED]), PHRASES):
                ann_ids = [next(numbers) for _ in phrase.targets]
                tasks[split].append(_task(scene, phrase, ann_ids, [next(relation_ids) for _ in phrase.relations]))
                counts['cat'][phrase.name] += 1
                counts['att'].update(phrase.attributes)
                counts['rel'].update(predicate for predicate, _ in phrase.relations)
        write_json(folder / 'image_data_split3000.json', images)
        write_json(folder / 'name_att_rel_count.json', {key: counter.most_common() for key, counter in counts.items()})
        for split, listed in tasks.items():
            write_json(folder / f'refer_{split}.json', listed)
            answers = ('ann_ids', 'instance_boxes', 'Polygons')
            questions = [{key: value for key, value in task.items() if key not in answers} for task in listed]
            write_json(folder / f'refer_input_{split}.json', questions)


def _split(scene: SceneRecord, index: int) -> str:
    """Return the split of PhraseCut that a picture belongs to."""
    if scene.split == 'val':
        return 'miniv' if index % MINIV == 0 else 'val'
    return 'train' if scene.split == 'train' else 'test'


def _image(scene: SceneRecord, split: str) -> dict:
    """Return the entry of a picture in ``image_data_split3000.json``."""
    size = {'width': scene.scene.width, 'height': scene.scene.height}
    return {'image_id': scene.image_id, **size, 'url': '', 'coco_id': None, 'flickr_id': None, 'split': split}


def _task(scene: SceneRecord, phrase: Phrase, ann_ids: list[int], relation_ids: list[int]) -> dict:
    """Return the entry of a phrase in ``refer_<split>.json``."""
    meant = [scene.annotations[i] for i in phrase.targets]
    return {
        'task_id': f'{scene.image_id}__{"_".join(map(str, ann_ids))}',
        'image_id': scene.image_id,
        'ann_ids': ann_ids,
        'instance_boxes': [annotation.bbox for annotation in meant],
        'Polygons': [_points(annotation) for annotation in meant],
        'phrase': phrase.text,
        'phrase_structure': {
            'name': phrase.name,
            'attributes': list(phrase.attributes),
            'relation_ids': relation_ids,
            'relation_descriptions': [list(relation) for relation in phrase.relations],
            'type': phrase.type,
        },
    }


def _points(annotation: Annotation) -> list[list[list[float]]]:
    """Return polygons as lists of points."""
    return [[list(point) for point in zip(flat[::2], flat[1::2], strict=True)] for flat in annotation.segmentation]
