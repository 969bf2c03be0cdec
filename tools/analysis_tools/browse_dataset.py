"""Draw what a pipeline delivers, the same as ``mmvg data browse``."""

from mmvg.cli import run_script

if __name__ == '__main__':
    run_script('data', 'browse')
