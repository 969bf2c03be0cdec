"""Score a file of predictions without the model, the same as ``mmvg score``."""

from mmvg.cli import run_script

if __name__ == '__main__':
    run_script('score')
