"""From any dataset to tasks with pre-annotations for Label Studio."""

import json
from pathlib import Path
from typing import Any

from mmvg.datasets.readers.brush_rle import encode_brush
from mmvg.datasets.readers.orientation import turn_box, turn_mask, turned_size
from mmvg.datasets.referring_dataset import ReferringDataset
from mmvg.datasets.writers.segmentations import mask_to_json
from mmvg.datasets.writers.written import Written, expressions_of
from mmvg.masks import decode_mask, polygons_to_rle
from mmvg.pictures import exif_orientation
from mmvg.whole_files import write_whole

LABEL_STUDIO_CANNOT = frozenset({'repeats', 'ids', 'splits', 'grasps'})
#: What the file of the labeling interface ends in; its name is not one that CVAT gives to annotations.
LABELING_SUFFIX = '.labeling.xml'
#: The labeling interface that fits the tasks.
LABELING_CONFIG = """\
<View>
  <Image name="image" value="$image"/>
  <RectangleLabels name="box" toName="image"><Label value="target"/></RectangleLabels>
  <PolygonLabels name="polygon" toName="image"><Label value="target"/></PolygonLabels>
  <BrushLabels name="brush" toName="image"><Label value="target"/></BrushLabels>
  <TextArea name="expression" toName="image" perRegion="true" placeholder="one expression a line"/>
</View>
"""


def write_label_studio(
    dataset: ReferringDataset, file: Path, split: str, image_prefix: str = '/data/local-files/?d='
) -> Written:
    """Write a task per image: a rectangle per object with its expressions, and its mask as a child of it.

    A mask of one polygon becomes a polygon, any other a brush mask. All is in percent of the upright picture. Objects
    of one place and shape are one. Expressions that mean nothing stand in ``data.no_target``. Beside the file lies
    ``<stem>.labeling.xml``, the labeling interface to paste into the project.

    Args:
        dataset: With items in original pixels.
        file: Where to write.
        split: Written into ``data``.
        image_prefix: Put before the name of each image.

    Example:
        >>> import tempfile
        >>> from mmvg.datasets import RefCOCODataset
        >>> file = Path(tempfile.mkdtemp()) / 'tasks.json'
        >>> dataset = RefCOCODataset('refcoco', 'val', data_root='data/refshapes')
        >>> write_label_studio(dataset, file, 'val').expressions
        62
        >>> task = json.loads(file.read_text())[0]
        >>> sorted({entry['type'] for entry in task['predictions'][0]['result']})
        ['polygonlabels', 'rectanglelabels', 'textarea']
    """
    written = Written()
    tasks: dict[str, _Task] = {}
    for name, item, sentence in expressions_of(dataset, written, LABEL_STUDIO_CANNOT):
        if name not in tasks:
            tasks[name] = _Task(item, dict(image=image_prefix + name, split=split))
        tasks[name].add(item, sentence['text'])
    write_whole(file, json.dumps([task.as_json() for task in tasks.values()], ensure_ascii=False))
    written.beside.append(file.with_suffix(LABELING_SUFFIX))
    write_whole(written.beside[-1], LABELING_CONFIG)
    return written


class _Task:
    """The objects of one picture, and what is said about each."""

    def __init__(self, item: dict[str, Any], data: dict[str, Any]) -> None:
        self.data = data
        self.size = (item['width'], item['height'])
        self.orientation = exif_orientation(item['img_path'])
        self.objects: dict[str, tuple[dict[str, Any], list[str]]] = {}

    def add(self, item: dict[str, Any], text: str) -> None:
        if item['no_target']:
            self.data.setdefault('no_target', []).append(text)
        for instance in item['instances']:
            mask = mask_to_json(instance['mask']) if 'mask' in instance else None
            key = json.dumps([list(instance['bbox']), mask])
            texts = self.objects.setdefault(key, (dict(bbox=instance['bbox'], mask=mask), []))[1]
            if text not in texts:
                texts.append(text)

    def as_json(self) -> dict[str, Any]:
        result = []
        for number, (shape, texts) in enumerate(self.objects.values(), start=1):
            box = turn_box(shape['bbox'], *self.size, self.orientation)
            width, height = turned_size(*self.size, self.orientation)
            value = dict(
                x=100 * box[0] / width,
                y=100 * box[1] / height,
                width=100 * (box[2] - box[0]) / width,
                height=100 * (box[3] - box[1]) / height,
                rotation=0,
            )
            result.append(self._region(f'box{number}', 'box', 'rectanglelabels', value))
            said = self._region(f'box{number}', 'expression', 'textarea', dict(value, text=texts))
            del said['value']['textarea']
            result.append(said)
            if shape['mask'] is not None:
                region = self._mask_region(f'mask{number}', turn_mask(shape['mask'], *self.size, self.orientation))
                result.append(dict(region, parentID=f'box{number}'))
        return dict(data=self.data, predictions=[dict(model_version='mmvg', result=result)])

    def _mask_region(self, key: str, mask: list | dict) -> dict[str, Any]:
        width, height = turned_size(*self.size, self.orientation)
        if isinstance(mask, list) and len(mask) == 1:
            pairs = zip(mask[0][0::2], mask[0][1::2], strict=True)
            points = [[100 * x / width, 100 * y / height] for x, y in pairs]
            return self._region(key, 'polygon', 'polygonlabels', dict(points=points, closed=True))
        rle = mask if isinstance(mask, dict) else polygons_to_rle(mask, height, width)
        return self._region(key, 'brush', 'brushlabels', dict(format='rle', rle=encode_brush(decode_mask(rle))))

    def _region(self, key: str, control: str, kind: str, value: dict[str, Any]) -> dict[str, Any]:
        width, height = turned_size(*self.size, self.orientation)
        return dict(
            id=key,
            from_name=control,
            to_name='image',
            type=kind,
            original_width=width,
            original_height=height,
            image_rotation=0,
            value={**value, kind: ['target']},
        )
