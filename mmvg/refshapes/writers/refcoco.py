"""Write RefCOCO, RefCOCO+ (Yu et al. 2016) and RefCOCOg (Mao et al. 2016): one target per reference, pickled."""

import pickle
from collections.abc import Sequence
from pathlib import Path

from ..records import SceneRecord
from .instances import write_instances, write_json
from .refs import number_references, numbered_name


class RefCOCOWriter:
    """Writes ``refcoco/``: ``instances.json`` and ``refs(unc).p``.

    ``kinds(unc).json`` is an extra: it maps each ``sent_id`` to the kind of its sentence.

    Example:
        >>> from mmvg.refshapes import SIZES, make_record
        >>> record, _ = make_record(SIZES['tiny'], seed=0, split='train', index=0, styles=RefCOCOWriter.styles)
        >>> RefCOCOWriter().write([record], Path('out'))
        >>> sorted(path.name for path in Path('out/refcoco').iterdir())
        ['instances.json', 'kinds(unc).json', 'refs(unc).p']
    """

    styles = ('refcoco',)
    folder = 'refcoco'
    split_by = 'unc'

    def write(self, scenes: Sequence[SceneRecord], root: Path) -> None:
        folder = root / self.folder
        write_instances(scenes, folder / 'instances.json')
        refs, kinds = self.make_refs(scenes)
        self.write_refs(refs, folder / f'refs({self.split_by}).p')
        write_json(folder / f'kinds({self.split_by}).json', kinds)

    def make_refs(self, scenes: Sequence[SceneRecord]) -> tuple[list[dict], dict[int, str]]:
        """Return the references, and the kind of each sentence by its ``sent_id``."""
        refs, kinds = [], {}
        for scene, reference, fields in number_references(scenes, self.styles[0]):
            annotation = scene.annotations[reference.targets[0]]
            own = {
                'file_name': numbered_name(scene.file_name, fields['ref_id']),
                'ann_id': annotation.ann_id,
                'category_id': annotation.category_id,
                'split': self.rename(fields['split']),
            }
            refs.append(fields | own)
            kinds |= {sent_id: s.kind for sent_id, s in zip(fields['sent_ids'], reference.sentences, strict=True)}
        return refs, kinds

    def rename(self, split: str) -> str:
        """Return the name of one of our splits in this data set."""
        return split

    def write_refs(self, refs: list[dict], path: Path) -> None:
        """Pickle the references, as Python 2 could have."""
        path.write_bytes(pickle.dumps(refs, protocol=2))


class RefCOCOPlusWriter(RefCOCOWriter):
    """Writes ``refcoco+/``; its sentences have no words of place.

    Example:
        >>> from mmvg.refshapes import SIZES, make_record
        >>> record, _ = make_record(SIZES['tiny'], seed=0, split='train', index=0, styles=RefCOCOPlusWriter.styles)
        >>> RefCOCOPlusWriter().write([record], Path('out'))
        >>> sorted(path.name for path in Path('out/refcoco+').iterdir())
        ['instances.json', 'kinds(unc).json', 'refs(unc).p']
    """

    styles = ('refcoco+',)
    folder = 'refcoco+'


class RefCOCOgWriter(RefCOCOWriter):
    """Writes ``refcocog/``: ``refs(umd).p`` splits images, ``refs(google).p`` splits objects.

    In the google partition every tenth reference of the train and val images is in val, and those of the test images
    are missing, as they were never released.

    Example:
        >>> from mmvg.refshapes import SIZES, make_record
        >>> record, _ = make_record(SIZES['tiny'], seed=0, split='train', index=0, styles=RefCOCOgWriter.styles)
        >>> RefCOCOgWriter().write([record], Path('out'))
        >>> sorted(path.name for path in Path('out/refcocog').iterdir())
        ['instances.json', 'kinds(umd).json', 'refs(google).p', 'refs(umd).p']
    """

    styles = ('refcocog',)
    folder = 'refcocog'
    split_by = 'umd'

    def rename(self, split: str) -> str:
        return 'test' if split in ('testA', 'testB') else split

    def write_refs(self, refs: list[dict], path: Path) -> None:
        super().write_refs(refs, path)
        google = [
            ref | {'split': 'val' if ref['ref_id'] % 10 == 0 else 'train'} for ref in refs if ref['split'] != 'test'
        ]
        super().write_refs(google, path.with_name('refs(google).p'))
