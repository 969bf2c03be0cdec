"""Datasets of images with expressions, read from the files of the public benchmarks."""

from mmvg.datasets.grefcoco import GRefCOCODataset
from mmvg.datasets.load_report import DataError, LoadReport
from mmvg.datasets.phrasecut import PhraseCutDataset
from mmvg.datasets.refcoco import RefCOCODataset

__all__ = ['DataError', 'GRefCOCODataset', 'LoadReport', 'PhraseCutDataset', 'RefCOCODataset']
