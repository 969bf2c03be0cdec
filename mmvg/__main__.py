"""``python -m mmvg``, the same as the console script ``mmvg``."""

from mmvg.cli import main

if __name__ == '__main__':
    main()
