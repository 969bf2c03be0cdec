"""Write Ref-ZOM (arXiv:2308.13853): zero, one or many targets per reference, in the pictures of two COCO folders."""

import pickle
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..records import SceneRecord
from .instances import write_instances, write_json
from .pictures import share_picture
from .refs import number_references, numbered_name


def refzom_scene(scene: SceneRecord) -> SceneRecord:
    """Return ``scene`` as Ref-ZOM knows it: train or test; pictures of the latter come from COCO val2014."""
    if scene.split == 'train':
        return scene
    return replace(scene, split='test', file_name=scene.file_name.replace('train2014', 'val2014'))


class RefZOMWriter:
    """Writes ``ref-zom/``: ``instances.json``, ``refs(final).p`` and the merged picture folder ``trainval2014``.

    ``kinds(final).json`` is an extra: it maps each ``sent_id`` to the kind of its sentence. A reference of source zero
    names the first object of its picture, which it does not mean.

    Example:
        >>> from mmvg.refshapes import SIZES, make_record
        >>> from mmvg.pictures import write_image
        >>> record, image = make_record(SIZES['tiny'], seed=0, split='train', index=0, styles=RefZOMWriter.styles)
        >>> Path('out/images/train2014').mkdir(parents=True)
        >>> write_image(Path(f'out/images/train2014/{record.file_name}'), image)
        >>> RefZOMWriter().write([record], Path('out'))
        >>> sorted(path.name for path in Path('out/ref-zom').iterdir())
        ['instances.json', 'kinds(final).json', 'refs(final).p', 'trainval2014']
    """

    styles = ('grefcoco',)
    folder = 'ref-zom'

    def write(self, scenes: Sequence[SceneRecord], root: Path) -> None:
        folder = root / self.folder
        for scene in scenes:
            picture = root / 'images/train2014' / scene.file_name
            share_picture(picture, folder / 'trainval2014' / refzom_scene(scene).file_name)
        scenes = [refzom_scene(scene) for scene in scenes]
        write_instances(scenes, folder / 'instances.json')
        refs, kinds = [], {}
        for scene, reference, fields in number_references(scenes, self.styles[0]):
            if not reference.sentences:
                continue
            named = [scene.annotations[i] for i in reference.targets or (0,)]
            source = {0: 'zero', 1: 'one'}.get(len(reference.targets), 'many')
            own = {
                'file_name': numbered_name(scene.file_name, fields['ref_id']),
                'ann_id': [annotation.ann_id for annotation in named] if source == 'many' else named[0].ann_id,
                'category_id': [annotation.category_id for annotation in named]
                if source == 'many'
                else named[0].category_id,
                'source': source,
            }
            refs.append(fields | own)
            kinds |= {sent_id: s.kind for sent_id, s in zip(fields['sent_ids'], reference.sentences, strict=True)}
        (folder / 'refs(final).p').write_bytes(pickle.dumps(refs, protocol=2))
        write_json(folder / 'kinds(final).json', kinds)
