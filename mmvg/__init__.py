"""mmvg: language-guided visual grounding on MMEngine and MMDetection.

Importing the package costs nothing but this file: models, datasets and metrics are imported by the configs that use
them.
"""

from mmvg import late_imports, uncompiled_ops
from mmvg.version import __version__

__all__ = ['__version__']

late_imports.install()
uncompiled_ops.install()
