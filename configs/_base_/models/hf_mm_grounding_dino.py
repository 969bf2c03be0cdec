"""MM-Grounding-DINO (arXiv:2401.02361), Swin-T, of transformers.

To fetch the folder: hf download openmmlab-community/mm_grounding_dino_tiny_o365v1_goldg_grit_v3det
    --local-dir data/weights/mm_grounding_dino_tiny_o365v1_goldg_grit_v3det

The weights are under Apache-2.0.
"""

from mmengine.config import read_base

with read_base():
    from .hf_grounding_dino import *

model_folder = 'data/weights/mm_grounding_dino_tiny_o365v1_goldg_grit_v3det'
model.library.source = 'openmmlab-community/mm_grounding_dino_tiny_o365v1_goldg_grit_v3det'
