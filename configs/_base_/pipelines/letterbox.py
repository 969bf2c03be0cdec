"""Images are letterboxed to a square of 416 pixels, as CRIS does, and sentences become 22 tokens of CLIP."""

from mmengine.config import read_base

from mmvg.datasets.tokenizers import CLIPTokenizer
from mmvg.datasets.transforms import Letterbox

with read_base():
    from .resize import *

size = 416
max_length = 22
reader = 'sent'
tokenizer = dict(type=CLIPTokenizer)
pad_value = (104, 117, 123)  # BGR, the mean of CLIP: 0 after normalisation
resize = dict(type=Letterbox, size='${size}', interpolation='bicubic', pad_value='${pad_value}')
