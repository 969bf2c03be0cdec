"""ReLA's schedule: 300,000 iterations of AdamW in half precision, rates times 0.1 after 110,000 and 210,000."""

from mmengine.config import read_base
from mmengine.optim import AmpOptimWrapper, MultiStepLR
from mmengine.runner import IterBasedTrainLoop
from torch.optim import AdamW

with read_base():
    from ..runtime import *

iterations = 300_000
milestones = [110_000, 210_000]
val_interval = 5000  # a checkpoint as often
base_batch_size = 48  # samples of an update that lr is for: eight GPUs with 6 each

train_cfg = dict(type=IterBasedTrainLoop, max_iters='${iterations}', val_interval='${val_interval}')
auto_scale_lr = dict(base_batch_size='${base_batch_size}', enable=False)

optim_wrapper = dict(
    type=AmpOptimWrapper,
    dtype='float16',
    loss_scale='dynamic',
    optimizer=dict(type=AdamW, lr=1e-5, weight_decay=0.05),
    paramwise_cfg=dict(
        norm_decay_mult=0.0,
        custom_keys={
            'backbone.text': dict(decay_mult=1.0),  # norms of BERT decay
            'relative_position_bias_table': dict(decay_mult=0.0),
            'neck.decoder.norms': dict(decay_mult=0.0),
            'decoder.regions': dict(decay_mult=0.0),
            'decoder.region_position': dict(decay_mult=0.0),
            'decoder.level_embedding': dict(decay_mult=0.0),
        },
    ),
    clip_grad=dict(max_norm=0.01),
)
param_scheduler = [dict(type=MultiStepLR, milestones='${milestones}', gamma=0.1, by_epoch=False)]
log_processor.by_epoch = False
default_hooks.checkpoint.update(by_epoch=False, interval='${val_interval}')
