"""Train a model: ``python tools/train.py CONFIG``, the same as ``mmvg train``."""

from mmvg.cli import run_script

if __name__ == '__main__':
    run_script('train')
