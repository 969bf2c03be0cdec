"""The formats that are fuzzed: a few records of each, who reads them, and what the check says of them."""

import json
import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from mmvg.data_check import check_format
from mmvg.datasets import (
    GraspAnythingDataset,
    GRefCOCODataset,
    InstanceVGJSONDataset,
    JSONLDataset,
    OCIDVLGDataset,
    PhraseCutDataset,
    RefCOCODataset,
    RefZOMDataset,
    RRefDataset,
)
from mmvg.datasets.formats import FORMATS as WRITTEN
from mmvg.datasets.formats import split_readers, write_format


@dataclass
class Format:
    """What is fuzzed.

    Attributes:
        make: Writes a few records below a folder, from RefShapes.
        files: The files to damage, below the folder; ``*`` may stand for any name.
        datasets: Split -> a function of the folder and further arguments that makes the dataset.
        dataset: What the check calls the data set.
        deep: Whether an item is complete only when it is accessed.
        target: What is given to the check, below the folder.
        decode: Whether the check decodes the pictures.
        options: Other arguments of the check.
        check: The check itself, a function of the folder; by default :func:`check_folder`.
        optional: Keys that a file may lack or hold under another name, which then mean something else to its author.
    """

    make: Callable[[Path, Path], None]
    files: list[str]
    datasets: dict[str, Callable]
    dataset: str
    deep: bool = False
    target: str = '.'
    decode: bool = False
    check: Callable | None = None
    optional: tuple[str, ...] = ()
    options: dict = field(default_factory=dict)


def _link(source: Path, root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(source / name)


def _read(file: Path):
    return pickle.loads(file.read_bytes()) if file.suffix in ('.p', '.obj') else json.loads(file.read_text())


def _write(file: Path, content) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix in ('.p', '.obj'):
        file.write_bytes(pickle.dumps(content, 2))
    else:
        file.write_text(json.dumps(content))


def _refs(folder: str, name: str, splits: tuple[str, str], source: Path, root: Path) -> None:
    """Three refs of the first split and two of the second, with their images and annotations."""
    refs = _read(source / folder / name)
    refs = [ref for ref in refs if ref['sentences']]
    refs = [ref for ref in refs if ref['split'] == splits[0]][:3] + [ref for ref in refs if ref['split'] == splits[1]][
        :2
    ]
    content = _read(source / folder / 'instances.json')
    images = {ref['image_id'] for ref in refs}
    content['images'] = [image for image in content['images'] if image['id'] in images]
    named = {
        ann_id for ref in refs for ann_id in (ref['ann_id'] if isinstance(ref['ann_id'], list) else [ref['ann_id']])
    }
    content['annotations'] = [annotation for annotation in content['annotations'] if annotation['id'] in named]
    content['categories'] = content['categories'][:3] + [
        category
        for category in content['categories'][3:]
        if category['id'] in {annotation['category_id'] for annotation in content['annotations']}
    ]
    _write(root / folder / name, refs)
    _write(root / folder / 'instances.json', content)
    _link(source, root, 'images')
    if folder == 'ref-zom':
        _link(source, root, 'ref-zom/trainval2014')


def _grec(source: Path, root: Path) -> None:
    named: set[int] = set()
    for split in ('train', 'val'):
        content = _read(source / f'grefcoco/finetune_grefcoco_{split}.json')
        content['images'] = content['images'][:4]
        ids = {image['id'] for image in content['images']}
        content['annotations'] = [a for a in content['annotations'] if a['image_id'] in ids]
        named |= {annotation['original_id'] for annotation in content['annotations']}
        _write(root / f'grefcoco/finetune_grefcoco_{split}.json', content)
    _refs('grefcoco', 'grefs(unc).json', ('train', 'val'), source, root)
    content = _read(source / 'grefcoco/instances.json')
    content['annotations'] = [annotation for annotation in content['annotations'] if annotation['id'] in named]
    used = {annotation['image_id'] for annotation in content['annotations']}
    kept = _read(root / 'grefcoco/instances.json')
    kept['images'] = [image for image in content['images'] if image['id'] in used | {i['id'] for i in kept['images']}]
    kept['annotations'] += [a for a in content['annotations'] if a not in kept['annotations']]
    kept['categories'] = content['categories']
    _write(root / 'grefcoco/instances.json', kept)


def _instancevg(source: Path, root: Path) -> None:
    content = _read(source / 'instancevg/grefs/instances.json')
    _write(root / 'instancevg/grefs/instances.json', {split: content[split][:4] for split in ('train', 'val')})
    _link(source, root, 'images')


def _lines(source: Path, root: Path) -> None:
    dataset = GRefCOCODataset('train', data_root=str(source))
    images = []
    records = []
    for index in range(7):
        item = dataset.get_data_info(index)
        name = Path(item['img_path']).name
        images.append(name)
        boxes, masks = ([instance[key] for instance in item['instances']] for key in ('bbox', 'mask'))
        record = dict(image=name, expression=item['sentences'][0]['text'], boxes=boxes, masks=masks)
        record |= dict(no_target=item['no_target'], ref_id=index, sent_id=index, split='train')
        records.append(record if index % 2 else record | dict(height=item['height'], width=item['width']))
    (root / 'all.jsonl').write_text(''.join(json.dumps(record) + '\n' for record in records))
    _link(source, root, 'images')


def _phrasecut(source: Path, root: Path) -> None:
    folder = 'VGPhraseCut_v0'
    used = set()
    for split in ('train', 'val'):
        tasks = _read(source / folder / f'refer_{split}.json')[:4]
        used |= {task['image_id'] for task in tasks}
        _write(root / folder / f'refer_{split}.json', tasks)
    images = _read(source / folder / 'image_data_split3000.json')
    _write(root / folder / 'image_data_split3000.json', [image for image in images if image['image_id'] in used])
    _link(source, root, f'{folder}/images')


def _ocid(source: Path, root: Path) -> None:
    for split in ('train', 'val', 'test'):
        file = f'refer/multiple/{split}_expressions.json'
        content = _read(source / 'ocid_vlg' / file)
        _write(root / file, dict(content, data=content['data'][:3]))
    for scene in (source / 'ocid_vlg').iterdir():
        if scene.name != 'refer':
            (root / scene.name).symlink_to(scene)


def _grasp_anything(source: Path, root: Path) -> None:
    for split, novelty in (('train', 'seen'), ('test', 'seen'), ('test', 'unseen')):
        file = f'split/grasp-anything++/{split}/{novelty}.obj'
        names = _read(source / 'grasp_anything' / file)[:2]
        _write(root / file, names)
        for folder in ('grasp_instructions', 'grasp_label_positive', 'part_mask'):
            (root / folder).mkdir(exist_ok=True)
            for name in names:
                for path in (source / 'grasp_anything' / folder).glob(f'{name}*'):
                    (root / folder / path.name).write_bytes(path.read_bytes())
    (root / 'image').symlink_to(source / 'grasp_anything/image')


def _pictures(source: Path, root: Path) -> None:
    from PIL import Image

    _lines(source, root)
    (root / 'images').unlink()
    records = [json.loads(line) for line in (root / 'all.jsonl').read_text().splitlines()]
    (root / 'images').mkdir()
    for number, (record, suffix) in enumerate(zip(records, ('png', 'jpg', 'bmp', 'gif', 'webp', 'tiff'), strict=False)):
        picture = Image.open(source / 'images/train2014' / record['image'])
        picture.save(root / f'images/{number}.{suffix}')
        records[number] = {k: v for k, v in record.items() if k not in ('height', 'width', 'masks')}
        records[number]['image'] = f'{number}.{suffix}'
    (root / 'all.jsonl').write_text(''.join(json.dumps(record) + '\n' for record in records[:6]))


def _written(name: str, source: Path, root: Path) -> None:
    """Seven expressions in a format that mmvg writes."""
    dataset = GRefCOCODataset('train', data_root=str(source), indices=7)
    unit = dict(unit='pixel') if name == 'qwen' else {}
    write_format(name, {'train': dataset}, root / f'all{WRITTEN[name].suffix}', **unit)
    _link(source, root, 'images')


def _reader(name: str, root: Path, **more):
    file = root / f'all{WRITTEN[name].suffix}'
    unit = dict(unit='pixel') if name == 'qwen' else {}
    return split_readers(name, file, None, 'images/train2014', **unit)['train'](**more)


def _coco(make: Callable, *arguments, prefix: str | None = None, **options) -> Callable:
    def build(root, **more):
        images = dict(img_prefix=prefix) if prefix else {}
        return make(*arguments, data_root=str(root), **images, **options, **more)

    return build


def _both(make: Callable, *before, splits=('train', 'val'), after: tuple = (), **options) -> dict[str, Callable]:
    return {split: _coco(make, *before, split, *after, **options) for split in splits}


FORMATS = {
    'refcoco': Format(
        partial(_refs, 'refcoco', 'refs(unc).p', ('train', 'val')),
        ['refcoco/refs(unc).p', 'refcoco/instances.json'],
        _both(RefCOCODataset, 'refcoco'),
        'refcoco',
    ),
    'grefcoco': Format(
        partial(_refs, 'grefcoco', 'grefs(unc).json', ('train', 'val')),
        ['grefcoco/grefs(unc).json', 'grefcoco/instances.json'],
        _both(GRefCOCODataset, crowd='keep'),
        'grefcoco',
    ),
    'ref-zom': Format(
        partial(_refs, 'ref-zom', 'refs(final).p', ('train', 'test')),
        ['ref-zom/refs(final).p', 'ref-zom/instances.json'],
        _both(RefZOMDataset, splits=('train', 'test'), prefix='ref-zom/trainval2014'),
        'ref-zom',
    ),
    'rrefcoco': Format(
        partial(_refs, 'rrefcoco', 'refs(unc).p', ('train', 'val')),
        ['rrefcoco/refs(unc).p', 'rrefcoco/instances.json'],
        _both(RRefDataset, 'rrefcoco'),
        'rrefcoco',
    ),
    'grec': Format(
        _grec,
        ['grefcoco/finetune_grefcoco_train.json', 'grefcoco/finetune_grefcoco_val.json'],
        _both(GRefCOCODataset, after=('grec',)),
        'grefcoco_grec',
    ),
    'instancevg': Format(
        _instancevg,
        ['instancevg/grefs/instances.json'],
        _both(InstanceVGJSONDataset, 'grefs', after=('instancevg/grefs/instances.json',)),
        'instancevg',
    ),
    'json_lines': Format(
        _lines,
        ['all.jsonl'],
        {'train': _coco(JSONLDataset, 'all.jsonl', 'train', prefix='images/train2014')},
        'jsonl',
        target='all.jsonl',
        options=dict(images='images/train2014'),
    ),
    'phrasecut': Format(
        _phrasecut,
        [
            'VGPhraseCut_v0/refer_train.json',
            'VGPhraseCut_v0/refer_val.json',
            'VGPhraseCut_v0/image_data_split3000.json',
        ],
        _both(PhraseCutDataset),
        'phrasecut',
    ),
    'ocid_vlg': Format(
        _ocid,
        ['refer/multiple/train_expressions.json', 'refer/multiple/val_expressions.json'],
        _both(OCIDVLGDataset, 'multiple'),
        'ocid_vlg',
    ),
    'grasp_anything': Format(
        _grasp_anything,
        ['split/grasp-anything++/*/*.obj', 'grasp_instructions/*', 'grasp_label_positive/*', 'part_mask/*'],
        _both(GraspAnythingDataset, splits=('train', 'test')),
        'grasp_anything',
        deep=True,
    ),
    'pictures': Format(
        _pictures,
        ['images/*'],
        {'train': _coco(JSONLDataset, 'all.jsonl', 'train', prefix='images', with_mask=False)},
        'jsonl',
        target='all.jsonl',
        decode=True,
        options=dict(images='images'),
    ),
}
for _name in ('coco', 'odvg', 'label-studio', 'qwen'):
    FORMATS[_name] = Format(
        partial(_written, _name),
        [f'all{WRITTEN[_name].suffix}'],
        {'train': partial(_reader, _name)},
        _name,
        optional=('no_target',) if _name == 'label-studio' else (),
        check=lambda root, name=_name: check_format(
            name,
            root / f'all{WRITTEN[name].suffix}',
            images='images/train2014',
            decode=False,
            **(dict(unit='pixel') if name == 'qwen' else {}),
        ),
    )
