"""Count parameters and multiply-accumulates, the same as ``mmvg flops``."""

from mmvg.cli import run_script

if __name__ == '__main__':
    run_script('flops')
