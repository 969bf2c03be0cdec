"""Score a checkpoint: ``python tools/test.py CONFIG CHECKPOINT``, the same as ``mmvg test``."""

from mmvg.cli import run_script

if __name__ == '__main__':
    run_script('test')
