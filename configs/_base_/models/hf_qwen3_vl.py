"""Qwen3-VL (arXiv:2511.21631), 8B, of transformers.

To fetch the folder: hf download Qwen/Qwen3-VL-8B-Instruct
    --local-dir data/weights/Qwen3-VL-8B-Instruct

The weights are under Apache-2.0.
"""

from mmengine.config import read_base

with read_base():
    from .hf_qwen2_5_vl import *

model_folder = 'data/weights/Qwen3-VL-8B-Instruct'
model.library.source = 'Qwen/Qwen3-VL-8B-Instruct'
model.head.postprocess.update(unit='permille', box_frame='original')
