"""Datasets of images with expressions, read from the files of the public benchmarks.

One file per dataset; ``readers`` holds what they share, ``writers`` makes other files from them, ``transforms`` is what
happens to one sample and ``tokenizers`` turn its text into numbers. In the docstrings of all of them:

====== =============================================================================
letter meaning
====== =============================================================================
H W    height and width of an image, in pixels
L      tokens of a text
M      grasps, (M, 5) ``[x, y, w, h, theta]``
N      targets of an expression, 0 if it means nothing; boxes are (N, 4), xyxy
x y    left upper corner of a ``bbox`` ``[x, y, w, h]``, as COCO files have it
w h    width and height of that
====== =============================================================================
"""

from mmvg.datasets.grasp_anything import GraspAnythingDataset
from mmvg.datasets.grefcoco import GRefCOCODataset
from mmvg.datasets.instancevg_json import InstanceVGJSONDataset
from mmvg.datasets.json_lines import JSONLDataset
from mmvg.datasets.mixed_refcoco import MixedRefCOCODataset
from mmvg.datasets.ocid_vlg import OCIDVLGDataset
from mmvg.datasets.phrasecut import PhraseCutDataset
from mmvg.datasets.readers import DataError, LoadReport
from mmvg.datasets.refcoco import RefCOCODataset
from mmvg.datasets.referring_dataset import ReferringDataset
from mmvg.datasets.refzom import RefZOMDataset
from mmvg.datasets.rrefcoco import RRefDataset

__all__ = [
    'DataError',
    'GRefCOCODataset',
    'GraspAnythingDataset',
    'InstanceVGJSONDataset',
    'JSONLDataset',
    'LoadReport',
    'MixedRefCOCODataset',
    'OCIDVLGDataset',
    'PhraseCutDataset',
    'RRefDataset',
    'RefCOCODataset',
    'RefZOMDataset',
    'ReferringDataset',
]
