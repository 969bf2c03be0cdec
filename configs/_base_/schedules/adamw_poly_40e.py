"""LAVT's schedule: 40 epochs of AdamW, the rate falling polynomially to 0 at every iteration, without warm-up."""

from mmengine.optim import OptimWrapper, PolyLR
from mmengine.runner import EpochBasedTrainLoop
from torch.optim import AdamW

max_epochs = 40
base_batch_size = 32  # samples of an update that lr is for: four GPUs with 8 each

train_cfg = dict(type=EpochBasedTrainLoop, max_epochs='${max_epochs}', val_interval=1)
auto_scale_lr = dict(base_batch_size='${base_batch_size}', enable=False)

optim_wrapper = dict(
    type=OptimWrapper,
    optimizer=dict(type=AdamW, lr=5e-5, weight_decay=0.01),
    paramwise_cfg=dict(
        custom_keys=dict(
            norm=dict(decay_mult=0.0),  # of Swin and the decoders; BERT's are called LayerNorm and decay
            relative_position_bias_table=dict(decay_mult=0.0),
        )
    ),
)
param_scheduler = [
    dict(type=PolyLR, power=0.9, eta_min=0, begin=0, end='${max_epochs}', by_epoch=True, convert_to_iter_based=True)
]
