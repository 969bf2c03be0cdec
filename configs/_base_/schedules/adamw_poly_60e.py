"""RaAM-RVG's schedule: 60 epochs of AdamW, the rate falling polynomially to 0 at every iteration, without warm-up."""

from mmengine.config import read_base

with read_base():
    from .adamw_poly_40e import *

max_epochs = 60
base_batch_size = 16  # two GPUs with 8 each
optim_wrapper.optimizer.update(lr=2e-5, weight_decay=0.05)
optim_wrapper.paramwise_cfg = dict(
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
)
