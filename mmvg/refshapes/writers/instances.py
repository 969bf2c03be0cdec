"""Write ``instances.json``: all objects of all pictures, as COCO describes them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..records import CATEGORY_IDS, SceneRecord
from ..shapes import SHAPES
from ..sizes import VERSION

INFO = {'description': 'RefShapes: generated scenes in the COCO format', 'version': VERSION}
LICENSES = [{'id': 1, 'name': 'Apache-2.0', 'url': 'https://www.apache.org/licenses/LICENSE-2.0'}]
CATEGORIES = [
    {'id': number, 'name': shape, 'supercategory': 'tool' if SHAPES[shape].handle else 'figure'}
    for shape, number in CATEGORY_IDS.items()
]


def write_json(path: Path, content: Any) -> None:
    """Write compact JSON, and the folder if it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, separators=(',', ':')))


def write_instances(scenes: Sequence[SceneRecord], path: Path) -> None:
    """Write all objects of ``scenes``, whether somebody refers to them or not."""
    images = [
        {
            'license': 1,
            'file_name': scene.file_name,
            'coco_url': '',
            'height': scene.scene.height,
            'width': scene.scene.width,
            'date_captured': '',
            'flickr_url': '',
            'id': scene.image_id,
        }
        for scene in scenes
    ]
    annotations = [
        {
            'segmentation': annotation.segmentation,
            'area': annotation.area,
            'iscrowd': 0,
            'image_id': scene.image_id,
            'bbox': annotation.bbox,
            'category_id': annotation.category_id,
            'id': annotation.ann_id,
        }
        for scene in scenes
        for annotation in scene.annotations
    ]
    content = {'info': INFO, 'licenses': LICENSES, 'images': images, 'annotations': annotations}
    write_json(path, content | {'categories': CATEGORIES})
