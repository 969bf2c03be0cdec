"""The three loaders, still without a data set, and one list of metrics for validation and test."""

from mmengine.dataset import DefaultSampler

data_root = 'data'
train_batch_size = 16  # per GPU
val_batch_size = 16
num_workers = 4
persistent_workers = True

train_dataloader = dict(
    batch_size='${train_batch_size}',
    num_workers='${num_workers}',
    persistent_workers='${persistent_workers}',
    drop_last=True,
    sampler=dict(type=DefaultSampler, shuffle=True),
)
val_dataloader = dict(
    batch_size='${val_batch_size}',
    num_workers='${num_workers}',
    persistent_workers='${persistent_workers}',
    sampler=dict(type=DefaultSampler, shuffle=False),
)
test_dataloader = dict(val_dataloader)
val_evaluator = '${evaluator}'
test_evaluator = '${evaluator}'
