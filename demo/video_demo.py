"""Ask sentences about a film or a camera, the same as ``mmvg demo video``."""

from mmvg.cli import run_script

if __name__ == '__main__':
    run_script('demo', 'video')
