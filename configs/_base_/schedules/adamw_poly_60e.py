"""RaAM-RVG's schedule: 60 epochs of AdamW, the rate falling polynomially to 0 at every iteration, without warm-up."""

from mmengine.optim import OptimWrapper, PolyLR
from mmengine.runner import EpochBasedTrainLoop, TestLoop, ValLoop
from torch.optim import AdamW

train_cfg = dict(type=EpochBasedTrainLoop, max_epochs=60, val_interval=1)
val_cfg = dict(type=ValLoop)
test_cfg = dict(type=TestLoop)

optim_wrapper = dict(
    type=OptimWrapper,
    optimizer=dict(type=AdamW, lr=2e-5, weight_decay=0.05),
    paramwise_cfg=dict(
        norm_decay_mult=0.0,
        bias_decay_mult=0.0,
        custom_keys=dict(
            LayerNorm=dict(decay_mult=0.0),
            pos_embed=dict(decay_mult=0.0),
            position_embeddings=dict(decay_mult=0.0),
            relative_position_bias_table=dict(decay_mult=0.0),
            anchors=dict(decay_mult=0.0),
            alpha1=dict(decay_mult=0.0),
            alpha2=dict(decay_mult=0.0),
        ),
    ),
)
param_scheduler = [
    dict(type=PolyLR, power=0.9, eta_min=0, begin=0, end=60, by_epoch=True, convert_to_iter_based=True),
]
