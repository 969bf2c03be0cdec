"""Where the data sets lie that are checked through their readers.

A new format is a function that finds its files below a data root and returns a :class:`Source` for every split of them,
listed in ``FINDERS``.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mmvg.data_check.through_readers import Source
from mmvg.datasets import GRefCOCODataset, InstanceVGJSONDataset, PhraseCutDataset
from mmvg.datasets.formats import FORMATS, split_readers
from mmvg.datasets.readers import KNOWN_IMAGE_FOLDERS, DataError, read_json


def image_folder(root: Path, name: str = '') -> str:
    """Return the first of the usual image folders of a data set that is there, below ``root``."""
    usual = ('images/trainval2014', 'trainval2014', 'ref-zom/trainval2014') if name == 'ref-zom' else ()
    candidates = (*usual, *KNOWN_IMAGE_FOLDERS)
    return next((folder for folder in candidates if (root / folder).is_dir()), candidates[0])


def is_own_note(file: Path) -> bool:
    """Whether a file is known to be no annotations: notes of RefShapes, or of the authors of a data set."""
    known = ('scenes.jsonl', 'name_att_rel_count.json')
    return file.name in known or file.name.startswith(('.', 'kinds(', 'refer_input_'))


def phrasecut(root: Path, images: str | None) -> list[Source]:
    """PhraseCut: ``VGPhraseCut_v0/refer_<split>.json``; its boxes were drawn apart from its polygons."""
    options = dict(data_root=str(root), lazy_init=True, **(dict(img_prefix=images) if images else {}))
    files = {split: root / f'VGPhraseCut_v0/refer_{split}.json' for split in ('train', 'val', 'test', 'miniv')}
    return [
        Source(file, split, partial(PhraseCutDataset, split, **options), exact=False)
        for split, file in files.items()
        if file.exists()
    ]


def grec(root: Path, images: str | None) -> list[Source]:
    """The files of the GREC reading of gRefCOCO: ``grefcoco/finetune_grefcoco_<split>.json``."""
    options = dict(data_root=str(root), lazy_init=True, img_prefix=images or image_folder(root))
    files = {split: root / f'grefcoco/finetune_grefcoco_{split}.json' for split in ('train', 'val', 'testA', 'testB')}
    return [
        Source(file, split, partial(GRefCOCODataset, split, 'grec', **options))
        for split, file in files.items()
        if file.exists()
    ]


def instancevg(root: Path, images: str | None) -> list[Source]:
    """InstanceVG's own files: ``instancevg/<data set>/*.json``, whose keys are the splits."""
    found = []
    for file in sorted((root / 'instancevg').glob('*/*.json')):
        if file.name == 'instance_index.json':
            continue
        name, index = file.parent.name, file.with_name('instance_index.json')
        options = dict(ann_file=str(file.relative_to(root)), data_root=str(root), lazy_init=True)
        options['img_prefix'] = images or image_folder(root, name)
        label, indexed = f'{name}/{file.name}', _keys(index)
        for split in _keys(file) or ['train']:  # whose reading says what is wrong
            more = dict(index_file=str(index.relative_to(root))) if split in indexed else {}
            build = partial(InstanceVGJSONDataset, name, split, **options, **more)
            found.append(Source(file, split, build, label=label))
    return found


def _keys(file: Path) -> list[str]:
    try:
        return list(read_json(file, dict))
    except (DataError, OSError):
        return []


def of_format(
    name: str, source: Path, splits: Sequence[str] | None, images: str | None, **options: Any
) -> list[Source]:
    """Data in one of the formats of :mod:`mmvg.datasets.formats`."""
    readers = split_readers(name, source, splits, images, **options)
    found = []
    for split, reader in readers.items():
        build = partial(reader, lazy_init=True)
        file = source if source.is_file() else next(iter(build().files.values()))
        label = file.name if name == 'ref-l4' else ''  # nothing is trained on it: val and test are scored together
        found.append(Source(file, split, build, FORMATS[name].box_format, exact=False, label=label))
    return found


def benchmark(name: str, root: Path, images: str | None) -> list[Source]:
    """The splits of a benchmark whose files are there, below a data root."""
    return [source for source in of_format(name, root, None, images) if source.file.exists()]


#: Name in the table of counts -> the folder that it lies in, and what finds it below a data root.
FINDERS: dict[str, tuple[str, Callable[[Path, str | None], list[Source]]]] = {
    'phrasecut': ('VGPhraseCut_v0', phrasecut),
    'grefcoco_grec': ('grefcoco', grec),
    'instancevg': ('instancevg', instancevg),
    'refcoco-m': ('refcoco-m', partial(benchmark, 'refcoco-m')),
    'ref-l4': ('ref-l4', partial(benchmark, 'ref-l4')),
    'humanref': ('humanref', partial(benchmark, 'humanref')),
    'flickr30k': ('flickr30k_entities', partial(benchmark, 'flickr30k')),
}
