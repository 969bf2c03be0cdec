"""For tests: four steps of four samples on the tiny RefShapes; imported after the small model that is to be tiny.

Data: ``python tools/dataset_converters/refshapes.py --out data/refshapes_tiny --size tiny``.
"""

from mmengine.config import read_base

with read_base():
    from .schedules.small import default_hooks

data_root = 'data/refshapes_tiny'
vocab_file = 'data/refshapes_tiny/vocab.txt'
size = 64
train_batch_size = 4
val_batch_size = 4

iterations = 4
param_scheduler = []
default_hooks.logger.interval = 1
default_hooks.visualization.num_samples = 4
