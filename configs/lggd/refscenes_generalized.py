"""LGGD in small on all sentences of RefScenes, so that it also learns when nothing is meant.

Goes on from ``refscenes.py``, whose model has learned to find what is meant in small pictures; here it sees them at
192 x 144, with maps of 48 x 36, and mirrored ones as well, of more tables (``mmvg data scenes --number 5000``). A
branch tells whether anything is meant. With ``--expressions-per-image 12`` a picture is encoded once for all of its
sentences, so that a deeper tower costs little. metafile.yml has the commands.
"""

from mmdet.datasets.transforms import RandomFlip
from mmengine.config import read_base

from mmvg.datasets.transforms import SwapLeftRight
from mmvg.models.heads import PooledExistenceBranch
from mmvg.models.losses import NoTargetLoss

with read_base():
    from .refscenes import *
    from .._base_.datasets.refscenes_jsonl import *

iterations = 2800
lr = 1e-3
train_batch_size = 64
base_batch_size = 64
size = (192, 144)
width_norm = 48.0  # 80 of the 320 pixels of a picture
train_pipeline = [*load_steps, dict(type=RandomFlip, prob=0.5), dict(type=SwapLeftRight), *encode_steps]
model.backbone.update(first_map=1, image_blocks=(0, 2, 4), norm_counts_images=True, zero_init_residual=True)
model.neck.fusion.num_heads = 2
model.neck.upsampling.update(skip_channels=(32,), joined_channels=(16,), out_channels=('${map_channels}',))
model.head.postprocess.jaw_size = 9.2  # pixels of the input: 22 mm at 0.57 m, the middle of the true ones
model.head.existence = dict(
    type=PooledExistenceBranch, in_channels='${channels}', sentence_channels='${sentence_channels}'
)
model.head.no_target_loss = dict(type=NoTargetLoss, loss_weight=0.3, class_weights=(1.0, 1.0))
