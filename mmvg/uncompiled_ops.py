"""Stand in for ``mmcv._ext``, the compiled part of mmcv, so that mmvg runs on ``mmcv-lite`` without a compiler.

``mmcv.ops`` cannot be imported without its compiled module, although all that mmvg calls of it on a CPU is ``nms``:
multi-scale deformable attention has a PyTorch path in mmcv, and deformable convolution comes from torchvision. The
stand-in gives ``nms`` through torchvision; any other op can be imported, and says when it is called what to install.
"""

import importlib.util
import sys
from collections.abc import Callable
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

MODULE = 'mmcv._ext'


class UncompiledOps(MetaPathFinder, Loader):
    """Import finder that makes ``mmcv._ext`` where no other finder has it.

    It stands last in ``sys.meta_path``, so that a compiled module is always preferred.

    Example:
        >>> UncompiledOps().find_spec('mmcv._ext').name, UncompiledOps().find_spec('mmcv')
        ('mmcv._ext', None)
    """

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Return a spec for ``mmcv._ext``, None for any other module."""
        return importlib.util.spec_from_loader(fullname, self) if fullname == MODULE else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Create the stand-in."""
        return _StandIn(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Give the stand-in what mmcv asks for on import, and :func:`nms`."""
        module.nms = nms
        module.get_compiler_version = lambda: 'not available'
        module.get_compiling_cuda_version = lambda: 'not available'


class _StandIn(ModuleType):
    """Module that has every op; those that are not given raise when they are called."""

    def __getattr__(self, name: str) -> Callable:
        if name.startswith('__'):
            raise AttributeError(name)

        def missing(*args, **kwargs):
            raise NotImplementedError(
                f'mmcv.ops: {name} is a compiled op, and this mmcv has none (mmcv-lite); '
                'install mmcv with its ops: make install OPS=1'
            )

        return missing


def nms(boxes: Any, scores: Any, iou_threshold: float, offset: int) -> Any:
    """Find the boxes that non-maximum suppression keeps, as ``mmcv._ext.nms`` does.

    Args:
        boxes: Tensor (N, 4) xyxy.
        scores: Tensor (N,).
        iou_threshold: A box that overlaps a better one by more is left out.
        offset: 0, or 1 where a box of one pixel has x1 = x2 (mmdetection 1).

    Returns:
        Indices (K,), best first.

    Example:
        >>> import torch
        >>> boxes, scores = torch.tensor([[0.0, 0, 4, 4], [0, 0, 4, 5], [6, 0, 9, 4]]), torch.tensor([0.5, 0.9, 0.7])
        >>> nms(boxes, scores, iou_threshold=0.5, offset=0)
        tensor([1, 2])
    """
    import torchvision

    return torchvision.ops.nms(boxes + boxes.new_tensor([0, 0, offset, offset]), scores, iou_threshold)


def install() -> None:
    """Put the finder behind all others, once; importing :mod:`mmvg` does it.

    Example:
        >>> install()
        >>> sum(type(finder).__name__ == 'UncompiledOps' for finder in sys.meta_path)
        1
    """
    if not any(type(finder).__qualname__ == UncompiledOps.__qualname__ for finder in sys.meta_path):
        sys.meta_path.append(UncompiledOps())


def has_compiled_ops() -> bool:
    """Tell whether the installed mmcv has its compiled ops.

    Example:
        >>> has_compiled_ops() in (True, False)
        True
    """
    return not isinstance(importlib.import_module(MODULE), _StandIn)
