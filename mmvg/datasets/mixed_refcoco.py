"""The training sets of RefCOCO, RefCOCO+ and RefCOCOg together."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmvg.checks import check_choice
from mmvg.datasets.readers import DataError, as_id, read_pickle
from mmvg.datasets.refcoco import RefCOCODataset
from mmvg.datasets.referring_dataset import ReferringDataset
from mmvg.foundation import print_log
from mmvg.registry import DATASETS


@DATASETS.register_module()
class MixedRefCOCODataset(ReferringDataset):
    """The train splits of several RefCOCO sets one after the other, with or without the images they are tested on.

    The partitions of the sets were drawn independently: an image of RefCOCO val can be a training image of RefCOCOg.
    How many refs that concerns is logged, whatever is done about it. Nothing is merged: an object that two sets speak
    of stays in both. For the items see :class:`ReferringDataset`; their ``dataset`` is that of the set they come from.

    Args:
        sources: Sets and partitions, such as ``('refcoco', 'unc')``.
        leakage: ``'drop'`` leaves out every ref whose image is in any other split of any source; for new experiments.
            ``'keep'`` leaves all in, as InstanceVG did: its scores are of images that were partly seen in training.
        img_prefix: Folder of the COCO train2014 images.
        sentence_mode: ``'all'``: an item per sentence; ``'random'``: an item per ref, with one sentence drawn at each
            access.
        text_field: ``'raw'``, as typed by the annotator, or ``'sent'``, lower case without punctuation.
        clip_to: Boxes are clipped to ``'edge'``, [0, w] and [0, h], or to ``'last_pixel'``, [0, w - 1] and [0, h - 1].
        check_counts: Whether to compare the splits with the released sizes; off for subsets.
        common: Arguments of all datasets, see :class:`ReferringDataset`.

    Example:
        >>> dataset = MixedRefCOCODataset(data_root='data/refshapes')
        >>> len(dataset), sorted({item['dataset'] for item in dataset})
        (162, ['refcoco', 'refcoco+', 'refcocog'])
    """

    def __init__(
        self,
        sources: Sequence[tuple[str, str]] = (('refcoco', 'unc'), ('refcoco+', 'unc'), ('refcocog', 'umd')),
        leakage: str = 'drop',
        *,
        img_prefix: str = 'images/train2014',
        sentence_mode: str = 'random',
        text_field: str = 'raw',
        clip_to: str = 'edge',
        check_counts: bool = False,
        **common: Any,
    ) -> None:
        self.leakage = check_choice('leakage', leakage, ('drop', 'keep'))
        common['sentence_mode'] = sentence_mode
        own = dict(img_prefix=img_prefix, text_field=text_field, clip_to=clip_to, check_counts=check_counts)
        parts = {**common, 'pipeline': (), 'lazy_init': True}
        self.sources = [RefCOCODataset(dataset, 'train', split_by, **own, **parts) for dataset, split_by in sources]
        super().__init__('refcoco_mixed', 'train', {}, img_prefix, **common)

    def required_files(self) -> list[Path]:
        return [file for source in self.sources for file in source.required_files()]

    def load_data_list(self) -> list[dict]:
        """Read the files of all sources; called by :meth:`full_init`.

        Raises:
            DataError: If nothing is left, next to what the sources raise.
        """
        evaluated = set().union(*(_evaluated_images(source) for source in self.sources))
        items: list[dict] = []
        counts = []
        for source in self.sources:
            found = source.load_data_list()
            self.load_report.add(source.load_report)
            leaking = {item['ref_id'] for item in found if item['img_id'] in evaluated}
            counts.append(f'{len(leaking)} of {len({item["ref_id"] for item in found})} in {source.name}')
            items.extend(item for item in found if self.leakage == 'keep' or item['img_id'] not in evaluated)
        done = 'are left out' if self.leakage == 'drop' else 'stay in: scores are of images partly seen in training'
        print_log(
            f'{self.name}: train refs whose image is in an evaluation split {done} ({", ".join(counts)}); '
            f'{len({(item["dataset"], item["ref_id"]) for item in items})} refs and '
            f'{sum(len(item["sentences"]) for item in items)} expressions remain',
            logger='current',
            level=logging.INFO if self.leakage == 'drop' else logging.WARNING,
        )
        if not items:
            raise DataError(f'{self.name}: every training image is in an evaluation split, nothing is left to train on')
        return items


def _evaluated_images(source: RefCOCODataset) -> set[int]:
    """Collect the images of all splits but train."""
    file, report = source.files['refs'], source.load_report
    return {
        as_id(ref['image_id'], 'image_id', file, f'ref_id {ref.get("ref_id")}', report)
        for ref in read_pickle(file, list)
        if isinstance(ref, dict) and 'image_id' in ref and ref.get('split') != 'train'
    }
