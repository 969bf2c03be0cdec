"""Write gRefCOCO (arXiv:2306.00968) and the files that the GREC evaluation (arXiv:2308.16182) derives from it."""

from collections.abc import Sequence
from pathlib import Path

from ..records import SceneRecord
from ..sizes import SPLITS
from .instances import CATEGORIES, INFO, LICENSES, write_instances, write_json
from .refs import number_references, numbered_name


class GRefCOCOWriter:
    """Writes ``grefcoco/``: ``instances.json``, ``grefs(unc).json`` and ``finetune_grefcoco_<split>.json``.

    ``kinds(unc).json`` is an extra: it maps each ``sent_id`` to the kind of its sentence.

    Example:
        >>> from mmvg.refshapes import SIZES, make_record
        >>> record, _ = make_record(SIZES['tiny'], seed=0, split='train', index=0, styles=GRefCOCOWriter.styles)
        >>> GRefCOCOWriter().write([record], Path('out'))
        >>> sorted(path.name for path in Path('out/grefcoco').glob('*(unc)*'))
        ['grefs(unc).json', 'kinds(unc).json']
    """

    styles = ('grefcoco',)
    folder = 'grefcoco'

    def write(self, scenes: Sequence[SceneRecord], root: Path) -> None:
        folder = root / self.folder
        write_instances(scenes, folder / 'instances.json')
        refs, kinds = [], {}
        for scene, reference, fields in number_references(scenes, self.styles[0]):
            meant = [scene.annotations[i] for i in reference.targets]
            # entries inherited from RefCOCO, which have one target, keep the number in their file name
            name = numbered_name(scene.file_name, fields['ref_id']) if len(meant) == 1 else scene.file_name
            refs.append(
                fields
                | {
                    'file_name': name,
                    'ann_id': [annotation.ann_id for annotation in meant] or [-1],
                    'category_id': [annotation.category_id for annotation in meant] or [-1],
                    'no_target': not meant,
                }
            )
            kinds |= {sent_id: s.kind for sent_id, s in zip(fields['sent_ids'], reference.sentences, strict=True)}
        write_json(folder / 'grefs(unc).json', refs)
        write_json(folder / 'kinds(unc).json', kinds)
        self._write_grec(scenes, folder)

    def _write_grec(self, scenes: Sequence[SceneRecord], folder: Path) -> None:
        """Write one "image" per sentence; ids count on from split to split."""
        next_image, next_annotation = 0, 0
        for split in SPLITS:
            images, annotations = [], []
            for scene in (scene for scene in scenes if scene.split == split):
                for reference in scene.references[self.styles[0]]:
                    for sentence in reference.sentences:
                        span = [[0, len(sentence.sent)]]
                        images.append(
                            {
                                'file_name': scene.file_name,
                                'height': scene.scene.height,
                                'width': scene.scene.width,
                                'id': next_image,
                                'original_id': scene.image_id,
                                'caption': sentence.sent,
                                'dataset_name': 'grefcoco',
                                'tokens_negative': span,
                            }
                        )
                        for target in _grec_targets(scene, reference.targets):
                            own = {'id': next_annotation, 'image_id': next_image, 'tokens_positive': span}
                            annotations.append(target | own)
                            next_annotation += 1
                        next_image += 1
            content = {'info': INFO, 'licenses': LICENSES, 'images': images, 'annotations': annotations}
            write_json(folder / f'finetune_grefcoco_{split}.json', content | {'categories': CATEGORIES})


def _grec_targets(scene: SceneRecord, targets: tuple[int, ...]) -> list[dict]:
    """Return the annotations of the targets, or the one that stands for none."""
    if not targets:
        null = {'category_id': -1, 'bbox': [0, 0, 0, 0], 'area': -1, 'iscrowd': -1, 'empty': True, 'original_id': -1}
        return [null]
    return [
        {
            'category_id': annotation.category_id,
            'bbox': annotation.bbox,
            'area': annotation.area,
            'iscrowd': 0,
            'empty': False,
            'original_id': annotation.ann_id,
        }
        for annotation in (scene.annotations[i] for i in targets)
    ]
