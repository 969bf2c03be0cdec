"""Ask sentences about pictures, the same as ``mmvg demo``."""

from mmvg.cli import run_script

if __name__ == '__main__':
    run_script('demo', 'image')
