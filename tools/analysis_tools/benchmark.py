"""Time a model: preprocessing, network, post-processing, the same as ``mmvg benchmark``."""

from mmvg.cli import run_script

if __name__ == '__main__':
    run_script('benchmark')
