"""Draw the curves of trainings, the same as ``mmvg curves``."""

from mmvg.cli import run_script

if __name__ == '__main__':
    run_script('curves')
