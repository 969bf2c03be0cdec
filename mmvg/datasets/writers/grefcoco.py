"""From JSON lines to the files of gRefCOCO."""

import json
from pathlib import Path

from mmvg.datasets.referring_dataset import ReferringDataset, with_sentences
from mmvg.datasets.writers.segmentations import mask_to_json
from mmvg.datasets.writers.written import image_name
from mmvg.masks import mask_area, polygons_to_rle
from mmvg.whole_files import whole_file

#: Of images and annotations, and of refs.
GREFCOCO_FILES = ('instances.json', 'grefs(unc).json')


def write_grefcoco(datasets: dict[str, ReferringDataset], folder: Path) -> int:
    """Write ``instances.json`` and ``grefs(unc).json``, which :class:`mmvg.datasets.GRefCOCODataset` reads.

    Expressions that share ``ref_id`` and targets within an image and split become one ref. Objects of which only the
    box is known have no ``segmentation``: the dataset reads them with ``with_mask=None``.

    Args:
        datasets: Split -> dataset.
        folder: Where to write; it is made.

    Returns:
        The number of expressions.

    Example:
        >>> import tempfile
        >>> from mmvg.datasets import JSONLDataset, RefCOCODataset
        >>> from mmvg.datasets.writers import write_json_lines
        >>> root = Path(tempfile.mkdtemp())
        >>> dataset = RefCOCODataset('refcoco', 'val', data_root='data/refshapes')
        >>> write_json_lines(dataset, root / 'all.jsonl', 'val')
        62
        >>> images = str(dataset.image_folder.resolve())
        >>> lines = JSONLDataset('all.jsonl', 'val', data_root=str(root), img_prefix=images)
        >>> write_grefcoco(dict(val=lines), root / 'grefcoco')
        62
        >>> sorted(path.name for path in (root / 'grefcoco').iterdir())
        ['grefs(unc).json', 'instances.json']
    """
    images: dict[str, dict] = {}
    annotations: list[dict] = []
    refs: list[dict] = []
    expressions = 0
    for split, dataset in datasets.items():
        by_ref: dict[tuple, dict] = {}
        for index in range(len(dataset)):
            whole = dataset.get_data_info(index)
            name = image_name(whole, dataset)
            image = images.setdefault(
                name, dict(id=len(images) + 1, file_name=name, height=whole['height'], width=whole['width'])
            )
            targets: dict[bool, str] = {}
            for sentence in whole['sentences']:
                item = with_sentences(whole, [sentence])
                if item['no_target'] not in targets:
                    targets[item['no_target']] = _targets(item)
                key = (name, item['ref_id'], targets[item['no_target']])
                if key not in by_ref:
                    ann_ids = _add_annotations(item, image['id'], annotations)
                    by_ref[key] = _new_ref(len(refs) + 1, image, split, ann_ids)
                    refs.append(by_ref[key])
                expressions += 1
                text = sentence['text']
                entry = dict(sent_id=expressions, raw=text, sent=text.lower(), tokens=text.lower().split())
                by_ref[key]['sentences'].append(entry)
                by_ref[key]['sent_ids'].append(expressions)
    categories = [dict(id=1, name='object', supercategory='object')]
    content = dict(images=list(images.values()), annotations=annotations, categories=categories)
    instances_file, refs_file = (folder / name for name in GREFCOCO_FILES)
    with whole_file(instances_file) as instances, whole_file(refs_file) as grefs:
        instances.write_text(json.dumps(content), encoding='utf-8')
        grefs.write_text(json.dumps(refs), encoding='utf-8')
    return expressions


def _targets(item: dict) -> str:
    """Return boxes and masks of the targets of an item, to be compared."""
    instances = item['instances']
    masks = [mask_to_json(instance['mask']) if 'mask' in instance else None for instance in instances]
    return json.dumps([[list(instance['bbox']) for instance in instances], masks])


def _new_ref(ref_id: int, image: dict, split: str, ann_ids: list[int]) -> dict:
    """Return a ref without sentences."""
    return dict(
        ref_id=ref_id,
        image_id=image['id'],
        split=split,
        file_name=image['file_name'],
        ann_id=ann_ids or [-1],
        category_id=[1] * len(ann_ids) or [-1],
        no_target=not ann_ids,
        sent_ids=[],
        sentences=[],
    )


def _add_annotations(item: dict, image_id: int, annotations: list[dict]) -> list[int]:
    ids = []
    for instance in item['instances']:
        x1, y1, x2, y2 = instance['bbox']
        ids.append(len(annotations) + 1)
        annotation = dict(id=ids[-1], image_id=image_id, category_id=1, bbox=[x1, y1, x2 - x1, y2 - y1], iscrowd=0)
        annotation['area'] = (x2 - x1) * (y2 - y1)
        if 'mask' in instance:
            mask = instance['mask']
            annotation.update(segmentation=mask_to_json(mask), area=_area(mask, item['height'], item['width']))
        annotations.append(annotation)
    return ids


def _area(mask: list | dict, height: int, width: int) -> float:
    return float(mask_area(mask if isinstance(mask, dict) else polygons_to_rle(mask, height, width)))
