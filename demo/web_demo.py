"""Open a page in the browser, the same as ``mmvg demo web``."""

from mmvg.cli import run_script

if __name__ == '__main__':
    run_script('demo', 'web')
