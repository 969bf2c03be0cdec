"""Show the best and the worst answers, the same as ``mmvg analyze``."""

from mmvg.cli import run_script

if __name__ == '__main__':
    run_script('analyze')
