"""From any dataset to a file of COCO, whose categories are the expressions."""

import json
from pathlib import Path

from mmvg.datasets.referring_dataset import ReferringDataset
from mmvg.datasets.writers.segmentations import mask_to_json
from mmvg.datasets.writers.written import Written, expressions_of
from mmvg.masks import mask_area, polygons_to_rle
from mmvg.whole_files import write_whole

COCO_CANNOT = frozenset({'repeats', 'refs', 'ids', 'splits', 'grasps'})


def write_coco(dataset: ReferringDataset, file: Path, split: str) -> Written:
    """Write images, a category per different expression, and an annotation per expression and target.

    ``info.phrase`` is ``'{}'``: what :class:`mmvg.datasets.COCOPhraseDataset` reads are the sentences themselves.
    Expressions that mean nothing in an image stand in its ``neg_category_ids``, as LVIS has it.

    Args:
        dataset: With items in original pixels.
        file: Where to write.
        split: Noted in ``info``.

    Example:
        >>> import tempfile
        >>> from mmvg.datasets import RefCOCODataset
        >>> file = Path(tempfile.mkdtemp()) / 'val.json'
        >>> dataset = RefCOCODataset('refcoco', 'val', data_root='data/refshapes')
        >>> write_coco(dataset, file, 'val').expressions
        62
        >>> sorted(json.loads(file.read_text()))
        ['annotations', 'categories', 'images', 'info']
    """
    written = Written()
    images: dict[str, dict] = {}
    categories: dict[str, dict] = {}
    annotations: list[dict] = []
    for name, item, sentence in expressions_of(dataset, written, COCO_CANNOT):
        size = dict(height=item['height'], width=item['width'])
        image = images.setdefault(name, dict(id=len(images) + 1, file_name=name, **size))
        text = sentence['text']
        category = categories.setdefault(text, dict(id=len(categories) + 1, name=text, supercategory='expression'))
        if item['no_target']:
            image.setdefault('neg_category_ids', []).append(category['id'])
        for instance in item['instances']:
            x1, y1, x2, y2 = instance['bbox']
            annotation = dict(id=len(annotations) + 1, image_id=image['id'], category_id=category['id'], iscrowd=0)
            annotation.update(bbox=[x1, y1, x2 - x1, y2 - y1], area=(x2 - x1) * (y2 - y1))
            if 'mask' in instance:
                mask = instance['mask']
                rle = mask if isinstance(mask, dict) else polygons_to_rle(mask, item['height'], item['width'])
                annotation.update(segmentation=mask_to_json(mask), area=float(mask_area(rle)))
            annotations.append(annotation)
    content = dict(
        info=dict(description=f'{dataset.name} {split}; categories are expressions', phrase='{}'),
        images=list(images.values()),
        annotations=annotations,
        categories=list(categories.values()),
    )
    write_whole(file, json.dumps(content))
    return written
