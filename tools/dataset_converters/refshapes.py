"""Write RefShapes, the same as ``mmvg data draw``."""

from mmvg.cli import run_script

if __name__ == '__main__':
    run_script('data', 'draw')
