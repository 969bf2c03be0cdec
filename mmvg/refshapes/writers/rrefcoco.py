"""Write R-RefCOCO, R-RefCOCO+ and R-RefCOCOg (arXiv:2209.09554): references with negative sentences."""

from collections.abc import Sequence
from itertools import count
from pathlib import Path

import numpy as np

from ..negatives import draw_negatives
from ..records import SceneRecord, Sentence
from .refcoco import RefCOCOgWriter, RefCOCOPlusWriter, RefCOCOWriter

NEGATIVES = 10  # per reference, outside of train; there, as many as positive ones
_SEED = 1  # beside the seed of the scene, so that negatives have random numbers of their own


class RRefCOCOWriter(RefCOCOWriter):
    """Writes ``rrefcoco/``: the references of RefCOCO, whose sentences have ``exist``, true or false.

    Example:
        >>> from mmvg.refshapes import SIZES, make_record
        >>> record, _ = make_record(SIZES['tiny'], seed=0, split='train', index=0, styles=RRefCOCOWriter.styles)
        >>> RRefCOCOWriter().write([record], Path('out'))
        >>> sorted(path.name for path in Path('out/rrefcoco').iterdir())
        ['instances.json', 'kinds(unc).json', 'refs(unc).p']
    """

    folder = 'rrefcoco'
    exist: type = bool

    def make_refs(self, scenes: Sequence[SceneRecord]) -> tuple[list[dict], dict[int, str]]:
        refs, kinds = super().make_refs(scenes)
        by_image = {scene.image_id: scene for scene in scenes}
        numbers = count(max(kinds) + 1)
        for ref in refs:
            scene = by_image[ref['image_id']]
            rng = np.random.default_rng([scene.scene.seed, ref['ref_id'], _SEED])
            number = len(ref['sentences']) if ref['split'] == 'train' else NEGATIVES
            negatives = [
                _record(next(numbers), sentence) for sentence in draw_negatives(scene, self.styles[0], number, rng)
            ]
            ref['sentences'] = [sentence | {'exist': self.exist(True)} for sentence in ref['sentences']] + [
                sentence | {'exist': self.exist(False)} for sentence in negatives
            ]
            ref['sent_ids'] = [sentence['sent_id'] for sentence in ref['sentences']]
            kinds |= {sentence['sent_id']: 'no_target' for sentence in negatives}
        return refs, kinds


class RRefCOCOPlusWriter(RRefCOCOWriter, RefCOCOPlusWriter):
    """Writes ``rrefcoco+/``; here ``exist`` is 1 or 0.

    Example:
        >>> from mmvg.refshapes import SIZES, make_record
        >>> record, _ = make_record(SIZES['tiny'], seed=0, split='train', index=0, styles=RRefCOCOPlusWriter.styles)
        >>> RRefCOCOPlusWriter().write([record], Path('out'))
        >>> sorted(path.name for path in Path('out/rrefcoco+').iterdir())
        ['instances.json', 'kinds(unc).json', 'refs(unc).p']
    """

    folder = 'rrefcoco+'
    exist = int


class RRefCOCOgWriter(RRefCOCOWriter, RefCOCOgWriter):
    """Writes ``rrefcocog/``: ``refs(unc).p``, as the authors call it, with the splits of RefCOCOg's umd.

    Example:
        >>> from mmvg.refshapes import SIZES, make_record
        >>> record, _ = make_record(SIZES['tiny'], seed=0, split='train', index=0, styles=RRefCOCOgWriter.styles)
        >>> RRefCOCOgWriter().write([record], Path('out'))
        >>> sorted(path.name for path in Path('out/rrefcocog').iterdir())
        ['instances.json', 'kinds(unc).json', 'refs(unc).p']
    """

    folder = 'rrefcocog'
    split_by = 'unc'

    def write_refs(self, refs: list[dict], path: Path) -> None:
        RefCOCOWriter.write_refs(self, refs, path)  # there is no google partition


def _record(sent_id: int, sentence: Sentence) -> dict:
    return {'sent_id': sent_id, 'raw': sentence.raw, 'sent': sentence.sent, 'tokens': sentence.sent.split()}
