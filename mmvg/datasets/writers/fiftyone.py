"""From any dataset to dictionaries of FiftyOne samples."""

import base64
import io
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from mmvg.datasets.referring_dataset import ReferringDataset
from mmvg.datasets.writers.written import Written, expressions_of
from mmvg.masks import decode_mask, polygons_to_rle
from mmvg.whole_files import write_whole

FIFTYONE_CANNOT = frozenset({'polygons', 'grasps'})


def write_fiftyone(dataset: ReferringDataset, file: Path, split: str, image_prefix: str | None = None) -> Written:
    """Write a list of dictionaries, a sample per image, that ``fiftyone.Sample.from_dict`` reads.

    ``ground_truth`` is ``Detections``; a ``Detection`` per expression and target has the expression as ``label``,
    ``bounding_box`` ``[x, y, w, h]`` in fractions of the image, ``ref_id`` and ``sent_id``, and ``mask``: the pixels
    within the box, in FiftyOne's packing. ``no_target`` are ``Classifications``: expressions that mean nothing. The
    split is a tag.

    Args:
        dataset: With items in original pixels.
        file: Where to write.
        split: As above.
        image_prefix: Put before the name of each image; by default the absolute path of the image folder.

    Example:
        >>> import tempfile
        >>> from mmvg.datasets import RefCOCODataset
        >>> file = Path(tempfile.mkdtemp()) / 'samples.json'
        >>> dataset = RefCOCODataset('refcoco', 'val', data_root='data/refshapes')
        >>> write_fiftyone(dataset, file, 'val').expressions
        62
        >>> sorted(json.loads(file.read_text())[0]['ground_truth']['detections'][0])
        ['_cls', 'attributes', 'bounding_box', 'label', 'mask', 'ref_id', 'sent_id', 'tags']
    """
    written = Written()
    prefix = f'{dataset.image_folder.resolve()}/' if image_prefix is None else image_prefix
    samples: dict[str, dict[str, Any]] = {}
    for name, item, sentence in expressions_of(dataset, written, FIFTYONE_CANNOT):
        sample = samples.setdefault(
            name,
            dict(
                filepath=prefix + name,
                tags=[split],
                metadata=dict(_cls='ImageMetadata', width=item['width'], height=item['height']),
                ground_truth=dict(_cls='Detections', detections=[]),
                no_target=dict(_cls='Classifications', classifications=[]),
            ),
        )
        label = dict(label=sentence['text'], tags=[], ref_id=item['ref_id'], sent_id=sentence['sent_id'])
        if item['no_target']:
            sample['no_target']['classifications'].append(dict(_cls='Classification', **label))
        for instance in item['instances']:
            sample['ground_truth']['detections'].append(_detection(instance, item, label))
    write_whole(file, json.dumps(list(samples.values()), ensure_ascii=False))
    return written


def _detection(instance: dict[str, Any], item: dict[str, Any], label: dict[str, Any]) -> dict[str, Any]:
    x1, y1, x2, y2 = instance['bbox']
    width, height = item['width'], item['height']
    box = [x1 / width, y1 / height, (x2 - x1) / width, (y2 - y1) / height]
    made = dict(_cls='Detection', bounding_box=box, attributes={}, **label)
    if 'mask' in instance:
        mask = instance['mask']
        pixels = decode_mask(mask if isinstance(mask, dict) else polygons_to_rle(mask, height, width))
        left, top, right, bottom = round(x1), round(y1), max(round(x2), round(x1) + 1), max(round(y2), round(y1) + 1)
        made['mask'] = _packed(pixels[top:bottom, left:right])
    return made


def _packed(array: np.ndarray) -> dict[str, Any]:
    """Pack an array as FiftyOne does: numpy's own format, compressed by zlib, as binary of MongoDB's extended JSON."""
    with io.BytesIO() as stream:
        np.save(stream, array, allow_pickle=False)
        packed = zlib.compress(stream.getvalue())
    return {'$binary': {'base64': base64.b64encode(packed).decode(), 'subType': '00'}}
