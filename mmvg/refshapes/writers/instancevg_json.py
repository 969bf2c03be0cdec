"""Write the JSON files that InstanceVG (arXiv:2509.13747) reads, made from what the other writers write."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from ..records import Annotation, SceneRecord
from ..sizes import SPLITS
from .instances import write_json
from .refcoco import RefCOCOgWriter, RefCOCOPlusWriter, RefCOCOWriter
from .refs import number_references
from .refzom import RefZOMWriter, refzom_scene
from .rrefcoco import RRefCOCOgWriter, RRefCOCOPlusWriter, RRefCOCOWriter

_MIXED = ((RefCOCOWriter, 'refcoco_unc'), (RefCOCOPlusWriter, 'refcocoplus_unc'), (RefCOCOgWriter, 'refcocog_umd'))
_ROBUST = (RRefCOCOWriter, RRefCOCOPlusWriter, RRefCOCOgWriter)


class InstanceVGJSONWriter:
    """Writes ``instancevg/``.

    - ``mixed-seg/instances_nogoogle_withid.json``: one target per record.
    - ``grefs/instances.json``, ``ref-zom/instances.json`` and ``rrefcoco/instances.json``: none or several.
    - ``rrefcoco/instance_index.json``: the ranges of records that belong together.

    Ref-ZOM's pictures are those of the format ``refzom``; the training records of R-RefCOCO are of ``rrefcoco`` alone.

    Example:
        >>> from mmvg.refshapes import SIZES, make_record
        >>> record, _ = make_record(SIZES['tiny'], seed=0, split='train', index=0, styles=InstanceVGJSONWriter.styles)
        >>> InstanceVGJSONWriter().write([record], Path('out'))
        >>> sorted(path.name for path in Path('out/instancevg').rglob('*.json'))
        ['instance_index.json', 'instances.json', 'instances.json', 'instances.json', 'instances_nogoogle_withid.json']
    """

    styles = ('refcoco', 'refcoco+', 'refcocog', 'grefcoco')
    folder = 'instancevg'

    def write(self, scenes: Sequence[SceneRecord], root: Path) -> None:
        folder = root / self.folder
        write_json(folder / 'mixed-seg/instances_nogoogle_withid.json', _mixed(scenes))
        write_json(folder / 'grefs/instances.json', _generalized(scenes, SPLITS, with_ids=True))
        zom = [refzom_scene(scene) for scene in scenes]
        write_json(folder / 'ref-zom/instances.json', _generalized(zom, ('train', 'test'), with_ids=False))
        records, index = _robust(scenes)
        write_json(folder / 'rrefcoco/instances.json', records)
        write_json(folder / 'rrefcoco/instance_index.json', index)


def _mixed(scenes: Sequence[SceneRecord]) -> dict[str, list[dict]]:
    """Return all training references, and a record per sentence of the other splits."""
    content: dict[str, list[dict]] = {'train': []}
    by_image = {scene.image_id: scene for scene in scenes}
    for writer, name in _MIXED:
        for ref in writer().make_refs(scenes)[0]:
            scene = by_image[ref['image_id']]
            annotation = _annotation(scene, ref['ann_id'])
            own = {'bbox': annotation.bbox, 'mask': annotation.segmentation, 'id': annotation.ann_id}
            size = {'width': scene.scene.width, 'height': scene.scene.height}
            record = {'image_id': scene.image_id} | size | own
            texts = [sentence['raw'] for sentence in ref['sentences']]
            if ref['split'] == 'train':
                content['train'].append(record | {'expressions': texts})
            else:
                split = content.setdefault(f'{ref["split"]}_{name}', [])
                split.extend(record | {'expressions': [text]} for text in texts)
    return content


def _generalized(scenes: Sequence[SceneRecord], splits: Sequence[str], with_ids: bool) -> dict[str, list[dict]]:
    """Return a record per sentence of the references that gRefCOCO and Ref-ZOM have."""
    content: dict[str, list[dict]] = {split: [] for split in splits}
    for scene, reference, fields in number_references(scenes, RefZOMWriter.styles[0]):
        for sentence in fields['sentences']:
            ids = {'sent_id': sentence['sent_id'], 'ref_id': fields['ref_id']} if with_ids else {}
            targets = [scene.annotations[i] for i in reference.targets]
            content[scene.split].append(_record(scene, targets, {'raw': sentence['raw']} | ids))
    return content


def _robust(scenes: Sequence[SceneRecord]) -> tuple[dict[str, list[list[dict]]], dict[str, list[list[int]]]]:
    """Return lists of records and, for val, their ranges.

    A list holds all sentences of a training reference, or one sentence of a reference of val.
    """
    by_image = {scene.image_id: scene for scene in scenes}
    content: dict[str, list[list[dict]]] = {'train': []}
    index: dict[str, list[list[int]]] = {}
    for writer in _ROBUST:
        name = f'val_{writer.folder}'
        content[name], index[name] = [], []
        for ref in writer().make_refs(scenes)[0]:
            scene = by_image[ref['image_id']]
            annotation = _annotation(scene, ref['ann_id'])
            if ref['split'] == 'train' and writer is _ROBUST[0]:
                content['train'].append(list(_sentence_records(scene, annotation, ref)))
            elif ref['split'] == 'val':
                start = len(content[name])
                content[name].extend([record] for record in _sentence_records(scene, annotation, ref))
                index[name].append([start, len(content[name])])
    return content, index


def _sentence_records(scene: SceneRecord, annotation: Annotation, ref: dict) -> Iterable[dict]:
    """Yield a record per sentence of a reference."""
    for sentence in ref['sentences']:
        yield _record(scene, [annotation] if sentence['exist'] else [], {'raw': sentence['raw']})


def _record(scene: SceneRecord, targets: Sequence[Annotation], expressions: dict) -> dict:
    """Return a record as Detectron2 writes it; without targets it has one empty annotation."""
    null = {'bbox': None, 'segmentation': None, 'category_id': None, 'id': -1, 'iscrowd': 0, 'bbox_mode': 1}
    annotations = [
        {
            'bbox': annotation.bbox,
            'segmentation': annotation.segmentation,
            'category_id': annotation.category_id,
            'id': annotation.ann_id,
            'iscrowd': 0,
            'bbox_mode': 1,
            'empty': False,
        }
        for annotation in targets
    ]
    return {
        'image_id': scene.image_id,
        'file_name': scene.file_name,
        'width': scene.scene.width,
        'height': scene.scene.height,
        'expressions': expressions,
        'annotations': annotations or [null | {'empty': True}],
    }


def _annotation(scene: SceneRecord, ann_id: int) -> Annotation:
    """Return the annotation with ``ann_id``."""
    return next(annotation for annotation in scene.annotations if annotation.ann_id == ann_id)
