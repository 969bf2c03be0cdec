"""Let a simulated robot pick what a sentence means: ``python tools/pick.py SENTENCE``, the same as ``mmvg pick``."""

from mmvg.cli import run_script

if __name__ == '__main__':
    run_script('pick')
