"""The command line: ``mmvg COMMAND``, and the same functions behind the scripts in ``tools/`` and ``demo/``."""

from mmvg.cli.app import app, main, run_script

__all__ = ['app', 'main', 'run_script']
