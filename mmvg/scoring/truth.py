"""The truth that answers are scored against: expressions of a config, of a data set by name, or of JSON lines."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmvg.checks import suggest
from mmvg.datasets.readers import DataError, LineReader, LoadReport, TargetReader, parse_line
from mmvg.foreign_files import foreign_content
from mmvg.registry import DATASETS
from mmvg.structures import ID_KEYS, item_facts

if TYPE_CHECKING:
    from mmvg.datasets import ReferringDataset

#: Name of a data set -> how it is built; the split and the data root are added.
DATA_SETS = {
    'refcoco': dict(type='RefCOCODataset', dataset='refcoco'),
    'refcoco+': dict(type='RefCOCODataset', dataset='refcoco+'),
    'refcocog': dict(type='RefCOCODataset', dataset='refcocog'),
    'refcocog_google': dict(type='RefCOCODataset', dataset='refcocog', split_by='google'),
    'grefcoco': dict(type='GRefCOCODataset'),
    'grefcoco_grec': dict(type='GRefCOCODataset', reading='grec'),
    'refzom': dict(type='RefZOMDataset'),
    'rrefcoco': dict(type='RRefDataset', dataset='rrefcoco'),
    'rrefcoco+': dict(type='RRefDataset', dataset='rrefcoco+'),
    'rrefcocog': dict(type='RRefDataset', dataset='rrefcocog'),
    'phrasecut': dict(type='PhraseCutDataset'),
    'ocid_vlg': dict(type='OCIDVLGDataset', version='multiple'),
    'grasp_anything': dict(type='GraspAnythingDataset'),
    'refcoco-m': dict(type='RefCOCOMDataset'),
    'ref-l4': dict(type='RefL4Dataset'),
    'humanref': dict(type='HumanRefDataset'),
    'flickr30k': dict(type='Flickr30kEntitiesDataset'),
}


@dataclass(frozen=True)
class TruthSample:
    """One expression and what it means.

    Args:
        ids: ``dataset``, ``img_id``, ``ref_id`` and ``sent_id``.
        sentence: The expression.
        image: Path of the picture.
        size: (width, height) of the picture, in pixels.
        no_target: Nothing is meant.
        boxes: (N, 4) float32 xyxy in original pixels, N >= 0.
        masks: Polygons or RLE, one entry per box; None where the data has boxes only.
        grasps: (M, 5) float32 in original pixels; None where the data has none.
        facts: What else metrics group by, such as ``expression_type``.
    """

    ids: Mapping[str, Any]
    sentence: str
    image: str
    size: tuple[int, int]
    no_target: bool
    boxes: np.ndarray
    masks: list[Any] | None = None
    grasps: np.ndarray | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


class Truth:
    """The expressions of a data set, one after the other.

    Args:
        name: What reports call it.
        dataset: Built, without transforms.
    """

    def __init__(self, name: str, dataset: 'ReferringDataset') -> None:
        self.name = name
        self.dataset = dataset

    def __iter__(self) -> Iterator[TruthSample]:
        for index in range(len(self.dataset)):
            yield from samples_of(self.dataset.get_data_info(index))


class LinesTruth(Truth):
    """The expressions of a file of JSON lines, read as they are asked for, so that a file of any length can be scored.

    Ids and targets are those of :class:`mmvg.datasets.JSONLDataset`.

    Args:
        file: The file.
        image_folder: Holds the pictures of lines that do not say their size.
        split: Lines with another ``split`` are left out; None: none are.
        name: Value of ``dataset`` of the ids.
    """

    def __init__(self, file: Path, image_folder: Path, split: str | None = None, name: str = 'custom') -> None:
        if not file.is_file():
            raise FileNotFoundError(f'{file}: there is no such file of JSON lines')
        self.name = str(file)
        self.file = file
        self.image_folder = image_folder
        self.split = split
        self.dataset_name = name

    def __iter__(self) -> Iterator[TruthSample]:
        report = LoadReport('strict', evaluation=True)
        reader = LineReader(self.file, self.image_folder, report)
        for number, record in _streamed(self.file, report):
            if self.split is not None and record.get('split', self.split) != self.split:
                continue
            ref = reader.read(number, record)
            if ref is None:
                continue
            targets = TargetReader(reader.coco, report, 'keep', 'edge', with_mask=None)
            image = reader.coco.images[ref.image_id]
            instances = targets.targets(ref.ann_ids, ref.image_id, ref.ref_id)
            reader.coco.annotations.clear()  # only the sizes of pictures are kept
            yield from samples_of(
                dict(
                    img_path=str(self.image_folder / image['file_name']),
                    img_id=ref.image_id,
                    height=image['height'],
                    width=image['width'],
                    dataset=self.dataset_name,
                    ref_id=ref.ref_id,
                    sentences=ref.sentences,
                    instances=instances,
                    no_target=not ref.ann_ids,
                )
            )


def _streamed(file: Path, report: LoadReport) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the numbers (from 1) and objects of the lines, one line in memory at a time.

    Raises:
        DataError: If the file is something else, or a line is no JSON object.
    """
    with file.open('rb') as lines:
        for number, line in enumerate(lines, start=1):
            if number == 1:
                line = line.removeprefix(b'\xef\xbb\xbf')
                if line.strip() and (foreign := foreign_content(line[:256])) is not None:
                    raise DataError(f'{file} is {foreign}.')
            if line.strip():
                yield number, parse_line(number, line, file, report)


def samples_of(item: Mapping[str, Any]) -> Iterator[TruthSample]:
    """Make samples of a data item (:class:`mmvg.datasets.ReferringDataset`), one per sentence.

    Example:
        >>> item = dict(img_path='a.jpg', img_id=1, height=4, width=8, dataset='mine', ref_id=1, no_target=True,
        ...             instances=[], sentences=[dict(sent_id=3, text='the mug')])
        >>> sample, = samples_of(item)
        >>> sample.sentence, sample.size, sample.boxes.shape
        ('the mug', (8, 4), (0, 4))
    """
    kept = [instance for instance in item['instances'] if not instance.get('ignore_flag', 0)]
    masks = [instance.get('mask') for instance in kept]
    for sentence in item['sentences']:
        facts = item_facts(item, sentence)
        yield TruthSample(
            ids={name: facts.pop(name) for name in ID_KEYS},
            sentence=sentence['text'],
            image=facts.pop('img_path'),
            size=(item['width'], item['height']),
            no_target=bool(item['no_target']),
            boxes=np.array([instance['bbox'] for instance in kept], dtype=np.float32).reshape(-1, 4),
            masks=None if any(mask is None for mask in masks) or item.get('boxes_only') else masks,
            grasps=None if 'grasps' not in item else np.asarray(item['grasps'], dtype=np.float32),
            facts=facts,
        )


def open_truth(data: str, data_root: str | None = None, split: str | None = None, images: str | None = None) -> Truth:
    """Open the truth that a command line names.

    Args:
        data: ``NAME:SPLIT`` of ``DATA_SETS``, such as ``refcoco:testA``; a ``.jsonl`` file; or a config, whose
            ``test_dataloader`` says the rest.
        data_root: Folder of the data; by default ``data``, that of the config, or that of the file.
        split: Of JSON lines, or of a data set whose split ``data`` does not name.
        images: Image folder below the data root.

    Raises:
        FileNotFoundError: If something is missing.
        ValueError: If there is no data set of that name, the config has no test data, or two splits are named.
    """
    if data.endswith('.jsonl'):
        folder = Path(data_root) if data_root else Path(data).parent
        return LinesTruth(Path(data), folder / (images or ''), split)
    name, _, part = data.partition(':')
    overrides = dict(data_root=data_root, img_prefix=images)
    overrides = {key: value for key, value in overrides.items() if value is not None}
    if name in DATA_SETS:
        if part and split not in (None, part):
            raise ValueError(f'--data {data} --split {split}: two different splits; leave one of them out')
        if not (part or split):
            raise ValueError(f'--data {data}: name the split too, such as {name}:val')
        settings = dict(DATA_SETS[name], split=part or split, test_mode=True)
        return Truth(f'{name}:{part or split}', DATASETS.build(settings | overrides))
    if split is not None:
        raise ValueError(f'--data {data} --split {split}: a config says its split itself; leave --split out')
    return Truth(data, _dataset_of_config(data, overrides))


def _dataset_of_config(config: str, overrides: Mapping[str, str]) -> 'ReferringDataset':
    """Build the test data of a config, without transforms."""
    from mmvg.config import read_config

    try:
        cfg = read_config(config)
    except FileNotFoundError as error:
        near = suggest(config.split(':')[0], DATA_SETS)
        raise FileNotFoundError(
            f'--data {config}: no data set with its split ({":SPLIT, ".join(DATA_SETS)}:SPLIT{near}), no file *.jsonl, '
            f'and no config: {error}'
        ) from error
    if cfg.get('test_dataloader') is None:
        raise ValueError(f'{config}: no test_dataloader, so there is no truth in it')
    from mmengine.registry import init_default_scope

    init_default_scope(cfg.get('default_scope', 'mmvg'))
    return DATASETS.build({**cfg.test_dataloader.dataset, 'pipeline': [], **overrides})
