"""Checks of ``instances.json`` with a file of refs: RefCOCO/+/g, gRefCOCO, Ref-ZOM and R-RefCOCO/+/g."""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mmvg.data_check.counts import Counts
from mmvg.data_check.findings import FindingReport, RecordError
from mmvg.data_check.images import check_images
from mmvg.data_check.objects import ObjectChecks
from mmvg.data_check.splits import check_leakage, check_presence
from mmvg.data_check.texts import check_text
from mmvg.data_check.twins import Signature
from mmvg.datasets.readers import (
    CocoInstances,
    Ref,
    TargetReader,
    as_id,
    is_finite_number,
    read_json,
    read_pickle,
    read_refs,
)
from mmvg.foreign_files import shown

_UNC = ('train', 'val', 'testA', 'testB')


@dataclass(frozen=True)
class RefsFormat:
    """How a data set in the refer formats differs from the others.

    Args:
        folder: Below the data root.
        targets: ``'one'`` annotation per ref, ``'several'``, or ``'any'`` number (with [-1] for none).
        splits: Names of splits that there are.
        source: Refs carry ``source``, and ``'zero'`` means no target.
        exist: Sentences may carry ``exist``, and a false one has no target.
        share_images: Names of ref files whose splits share images by design.
        expected: Splits that a whole file has.
    """

    folder: str
    targets: str
    splits: tuple[str, ...] = ('train', 'val', 'testA', 'testB', 'test')
    source: bool = False
    exist: bool = False
    share_images: tuple[str, ...] = ()
    expected: tuple[str, ...] = ('train', 'val')


FORMATS = {
    'refcoco': RefsFormat('refcoco', 'one', share_images=('refs(google).p',), expected=_UNC),
    'refcoco+': RefsFormat('refcoco+', 'one', expected=_UNC),
    'refcocog': RefsFormat('refcocog', 'one', share_images=('refs(google).p',)),
    'grefcoco': RefsFormat('grefcoco', 'any', splits=_UNC, expected=_UNC),
    'ref-zom': RefsFormat('ref-zom', 'several', splits=('train', 'test'), source=True, expected=('train', 'test')),
    'rrefcoco': RefsFormat('rrefcoco', 'one', exist=True),
    'rrefcoco+': RefsFormat('rrefcoco+', 'one', exist=True),
    'rrefcocog': RefsFormat('rrefcocog', 'one', exist=True),
}


def check_coco_refs(
    root: Path,
    kind: RefsFormat,
    image_folder: Path,
    report: FindingReport,
    decode: bool = True,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[tuple[str, str], Counts]:
    """Check one data set record by record.

    Args:
        root: Data root.
        kind: What sets the data set apart.
        image_folder: Where its images are.
        report: Where findings go.
        decode: Decode every image; otherwise only headers are read.
        progress: Called with what is looked at next.

    Returns:
        (file of refs, split) -> what it holds.
    """
    folder = root / kind.folder
    instances_file = folder / 'instances.json'
    refs_files = sorted(path for path in folder.glob('*refs(*).*') if path.suffix in ('.p', '.json'))
    refs_files += sorted(path for path in folder.glob('Ref*ZOM*.p'))
    if not refs_files:
        report.found('missing file', folder / 'refs(<split_by>).p', 'the file')
    content = report.try_file(read_json, instances_file, dict)
    if content is None:
        return {}
    progress(f'{kind.folder}: images and annotations')
    coco = _check_instances(instances_file, content, report)
    signatures = check_images(coco.images.values(), image_folder, instances_file, report, decode)
    found: dict[tuple[str, str], Counts] = {}
    for file in refs_files:
        progress(f'{kind.folder}: {file.name}')
        records = report.try_file(read_pickle if file.suffix == '.p' else read_json, file, list)
        if records is not None:
            counts = _check_refs(file, records, kind, coco, signatures, report)
            found.update({(file.name, split): count for split, count in counts.items()})
    return found


def _check_instances(file: Path, content: dict, report: FindingReport) -> CocoInstances:
    """Check images and annotations one by one, and return the sound ones."""
    lists = {}
    for key in ('images', 'annotations'):
        lists[key] = content.get(key)
        if not isinstance(lists[key], list):
            report.found(f'no list {key!r}', file, 'the file')
            lists[key] = []
    images = _unique('image', lists['images'], file, report)
    for image_id in list(images):
        one = CocoInstances(file, [images[image_id]], [], report)
        if report.try_record(one.image, image_id, -1) is None:
            del images[image_id]
    annotations = _unique('annotation', lists['annotations'], file, report)
    listed = content.get('categories')
    categories = [c.get('id') for c in listed if isinstance(c, dict)] if isinstance(listed, list) else []
    categories = {category for category in categories if isinstance(category, int)}
    coco = CocoInstances(file, list(images.values()), [], report)
    objects = ObjectChecks(file, report, 'xywh')
    sound = []
    for ann_id, annotation in annotations.items():
        record = f'annotation id {ann_id}'
        image_id = report.try_record(as_id, annotation.get('image_id'), 'image_id', file, record, report)
        if image_id is None:
            continue
        if image_id not in images:
            report.found('image_id that is not in images', file, f'{record}: image_id {image_id}')
            continue
        if annotation.get('iscrowd', 0) not in (0, 1):
            report.found('iscrowd that is neither 0 nor 1', file, f'{record}: {shown(annotation["iscrowd"])}')
        category = annotation.get('category_id')
        if categories and (not isinstance(category, int) or category not in categories):
            report.found('category_id that is not in categories', file, f'{record}: {shown(category)}')
        area = annotation.get('area')
        if 'area' in annotation and (not is_finite_number(area) or area < 0):
            report.found('area that is not a number of pixels', file, f'{record}: {shown(area)}')
            area = None
        coco.annotations = {ann_id: dict(annotation, image_id=image_id)}
        reader = TargetReader(coco, report, crowd='keep', clip_to='edge', with_mask=True)
        report.try_record(reader.targets, (ann_id,), image_id, -1)
        size = (images[image_id]['height'], images[image_id]['width'])
        objects.add(record, image_id, annotation.get('bbox'), annotation.get('segmentation'), size, area)
        sound.append(dict(annotation, id=ann_id, image_id=image_id))
    objects.finish()
    coco.annotations = {annotation['id']: annotation for annotation in sound}
    return coco


def _unique(kind: str, records: list, file: Path, report: FindingReport) -> dict[int, dict]:
    """Sort records by id; of those that share one, the first counts."""
    found: dict[int, dict] = {}
    for position, record in enumerate(records):
        place = f'{kind}s[{position}]'
        if not isinstance(record, dict) or 'id' not in record:
            report.found(f'{kind} without id', file, f'{place}: {shown(record)}')
            continue
        key = report.try_record(as_id, record['id'], 'id', file, place, report)
        if key is None:
            continue
        if key in found:
            report.found(f'duplicate {kind} id', file, f'{kind} id {key}')
            continue
        found[key] = dict(record, id=key)
    return found


def _check_refs(
    file: Path,
    records: list,
    kind: RefsFormat,
    coco: CocoInstances,
    signatures: dict[int | str, Signature],
    report: FindingReport,
) -> dict[str, Counts]:
    counts: dict[str, Counts] = defaultdict(Counts)
    if not records:
        report.found('file without a ref', file, 'the file')
        return counts
    ref_ids: Counter = Counter()
    sent_ids: Counter = Counter()
    for position, record in enumerate(records):
        ref = _read_ref(file, position, record, kind, report)
        if ref is None:
            continue
        ref_ids[ref.ref_id] += 1
        if ref_ids[ref.ref_id] == 2:
            report.found('duplicate ref_id', file, f'ref_id {ref.ref_id}')
        for sentence in ref.sentences:
            sent_ids[sentence['sent_id']] += 1
            if sent_ids[sentence['sent_id']] == 2:
                report.found('duplicate sent_id', file, f'ref_id {ref.ref_id}, sent_id {sentence["sent_id"]}')
            where = f'ref_id {ref.ref_id}, sent_id {sentence["sent_id"]}'
            check_text(sentence['text'], file, where, report)
        no_target = _check_targets(file, ref, kind, coco, report)
        count = counts[ref.split]
        count.refs += 1
        count.sentences += len(ref.sentences)
        count.no_target += len(ref.sentences) if no_target else 0
        count.images.add(ref.image_id)
    names = {image_id: f'image_id {image_id}' for image_id in coco.images}
    level = 'note' if file.name in kind.share_images else 'error'
    check_leakage(file, counts, names, signatures, report, level)
    others = kind.expected[2:] if 'test' not in counts else ()  # those of unc; umd and google have one test split
    check_presence(file, counts, (*kind.expected[:2], *others), report)
    return counts


def _read_ref(file: Path, position: int, record: object, kind: RefsFormat, report: FindingReport) -> Ref | None:
    if not isinstance(record, dict):
        report.found('ref that is not a dict', file, f'entry {position}: {shown(record)}')
        return None
    where = f'ref_id {shown(record.get("ref_id"))}'
    split = record.get('split')
    if split not in kind.splits:
        report.found(f'split that is not one of {", ".join(kind.splits)}', file, f'{where}: {shown(split)}')
        return None
    fields = {'raw', 'sent'} if isinstance(record.get('sentences'), list) else {'raw'}
    refs = [report.try_record(read_refs, [record], name, file, report) for name in sorted(fields)]
    if None in refs:
        return None
    if kind.exist:
        for sentence in record['sentences']:
            exist = sentence.get('exist', True)
            if exist not in (True, False) or isinstance(exist, float):
                place = f'{where}, sent_id {sentence["sent_id"]}'
                report.found('exist that is neither true nor false', file, f'{place}: {shown(exist)}')
    return refs[0][0]


def _check_targets(file: Path, ref: Ref, kind: RefsFormat, coco: CocoInstances, report: FindingReport) -> bool:
    """Check image and annotations of a ref, and return whether it has no target."""
    where = f'ref_id {ref.ref_id}'
    ids = ref.ann_ids
    if ref.image_id not in coco.images:
        report.found('image_id that is not in images', file, f'{where}: image_id {ref.image_id}')
        return False
    if kind.targets == 'one' and (len(ids) != 1 or ids[0] < 0):
        report.found('ref that has not exactly one target', file, f'{where}: ann_id {shown(list(ids))}')
        return False
    no_target = ids == (-1,)
    if -1 in ids and not no_target:
        report.found('-1 beside real ids', file, f'{where}: ann_id {shown(list(ids))}')
        return False
    if kind.targets == 'any':
        if not ids:
            report.found('ref without ann_id', file, where)
        flag = ref.record.get('no_target', no_target)
        if flag not in (True, False) or bool(flag) != no_target:
            report.found(
                'no_target that contradicts ann_id', file, f'{where}: {shown(flag)}, ann_id {shown(list(ids))}'
            )
        categories = ref.record.get('category_id')
        if isinstance(categories, list) and len(categories) != len(ids):
            report.found('category_id that is not as long as ann_id', file, where)
    if kind.source:
        if not isinstance(ref.record.get('source', 'one'), str):
            report.found('source that is not a string', file, f'{where}: {shown(ref.record["source"])}')
        no_target = ref.record.get('source') == 'zero'
        missing = [ann_id for ann_id in ids if ann_id != -1 and ann_id not in coco.annotations] if no_target else []
        if missing:
            where = f'{where}: {shown(missing)}'
            report.found('annotation that does not exist in a zero ref', file, where)
        if not no_target and not ids:
            report.found('ref without a target whose source is not zero', file, where)
    for ann_id in ids if not no_target else ():
        try:
            coco.annotation(ann_id, ref.image_id, ref.ref_id)
        except RecordError:
            continue
    if len(set(ids)) < len(ids):
        report.found('duplicate ann_id in a ref', file, f'{where}: ann_id {shown(list(ids))}')
    return no_target
