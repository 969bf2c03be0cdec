"""RefShapes: drawn scenes with expressions about them, written in the on-disk formats of the public benchmarks.

====== ===========================================================
letter meaning
====== ===========================================================
H W    height and width of a picture, in pixels
h w    height and width of a window on the fine canvas, in pixels
M      grasps
N      objects of a scene
P      points of a contour
s      fine pixels per image pixel, along one side
====== ===========================================================
"""

from .annotate import make_record
from .drawing import Drawing, draw_scene
from .drawn_folder import DatasetConflictError
from .generate import generate
from .layout import SceneSettings, sample_scene
from .records import SceneRecord
from .scene import Scene, SceneObject
from .sizes import SIZES, STYLES, VERSION, KindWeights, SizeSettings, Style
from .writers import WRITERS, FormatWriter

__all__ = [
    'SIZES',
    'STYLES',
    'VERSION',
    'WRITERS',
    'DatasetConflictError',
    'Drawing',
    'FormatWriter',
    'KindWeights',
    'Scene',
    'SceneObject',
    'SceneRecord',
    'SceneSettings',
    'SizeSettings',
    'Style',
    'draw_scene',
    'generate',
    'make_record',
    'sample_scene',
]
