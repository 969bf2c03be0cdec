"""To JSON lines from any dataset, and from JSON lines to the files of gRefCOCO."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from mmvg.datasets.json_lines import JSONLDataset
from mmvg.datasets.referring_dataset import ReferringDataset
from mmvg.masks import encode_mask, mask_area, polygons_to_rle


def write_json_lines(
    dataset: ReferringDataset,
    file: Path,
    split: str,
    append: bool = False,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Write every expression of a dataset as a line; returns how many.

    Args:
        dataset: With items in original pixels.
        file: Where to write. Image paths are relative to the image folder of the dataset.
        split: Written into each line.
        append: Add to the file.
        progress: Called with the number of items so far.
    """
    written = 0
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open('a' if append else 'w', encoding='utf-8') as lines:
        for index in range(len(dataset)):
            item = dataset.get_data_info(index)
            record = dict(
                image=str(Path(item['img_path']).relative_to(dataset.image_folder)),
                boxes=[list(instance['bbox']) for instance in item['instances']],
                no_target=item['no_target'],
                split=split,
                height=item['height'],
                width=item['width'],
                ref_id=item['ref_id'],
            )
            if all('mask' in instance for instance in item['instances']):
                record['masks'] = [_as_json(instance['mask']) for instance in item['instances']]
            for sentence in item['sentences']:
                line = dict(record, expression=sentence['text'], sent_id=sentence['sent_id'])
                lines.write(json.dumps(line) + '\n')
                written += 1
            if progress is not None:
                progress(index + 1)
    return written


def write_grefcoco(datasets: dict[str, JSONLDataset], folder: Path) -> int:
    """Write ``instances.json`` and ``grefs(unc).json`` for split -> dataset; returns the number of expressions.

    Expressions that share ``ref_id`` within an image and split become one ref.
    """
    images: dict[str, dict] = {}
    annotations: list[dict] = []
    refs: list[dict] = []
    expressions = 0
    for split, dataset in datasets.items():
        by_ref: dict[tuple, dict] = {}
        for index in range(len(dataset)):
            item = dataset.get_data_info(index)
            name = str(Path(item['img_path']).relative_to(dataset.image_folder))
            image = images.setdefault(
                name, dict(id=len(images) + 1, file_name=name, height=item['height'], width=item['width'])
            )
            key = (name, item['ref_id'])
            if key not in by_ref:
                ann_ids = _add_annotations(item, image['id'], annotations)
                by_ref[key] = dict(
                    ref_id=len(refs) + 1,
                    image_id=image['id'],
                    split=split,
                    file_name=name,
                    ann_id=ann_ids or [-1],
                    category_id=[1] * len(ann_ids) or [-1],
                    no_target=not ann_ids,
                    sent_ids=[],
                    sentences=[],
                )
                refs.append(by_ref[key])
            for sentence in item['sentences']:
                expressions += 1
                text = sentence['text']
                entry = dict(sent_id=expressions, raw=text, sent=text.lower(), tokens=text.lower().split())
                by_ref[key]['sentences'].append(entry)
                by_ref[key]['sent_ids'].append(expressions)
    folder.mkdir(parents=True, exist_ok=True)
    categories = [dict(id=1, name='object', supercategory='object')]
    content = dict(images=list(images.values()), annotations=annotations, categories=categories)
    (folder / 'instances.json').write_text(json.dumps(content), encoding='utf-8')
    (folder / 'grefs(unc).json').write_text(json.dumps(refs), encoding='utf-8')
    return expressions


def _add_annotations(item: dict, image_id: int, annotations: list[dict]) -> list[int]:
    ids = []
    for instance in item['instances']:
        x1, y1, x2, y2 = instance['bbox']
        mask = instance.get('mask') or [[x1, y1, x2, y1, x2, y2, x1, y2]]
        ids.append(len(annotations) + 1)
        annotations.append(
            dict(
                id=ids[-1],
                image_id=image_id,
                category_id=1,
                bbox=[x1, y1, x2 - x1, y2 - y1],
                area=_area(mask, item['height'], item['width']),
                segmentation=_as_json(mask),
                iscrowd=0,
            )
        )
    return ids


def _area(mask: list | dict, height: int, width: int) -> float:
    return float(mask_area(mask if isinstance(mask, dict) else polygons_to_rle(mask, height, width)))


def _as_json(mask: list | dict) -> list | dict:
    if isinstance(mask, dict):
        return encode_mask(mask)
    return [np.asarray(polygon, dtype=float).tolist() for polygon in mask]
