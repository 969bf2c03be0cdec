"""Images are resized to a square, and sentences cut into the pieces of BEiT-3's or another ``tokenizer``."""

from mmvg.datasets.tokenizers import BEiT3Tokenizer
from mmvg.datasets.transforms import (
    CleanText,
    LoadGroundingAnnotations,
    LoadImage,
    PackGroundingInputs,
    Resize,
    Tokenize,
)

size = 320
max_length = 20
reader = 'instancevg'
frame = 'original'  # where answers are scored; as several papers score: --cfg-options frame=input
mask_rule = 'half'  # by which the ground truth is resized for frame 'input'
with_mask = True  # whether masks of the ground truth are rasterised; off for models that know boxes alone
tokenizer = dict(type=BEiT3Tokenizer, vocab_file='data/weights/beit3.spm')

resize = dict(type=Resize, scale=('${size}', '${size}'), keep_ratio=False)
tokenize = dict(type=Tokenize, tokenizer='${tokenizer}', max_length='${max_length}')
load_steps = [dict(type=LoadImage, bad_image='skip'), dict(type=LoadGroundingAnnotations, with_mask='${with_mask}')]
encode_steps = [
    '${resize}',
    dict(type=CleanText, reader='${reader}', empty='skip'),
    '${tokenize}',
    dict(type=PackGroundingInputs),
]
train_pipeline = [*load_steps, *encode_steps]
test_pipeline = [
    dict(type=LoadImage),
    '${resize}',
    # after Resize: the ground truth is brought to the frame, and not moved with the image
    dict(type=LoadGroundingAnnotations, with_mask='${with_mask}', frame='${frame}', mask_rule='${mask_rule}'),
    dict(type=CleanText, reader='${reader}', empty='keep'),
    '${tokenize}',
    dict(type=PackGroundingInputs),
]
