"""Datasets of images with expressions, read from the files of the public benchmarks."""

from mmvg.datasets.grasp_anything import GraspAnythingDataset
from mmvg.datasets.grefcoco import GRefCOCODataset
from mmvg.datasets.instancevg_json import InstanceVGJSONDataset
from mmvg.datasets.json_lines import JSONLDataset
from mmvg.datasets.load_report import DataError, LoadReport
from mmvg.datasets.mixed_refcoco import MixedRefCOCODataset
from mmvg.datasets.ocid_vlg import OCIDVLGDataset
from mmvg.datasets.phrasecut import PhraseCutDataset
from mmvg.datasets.refcoco import RefCOCODataset
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
]
