"""What the datasets of expressions about images have in common: from refs to data items, from item to sample."""

import gc
import inspect
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmvg.checks import check_choice
from mmvg.datasets.readers import (
    AccessRandom,
    CocoInstances,
    DataError,
    DistractorCounts,
    LoadReport,
    PackedPictures,
    Ref,
    SampleError,
    TargetReader,
    first_existing,
    require_data,
)
from mmvg.foreign_files import shown
from mmvg.foundation import BaseDataset, print_log, shared_zero


class ReferringDataset(BaseDataset):
    """Base of all datasets; a subclass names its files and reads them in :meth:`read_annotations`.

    A data item holds, in original pixels::

        dict(img_path=str, img_id=int, height=int, width=int, dataset=str, ref_id=int,
             sentences=[dict(sent_id=int, text=str)], no_target=bool,
             instances=[dict(bbox=[x1, y1, x2, y2], mask=polygons or RLE, bbox_label=0, ignore_flag=0, ann_id=int)])

    An item that has targets without ``mask`` has ``boxes_only=True``. So has every item, no-target ones too, where no
    target has one; then ``metainfo`` has ``boxes_only=True`` as well. Losses and metrics of masks leave such items out.

    Where the files tell, ``num_distractors`` is the number of objects of the categories of the targets that are not
    meant, and a sentence has its ``kind``.

    When it is accessed, one of its sentences becomes ``text`` and ``sent_id``, and the pipeline runs. A sentence with
    ``exist=False`` means nothing in the image, whatever its ref does.

    The arguments from ``data_root`` on are those of every dataset. A subclass takes them as ``**common`` and hands them
    on; :func:`inspect.signature` of the subclass lists them by name.

    Args:
        name: Value of ``dataset`` in every item.
        split: Name of the split, exactly as in the file.
        files: What the dataset calls a file -> its path below ``data_root``, or several paths: the first that is there
            is read, and the last is asked for when none is. The first file is the one that messages about refs name.
        img_prefix: Image folder below ``data_root``.
        data_root: Folder that the other paths are relative to.
        sentence_mode: ``'all'``: an item per sentence. ``'random'``: an item per ref, one of whose sentences is drawn
            at each access; for training only.
        mode: ``'strict'`` raises at the first defect of the files, ``'tolerant'`` repairs or skips, and counts in
            ``load_report``. No mode skips a sample when ``split`` is not ``'train'`` or ``test_mode`` is set.
        check_images: Whether to look for every image file while loading.
        outside_images: Whether the files may name images out of the image folder, by absolute paths or ``..``.
        pictures: Read the pictures from this LMDB file or folder of tars below ``data_root``, which ``mmvg data pack``
            has made, and not from the image folder.
        pipeline: Transforms.
        test_mode: As in :class:`mmengine.dataset.BaseDataset`, like the rest.
        lazy_init: Whether to read the files later.
        serialize_data: Whether to keep the items as bytes that the workers share.
        indices: Use only the first so many items, or these.
        max_refetch: How many unusable training samples in a row are replaced by others.

    Raises:
        FileNotFoundError: If a file or the image folder is missing; says which file goes where.
        DataError: If something in the files cannot be used.
        ValueError: If an argument is none of its choices.

    Example:
        >>> from mmvg.datasets.readers import Ref, read_coco_instances
        >>> class FirstObject(ReferringDataset):
        ...     def __init__(self, **common):
        ...         files = dict(instances='refcoco/instances.json')
        ...         super().__init__('first', 'train', files, 'images/train2014', **common)
        ...
        ...     def read_annotations(self):
        ...         coco = read_coco_instances(self.files['instances'], self.load_report)
        ...         first = next(iter(coco.annotations.values()))
        ...         sentences = [dict(sent_id=1, text='the first one')]
        ...         return [Ref(1, first['image_id'], (first['id'],), 'train', sentences, {})], coco
        >>> item = FirstObject(data_root='data/refshapes')[0]
        >>> item['text'], item['no_target'], len(item['instances'])
        ('the first one', False, 1)
    """

    crowd = 'keep'
    clip_to = 'edge'
    #: Whether the files list the objects of a picture that no expression means too, so that they can be counted.
    lists_all_objects = False
    with_mask: bool | None = True

    def __init__(
        self,
        name: str,
        split: str,
        files: Mapping[str, str | Sequence[str]],
        img_prefix: str,
        *,
        data_root: str = 'data',
        sentence_mode: str = 'all',
        mode: str = 'strict',
        check_images: bool = False,
        outside_images: bool = False,
        pictures: str | None = None,
        pipeline: Sequence[dict | Callable] = (),
        test_mode: bool = False,
        lazy_init: bool = False,
        serialize_data: bool = True,
        indices: int | Sequence[int] | None = None,
        max_refetch: int = 100,
    ) -> None:
        if sentence_mode == 'random' and test_mode:
            raise ValueError("sentence_mode='random' is for training: in an evaluation every sentence counts")
        self.name = name
        self.split = split
        self.sentence_mode = check_choice('sentence_mode', sentence_mode, ('all', 'random'))
        self.check_images = check_images
        self.outside_images = outside_images
        self.load_report = LoadReport(mode, evaluation=test_mode or split != 'train')
        self._random = AccessRandom()
        self._skipped = shared_zero()
        self.root = Path(data_root)
        self.files = {role: first_existing(self.root, paths) for role, paths in files.items()}
        self.image_folder = self.root / img_prefix
        self.pictures = None if pictures is None else PackedPictures(self.root / pictures)
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

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Put the arguments that a subclass takes as ``**common`` into its signature, by name."""
        super().__init_subclass__(**kwargs)
        if '__init__' in vars(cls):
            cls.__init__.__signature__ = _with_common_arguments(inspect.signature(cls.__init__))

    def read_annotations(self) -> tuple[list[Ref], CocoInstances]:
        """Read the files of the split, in file order and without anything random.

        Returns:
            Refs with real annotation ids, or none for no target; and the images and annotations that the ids mean.

        Raises:
            DataError: If a file is damaged or is another one.
        """
        raise NotImplementedError

    def target_reader(self, coco: CocoInstances) -> TargetReader:
        """Return what turns the annotations of ``coco`` into targets."""
        return TargetReader(coco, self.load_report, self.crowd, self.clip_to, self.with_mask)

    def item_fields(self, ref: Ref) -> dict:
        """Return what the items of ``ref`` hold beyond the keys that all datasets have."""
        return {}

    def required_files(self) -> list[Path]:
        """Return the files that :meth:`load_data_list` reads."""
        return list(self.files.values())

    def full_init(self) -> None:
        """Read the files, if that has not been done.

        Raises:
            FileNotFoundError: If a file or the image folder is missing; says which file goes where.
            DataError: If something in the files cannot be used.
        """
        if not self._fully_initialized:
            self._require_data()
        with _uncollected():
            super().full_init()

    def _require_data(self) -> None:
        folder = self.image_folder if self.pictures is None else None
        require_data(f'{type(self).__name__} {self.name!r}', self.root, self.required_files(), folder)

    @property
    def num_skipped(self) -> int:
        """How many training samples could not be used when they were accessed, by all workers together."""
        return int(self._skipped)

    def load_data_list(self) -> list[dict]:
        """Read the files and make data items of the refs, in file order; called by :meth:`full_init`.

        Raises:
            DataError: If something in the files cannot be used, or no item is left.
        """
        refs, coco = self.read_annotations()
        coco.outside_images = self.outside_images
        targets, report = self.target_reader(coco), self.load_report
        file = next(iter(self.files.values()))
        distractors = DistractorCounts(coco) if self.lists_all_objects else None
        items, paths = [], {}
        for ref in refs:
            image = coco.image(ref.image_id, ref.ref_id)
            if image is None or not ref.sentences:
                continue
            instances = targets.targets(ref.ann_ids, ref.image_id, ref.ref_id)
            if ref.ann_ids and not instances and not self._keep_without_target(ref, file):
                continue
            if ref.image_id not in paths:
                paths[ref.image_id] = str(self.image_folder / image['file_name'])
            item = dict(
                img_path=paths[ref.image_id],
                img_id=ref.image_id,
                height=image['height'],
                width=image['width'],
                dataset=self.name,
                ref_id=ref.ref_id,
                instances=instances,
                no_target=not ref.ann_ids,
                **self.item_fields(ref),
            )
            if distractors is not None and (number := distractors.of(ref.ann_ids, ref.image_id)) is not None:
                item['num_distractors'] = number
            if self.check_images and not self._has_picture(item['img_path']):
                report.drop('missing image file', item['img_path'], f'image_id {ref.image_id} of ref_id {ref.ref_id}')
                continue
            groups = [[s] for s in ref.sentences] if self.sentence_mode == 'all' else [ref.sentences]
            items.extend(with_sentences(item, group) for group in groups)
        self.mark_boxes_only(items)
        return self.checked_items(items)

    def mark_boxes_only(self, items: list[dict]) -> None:
        """Set ``boxes_only`` of the items of which masks are not known, and count them."""
        without = [item for item in items if any('mask' not in instance for instance in item['instances'])]
        if without and not any('mask' in instance for item in items for instance in item['instances']):
            without = items
            self._metainfo['boxes_only'] = True
        for item in without:
            item['boxes_only'] = True
        if without and self.with_mask is not False:
            file, action = next(iter(self.files.values())), 'losses and metrics of masks leave it out'
            where = f'{len(without)} of {len(items)} expressions, such as ref_id {without[0]["ref_id"]}'
            self.load_report.note('split with boxes only', file, where, action)

    def checked_items(self, items: list[dict]) -> list[dict]:
        """Log what was wrong with the files, and return ``items``.

        Raises:
            DataError: If there is no item.
        """
        self.load_report.log()
        if not items:
            file, reasons = next(iter(self.files.values())), '; '.join(self.load_report.lines())
            raise DataError(f'{file}: no usable sample of split {self.split!r} is left; {reasons}')
        return items

    def _keep_without_target(self, ref: Ref, file: Path) -> bool:
        """Say whether to keep a ref whose targets were all left out; it is still not a no-target sample."""
        kind, where = 'ref without a usable target', f'ref_id {ref.ref_id}, ann_id {shown(list(ref.ann_ids))}'
        if self.load_report.evaluation:
            self.load_report.problem(kind, file, where, 'it is scored as a target sample with nothing to find')
        else:
            self.load_report.drop(kind, file, where)
        return self.load_report.evaluation

    def prepare_data(self, idx: int) -> dict | None:
        """Draw a sentence of the item ``idx`` and run the pipeline.

        Returns:
            What the pipeline makes of it; None for a sample that a tolerant training skips.

        Raises:
            DataError: If the item or the pipeline cannot use the sample, and the mode or an evaluation forbids to skip
                it.
        """
        try:
            item = self.get_data_info(idx)
        except SampleError as error:
            if self.load_report.evaluation or self.load_report.mode == 'strict':
                raise
            self._skip(f'item {idx} of {self.name} {self.split}', str(error))
            return None
        sentences = item['sentences']
        sentence = sentences[self._random.integer(len(sentences)) if len(sentences) > 1 else 0]
        item = dict(with_sentences(item, [sentence]), sentences=sentences)
        item.update({key: sentence[key] for key in ('text', 'sent_id', 'kind') if key in sentence})
        where = (
            f'image_id {item["img_id"]}, ref_id {item["ref_id"]}, sent_id {item["sent_id"]} '
            f'of {self.name} {self.split} ({item["img_path"]})'
        )
        if self.pictures is not None and 'img_bytes' not in item:
            item['img_bytes'] = self.packed_picture(item)
        try:
            sample = self.pipeline(item)
            reason = 'the pipeline returned nothing'
        except FileNotFoundError as error:
            sample, reason = None, f'the image file is missing: {error}'
        if sample is None:
            self._skip(where, reason)
        return sample

    @property
    def is_packed(self) -> bool:
        """Whether pictures come from a pack, and not from the image folder."""
        return self.pictures is not None

    def packed_picture(self, item: dict) -> bytes:
        """Return the file of the picture of an item of a dataset that :attr:`is_packed`.

        Raises:
            FileNotFoundError: If there is no pack.
            DataError: If the pack lacks it.
        """
        return self.pictures.read(name_below(self.root, item['img_path']))

    def _has_picture(self, path: str) -> bool:
        if self.pictures is None:
            return Path(path).is_file()
        return name_below(self.root, path) in self.pictures

    def _skip(self, where: str, reason: str) -> None:
        if self.load_report.evaluation:
            raise DataError(f'{where}: {reason}. No sample may be missing from an evaluation.')
        if self.load_report.mode == 'strict':
            raise DataError(f"{where}: {reason}. Repair the data, or use mode='tolerant' to train without it.")
        self._skipped += 1
        print_log(f'{where}: {reason}; another sample takes its place', logger='current', level=logging.WARNING)

    def _rand_another(self) -> int:
        return self._random.integer(len(self))


def name_below(root: Path, path: str) -> str:
    """Name of a picture in a pack of a data root.

    Example:
        >>> name_below(Path('data/coco'), 'data/coco/images/train2014/9.jpg')
        'images/train2014/9.jpg'
    """
    return Path(os.path.relpath(path, root)).as_posix()


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the garbage collector from walking, again and again, over millions of new objects that all stay."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def with_sentences(item: dict, sentences: list[dict]) -> dict:
    """Return ``item`` with ``sentences``, and without a target if none of them has one.

    Args:
        item: Of a dataset, with all sentences of its ref or some of them.
        sentences: Those to keep; one with ``exist=False`` means nothing in the image.

    Example:
        >>> item = dict(sentences=[], instances=[dict(bbox=[0, 0, 9, 9])], no_target=False)
        >>> with_sentences(item, [dict(sent_id=1, text='the cat', exist=False)])['no_target']
        True
    """
    if any(sentence.get('exist', True) for sentence in sentences):
        return dict(item, sentences=sentences)
    item = {key: value for key, value in item.items() if key != 'num_distractors'}
    return dict(item, sentences=sentences, instances=[], no_target=True)


def _with_common_arguments(signature: inspect.Signature) -> inspect.Signature:
    """Replace ``**common`` in a signature by the keyword arguments of :class:`ReferringDataset` that it lacks."""
    own = [parameter for parameter in signature.parameters.values() if parameter.kind is not parameter.VAR_KEYWORD]
    if len(own) == len(signature.parameters):
        return signature
    common = [
        parameter
        for name, parameter in inspect.signature(ReferringDataset.__init__).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY and name not in signature.parameters
    ]
    return signature.replace(parameters=[*own, *common])
