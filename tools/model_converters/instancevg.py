"""Convert released weights to our names, the same as ``mmvg convert``."""

from mmvg.cli import run_script

if __name__ == '__main__':
    run_script('convert')
