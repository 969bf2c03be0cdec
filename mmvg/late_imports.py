"""Put off what libraries import just in case, and no model here uses.

MMEngine imports the trainer of transformers to know one more optimizer, mmdetection BERT for GLIP and Grounding DINO
and scikit-learn for two other detectors: that took longer than everything else before a first answer. All of them ask
in ``try`` and go on without; they are told that the library is not there, while they are imported. Whoever else asks
gets it. ``mmvg.engine.optimizers`` knows the optimizer by name all the same, and the adapter of Grounding DINO brings
its BERT. Models of mmdetection that are built without either run in the same process where the
environment variable ``MMVG_EAGER_IMPORTS`` is set.
"""

import os
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from typing import Any

#: Module to the package that it shall not find while it is imported.
PUT_OFF = {
    'mmengine.optim.optimizer.builder': 'transformers',
    'mmdet.datasets.transforms.text_transformers': 'transformers',
    'mmdet.models.dense_heads.atss_vlfusion_head': 'transformers',
    'mmdet.models.language_models.bert': 'transformers',
    'mmdet.models.utils.vlfuse_helper': 'transformers',
    'mmdet.models.dense_heads.paa_head': 'sklearn',
    'mmdet.models.task_modules.tracking.interpolation': 'sklearn',
}


class LateImports(MetaPathFinder):
    """Import finder that refuses what is put off.

    Example:
        >>> LateImports().find_spec('sklearn') is None  # nobody on the list asks
        True
    """

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Find nothing.

        Raises:
            ModuleNotFoundError: If a module of ``PUT_OFF`` asks for its package while it is imported itself.
        """
        if fullname in PUT_OFF.values() and PUT_OFF.get(asking := _who_asks()) == fullname:
            spec = getattr(sys.modules.get(asking), '__spec__', None)
            if getattr(spec, '_initializing', False):
                raise ModuleNotFoundError(f'{fullname} is put off (mmvg.late_imports)', name=fullname)
        return None


def _who_asks() -> str:
    """Name of the module whose import statement runs in this thread."""
    frame = sys._getframe(2)
    while frame is not None and frame.f_globals.get('__name__', '').startswith('importlib.'):
        frame = frame.f_back
    return '' if frame is None else frame.f_globals.get('__name__', '')


def install() -> None:
    """Put the finder before all others, once, unless ``MMVG_EAGER_IMPORTS`` is set; importing :mod:`mmvg` does it.

    Example:
        >>> install()
        >>> sum(type(finder).__name__ == 'LateImports' for finder in sys.meta_path)
        1
    """
    if os.environ.get('MMVG_EAGER_IMPORTS'):
        return
    if not any(type(finder).__qualname__ == LateImports.__qualname__ for finder in sys.meta_path):
        sys.meta_path.insert(0, LateImports())
