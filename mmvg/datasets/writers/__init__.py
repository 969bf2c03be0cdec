"""Other files from datasets: each writer says what its format cannot hold, and counts what that costs.

A writer takes one dataset, which is one split, a file and the name of the split; :mod:`mmvg.datasets.formats` pairs it
with the reader of the same format.
"""

from mmvg.datasets.writers.coco import COCO_CANNOT, write_coco
from mmvg.datasets.writers.fiftyone import FIFTYONE_CANNOT, write_fiftyone
from mmvg.datasets.writers.grefcoco import GREFCOCO_FILES, write_grefcoco
from mmvg.datasets.writers.json_lines import write_json_lines
from mmvg.datasets.writers.label_studio import LABEL_STUDIO_CANNOT, LABELING_CONFIG, LABELING_SUFFIX, write_label_studio
from mmvg.datasets.writers.odvg import ODVG_CANNOT, write_odvg
from mmvg.datasets.writers.qwen_lines import QWEN_CANNOT, QWEN_PERMILLE_CANNOT, write_qwen_lines
from mmvg.datasets.writers.written import FACETS, Written

__all__ = [
    'COCO_CANNOT',
    'FACETS',
    'FIFTYONE_CANNOT',
    'GREFCOCO_FILES',
    'LABELING_CONFIG',
    'LABELING_SUFFIX',
    'LABEL_STUDIO_CANNOT',
    'ODVG_CANNOT',
    'QWEN_CANNOT',
    'QWEN_PERMILLE_CANNOT',
    'Written',
    'write_coco',
    'write_fiftyone',
    'write_grefcoco',
    'write_json_lines',
    'write_label_studio',
    'write_odvg',
    'write_qwen_lines',
]
