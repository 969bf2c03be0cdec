"""What the datasets of expressions about images have in common: from refs to data items, from item to sample."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from mmengine.dataset import BaseDataset
from mmengine.logging import print_log

from mmvg.checks import check_choice
from mmvg.datasets.access_random import AccessRandom
from mmvg.datasets.coco_instances import CocoInstances
from mmvg.datasets.data_files import require_data
from mmvg.datasets.load_report import DataError, LoadReport
from mmvg.datasets.refs import Ref
from mmvg.datasets.targets import TargetReader


class ReferringDataset(BaseDataset):
    """Base of the datasets in the refer formats; a subclass reads its files in ``load_data_list``.

    A data item holds, in original pixels::

        dict(img_path=str, img_id=int, height=int, width=int, dataset=str, ref_id=int,
             sentences=[dict(sent_id=int, text=str)], no_target=bool,
             instances=[dict(bbox=[x1, y1, x2, y2], mask=polygons or RLE, bbox_label=0, ignore_flag=0, ann_id=int)])

    When it is accessed, one of its sentences becomes ``text`` and ``sent_id``, and the pipeline runs. A sentence with
    ``exist=False`` means nothing in the image, whatever its ref does.

    Args:
        name: Value of ``dataset`` in every item.
        data_root: Folder that the other paths are relative to.
        img_prefix: Image folder.
        split: Name of the split, exactly as in the file.
        sentence_mode: ``'all'``: an item per sentence. ``'random'``: an item per ref, whose sentence is drawn at each
            access; for training only.
        mode: ``'strict'`` raises at the first defect of the files, ``'tolerant'`` repairs or skips, and counts in
            ``load_report``. No mode skips a sample when ``split`` is not ``'train'`` or ``test_mode`` is set.
        check_images: Whether to look for every image file while loading.
        pipeline: Transforms.
        test_mode: As in :class:`mmengine.dataset.BaseDataset`, like the rest.
        lazy_init: Whether to read the files later.
        serialize_data: Whether to keep the items as bytes that the workers share.
        indices: Use only the first so many items, or these.
        max_refetch: How many unusable training samples in a row are replaced by others.
    """

    def __init__(
        self,
        name: str,
        data_root: str,
        img_prefix: str,
        split: str,
        sentence_mode: str,
        mode: str,
        check_images: bool,
        pipeline: Sequence[dict | Callable],
        test_mode: bool,
        lazy_init: bool,
        serialize_data: bool,
        indices: int | Sequence[int] | None,
        max_refetch: int,
    ) -> None:
        if sentence_mode == 'random' and test_mode:
            raise ValueError("sentence_mode='random' is for training: in an evaluation every sentence counts")
        self.name = name
        self.split = split
        self.sentence_mode = check_choice('sentence_mode', sentence_mode, ('all', 'random'))
        self.check_images = check_images
        self.load_report = LoadReport(mode, evaluation=test_mode or split != 'train')
        self._random = AccessRandom()
        self._skipped = torch.zeros((), dtype=torch.int64).share_memory_()
        self.root = Path(data_root)
        self.image_folder = self.root / img_prefix
        if not lazy_init:  # before the pipeline is built, whose tokenizer may ask for a file of its own
            self._require_data()
        super().__init__(
            data_root=data_root,
            indices=indices,
            serialize_data=serialize_data,
            pipeline=list(pipeline),
            test_mode=test_mode,
            lazy_init=True,
            max_refetch=max_refetch,
        )
        self._metainfo.update(dataset=name, split=split)
        if not lazy_init:
            self.full_init()

    def required_files(self) -> list[Path]:
        """The files that ``load_data_list`` of the subclass will read."""
        raise NotImplementedError

    def item_fields(self, ref: Ref) -> dict:
        """What the items of ``ref`` hold beyond the keys that all datasets have."""
        return {}

    def full_init(self) -> None:
        """Read the files, if that has not been done.

        Raises:
            FileNotFoundError: If a file or the image folder is missing; says which file goes where.
            DataError: If something in the files cannot be used.
        """
        if not self._fully_initialized:
            self._require_data()
        super().full_init()

    def _require_data(self) -> None:
        require_data(f'{type(self).__name__} {self.name!r}', self.root, self.required_files(), self.image_folder)

    @property
    def num_skipped(self) -> int:
        """How many training samples could not be used when they were accessed, by all workers together."""
        return int(self._skipped)

    def make_items(
        self, refs: Sequence[Ref], coco: CocoInstances, targets: TargetReader, file: str | Path
    ) -> list[dict]:
        """Data items of ``refs``, in file order.

        Args:
            refs: Refs with real annotation ids, or none for no target.
            coco: Their images.
            targets: Reads their annotations.
            file: File of the refs, for messages.

        Raises:
            DataError: If no item is left.
        """
        report = self.load_report
        items = []
        for ref in refs:
            image = coco.image(ref.image_id, ref.ref_id)
            if image is None or not ref.sentences:
                continue
            instances = targets.targets(ref.ann_ids, ref.image_id, ref.ref_id)
            if ref.ann_ids and not instances and not self._keep_without_target(ref, file):
                continue
            item = dict(
                img_path=str(self.image_folder / image['file_name']),
                img_id=ref.image_id,
                height=image['height'],
                width=image['width'],
                dataset=self.name,
                ref_id=ref.ref_id,
                instances=instances,
                no_target=not ref.ann_ids,
                **self.item_fields(ref),
            )
            if self.check_images and not Path(item['img_path']).is_file():
                report.drop('missing image file', item['img_path'], f'image_id {ref.image_id} of ref_id {ref.ref_id}')
                continue
            groups = [[s] for s in ref.sentences] if self.sentence_mode == 'all' else [ref.sentences]
            items.extend(_with_sentences(item, group) for group in groups)
        report.log()
        if not items:
            raise DataError(f'{file}: no usable sample of split {self.split!r} is left; {"; ".join(report.lines())}')
        return items

    def _keep_without_target(self, ref: Ref, file: str | Path) -> bool:
        """Whether to keep a ref whose targets were all left out; it is still not a no-target sample."""
        kind, where = 'ref without a usable target', f'ref_id {ref.ref_id}, ann_id {list(ref.ann_ids)}'
        if self.load_report.evaluation:
            self.load_report.problem(kind, file, where, 'it is scored as a target sample with nothing to find')
        else:
            self.load_report.drop(kind, file, where)
        return self.load_report.evaluation

    def prepare_data(self, idx: int) -> dict | None:
        """The sample ``idx`` after the pipeline; None for one that a tolerant training skips.

        Raises:
            DataError: If the pipeline cannot use the sample, and the mode or an evaluation forbids to skip it.
        """
        item = self.get_data_info(idx)
        sentences = item['sentences']
        sentence = sentences[self._random.integer(len(sentences)) if len(sentences) > 1 else 0]
        item = dict(_with_sentences(item, [sentence]), sentences=sentences)
        item.update(text=sentence['text'], sent_id=sentence['sent_id'])
        where = (
            f'image_id {item["img_id"]}, ref_id {item["ref_id"]}, sent_id {item["sent_id"]} '
            f'of {self.name} {self.split} ({item["img_path"]})'
        )
        try:
            sample = self.pipeline(item)
            reason = 'the pipeline returned nothing'
        except FileNotFoundError as error:
            sample, reason = None, f'the image file is missing: {error}'
        if sample is None:
            self._skip(where, reason)
        return sample

    def _skip(self, where: str, reason: str) -> None:
        if self.load_report.evaluation:
            raise DataError(f'{where}: {reason}. No sample may be missing from an evaluation.')
        if self.load_report.mode == 'strict':
            raise DataError(f"{where}: {reason}. Repair the data, or use mode='tolerant' to train without it.")
        self._skipped += 1
        print_log(f'{where}: {reason}; another sample takes its place', logger='current', level=logging.WARNING)

    def _rand_another(self) -> int:
        return self._random.integer(len(self))


def _with_sentences(item: dict, sentences: list[dict]) -> dict:
    """``item`` with ``sentences``, and without a target if none of them has one."""
    if any(sentence.get('exist', True) for sentence in sentences):
        return dict(item, sentences=sentences)
    return dict(item, sentences=sentences, instances=[], no_target=True)
