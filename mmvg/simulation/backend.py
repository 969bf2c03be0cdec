"""Import MuJoCo when it is needed, and choose how it renders without a display."""

import ctypes.util
import importlib.util
import os
import sys
from types import ModuleType
from typing import Any

PACKAGES = 'libegl1 and libgl1-mesa-dri (EGL), or libosmesa6 (OSMesa)'


class NoRendererError(OSError):
    """Raised where MuJoCo finds nothing that renders."""


def load_mujoco() -> ModuleType:
    """Import MuJoCo; where nobody set ``MUJOCO_GL`` and there is no display, it is set: EGL, else OSMesa, else none.

    Raises:
        ImportError: If it is not installed; the message names the extra.
        NoRendererError: If ``MUJOCO_GL`` names a renderer that is not there, without which MuJoCo is not imported.
    """
    displays = ('DISPLAY', 'WAYLAND_DISPLAY')
    if sys.platform == 'linux' and not any(map(os.environ.get, ('MUJOCO_GL', *displays))):
        libraries = {'egl': 'EGL', 'osmesa': 'OSMesa'}
        found = (name for name, library in libraries.items() if ctypes.util.find_library(library))
        os.environ['MUJOCO_GL'] = next(found, 'disable')
    try:
        import mujoco
    except ImportError as error:
        message = "tables are simulated by MuJoCo, which is not installed: pip install 'mmvg[sim]'"
        raise ImportError(message, name='mujoco') from error
    except Exception as error:  # of PyOpenGL, where it finds no library
        raise no_renderer(error) from error
    return mujoco


def gl_context(width: int, height: int) -> Any:
    """A context of OpenGL of the kind that ``MUJOCO_GL`` names, also where MuJoCo was imported before it was set."""
    load_mujoco()
    if importlib.util.find_spec('triton'):
        import triton  # noqa: F401  PyTorch imports it some time; after Mesa, which brings another LLVM, that crashes
    chosen = os.environ.get('MUJOCO_GL', '').lower()
    if chosen == 'egl':
        from mujoco.egl import GLContext
    elif chosen == 'osmesa':
        from mujoco.osmesa import GLContext
    else:
        from mujoco.gl_context import GLContext
    return GLContext(width, height)


def no_renderer(error: BaseException | None = None) -> NoRendererError:
    """The error for a machine that cannot render, with what Debian calls the missing packages."""
    chosen = os.environ.get('MUJOCO_GL', '')
    reason = f' ({type(error).__name__}: {error})' if error else ''
    return NoRendererError(
        f'MuJoCo found no renderer with MUJOCO_GL={chosen!r}{reason}. Install the Debian packages {PACKAGES}, '
        'or set MUJOCO_GL to one that is there: egl, osmesa or glfw.'
    )
