"""Check, convert and pack data, the same as ``mmvg data``."""

from mmvg.cli import run_script

if __name__ == '__main__':
    run_script('data')
