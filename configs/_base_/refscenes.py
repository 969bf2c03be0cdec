"""Where RefScenes lies and which words it uses; imported after a data set, whose format is then read from there."""

from mmengine.config import read_base

with read_base():
    from .refshapes import *

data_root = 'data/refscenes'
vocab_file = 'data/refscenes/vocab.txt'
