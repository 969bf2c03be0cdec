"""RefShapes: drawn scenes with expressions about them, written in the on-disk formats of the public benchmarks."""

from .drawing import Drawing, draw_scene
from .generate import DatasetConflictError, generate
from .layout import SceneRecipe, sample_scene
from .recipes import SIZES, STYLES, VERSION, Mix, Recipe, Style
from .records import SceneRecord, make_record
from .scene import Scene, SceneObject
from .writers import WRITERS, FormatWriter

__all__ = [
    'SIZES',
    'STYLES',
    'VERSION',
    'WRITERS',
    'DatasetConflictError',
    'Drawing',
    'FormatWriter',
    'Mix',
    'Recipe',
    'Scene',
    'SceneObject',
    'SceneRecipe',
    'SceneRecord',
    'Style',
    'draw_scene',
    'generate',
    'make_record',
    'sample_scene',
]
