"""Grounders and their parts; importing this package registers all of them.

The letters of shapes, the same in every docstring and comment of this package:

======  ==============================================================================================
letter  number of
======  ==============================================================================================
B       pairs of an image and an expression in a batch
L       tokens of the text, padding included
H, W    pixels of the input, rows and columns
h, w    cells of a feature map, rows and columns; h_i, w_i of the i-th map
M       pixels or cells in a row, M = h * w
C       channels; C_i of the i-th map, C_l of the text, S of a sentence vector
Q       queries of a query decoder
D       layers of a query decoder
N       targets of an image, or regions and anchors in parts of RaAM; T targets of all images of a batch
V       words of a vocabulary
======  ==============================================================================================
"""

from mmvg.models import adapters, backbones, fusions, heads, losses, necks, postprocess
from mmvg.models.features import GroundingFeatures, TextEncoder
from mmvg.models.grounders import Grounder
from mmvg.models.preprocessor import GroundingPreprocessor

__all__ = [
    'Grounder',
    'GroundingFeatures',
    'GroundingPreprocessor',
    'TextEncoder',
    'adapters',
    'backbones',
    'fusions',
    'heads',
    'losses',
    'necks',
    'postprocess',
]
