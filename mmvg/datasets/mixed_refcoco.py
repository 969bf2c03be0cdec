"""The training sets of RefCOCO, RefCOCO+ and RefCOCOg together."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from mmengine.logging import print_log

from mmvg.checks import check_choice
from mmvg.datasets.load_report import DataError
from mmvg.datasets.refcoco import RefCOCODataset
from mmvg.datasets.referring_dataset import ReferringDataset
from mmvg.datasets.refs import as_id
from mmvg.datasets.safe_reading import read_pickle
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
        data_root: Folder of the sets; their files lie where :class:`RefCOCODataset` expects them.
        img_prefix: Folder of the COCO train2014 images.
        sentence_mode: ``'all'``: an item per sentence; ``'random'``: an item per ref, with one sentence drawn at each
            access.
        text_field: ``'raw'``, as typed by the annotator, or ``'sent'``, lower case without punctuation.
        clip_to: Boxes are clipped to ``'edge'``, [0, w] and [0, h], or to ``'last_pixel'``, [0, w - 1] and [0, h - 1].
        mode: ``'strict'`` or ``'tolerant'``, see :class:`ReferringDataset`.
        check_counts: Whether to compare the splits with the released sizes; off for subsets.
        check_images: Whether to look for every image file while loading.
        pipeline: Transforms.
        lazy_init: Whether to read the files later.
        serialize_data: Whether to keep the items as bytes that the workers share.
        indices: Use only the first so many items, or these.
        max_refetch: How many unusable training samples in a row are replaced by others.
    """

    def __init__(
        self,
        sources: Sequence[tuple[str, str]] = (('refcoco', 'unc'), ('refcoco+', 'unc'), ('refcocog', 'umd')),
        leakage: str = 'drop',
        data_root: str = 'data',
        img_prefix: str = 'images/train2014',
        sentence_mode: str = 'random',
        text_field: str = 'raw',
        clip_to: str = 'edge',
        mode: str = 'strict',
        check_counts: bool = False,
        check_images: bool = False,
        pipeline: Sequence[dict | Callable] = (),
        lazy_init: bool = False,
        serialize_data: bool = True,
        indices: int | Sequence[int] | None = None,
        max_refetch: int = 100,
    ) -> None:
        self.leakage = check_choice('leakage', leakage, ('drop', 'keep'))
        self.sources = [
            RefCOCODataset(
                dataset,
                'train',
                split_by,
                data_root=data_root,
                img_prefix=img_prefix,
                sentence_mode=sentence_mode,
                text_field=text_field,
                clip_to=clip_to,
                mode=mode,
                check_counts=check_counts,
                check_images=check_images,
                lazy_init=True,
            )
            for dataset, split_by in sources
        ]
        super().__init__(
            name='refcoco_mixed',
            data_root=data_root,
            img_prefix=img_prefix,
            split='train',
            sentence_mode=sentence_mode,
            mode=mode,
            check_images=check_images,
            pipeline=pipeline,
            test_mode=False,
            lazy_init=lazy_init,
            serialize_data=serialize_data,
            indices=indices,
            max_refetch=max_refetch,
        )

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
    """Images of all splits but train."""
    file, report = source.refs_file, source.load_report
    return {
        as_id(ref['image_id'], 'image_id', file, f'ref_id {ref.get("ref_id")}', report)
        for ref in read_pickle(file, list)
        if isinstance(ref, dict) and 'image_id' in ref and ref.get('split') != 'train'
    }
