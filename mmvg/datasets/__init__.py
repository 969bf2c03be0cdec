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

from mmvg.datasets.coco_phrases import COCOPhraseDataset
from mmvg.datasets.cvat import CVATDataset
from mmvg.datasets.flickr30k_entities import Flickr30kEntitiesDataset
from mmvg.datasets.grasp_anything import GraspAnythingDataset
from mmvg.datasets.grefcoco import GRefCOCODataset
from mmvg.datasets.human_ref import HumanRefDataset
from mmvg.datasets.instancevg_json import InstanceVGJSONDataset
from mmvg.datasets.json_lines import JSONLDataset
from mmvg.datasets.label_studio import LabelStudioDataset
from mmvg.datasets.mixed_refcoco import MixedRefCOCODataset
from mmvg.datasets.ocid_vlg import OCIDVLGDataset
from mmvg.datasets.odvg import ODVGDataset
from mmvg.datasets.phrasecut import PhraseCutDataset
from mmvg.datasets.qwen_lines import QwenLinesDataset
from mmvg.datasets.readers import DataError, LoadReport
from mmvg.datasets.ref_l4 import RefL4Dataset
from mmvg.datasets.refcoco import RefCOCODataset
from mmvg.datasets.refcoco_m import RefCOCOMDataset
from mmvg.datasets.referring_dataset import ReferringDataset
from mmvg.datasets.refzom import RefZOMDataset
from mmvg.datasets.rrefcoco import RRefDataset

__all__ = [
    'COCOPhraseDataset',
    'CVATDataset',
    'DataError',
    'Flickr30kEntitiesDataset',
    'GRefCOCODataset',
    'GraspAnythingDataset',
    'HumanRefDataset',
    'InstanceVGJSONDataset',
    'JSONLDataset',
    'LabelStudioDataset',
    'LoadReport',
    'MixedRefCOCODataset',
    'OCIDVLGDataset',
    'ODVGDataset',
    'PhraseCutDataset',
    'QwenLinesDataset',
    'RRefDataset',
    'RefCOCODataset',
    'RefCOCOMDataset',
    'RefL4Dataset',
    'RefZOMDataset',
    'ReferringDataset',
]
