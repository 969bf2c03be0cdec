"""Pictures and sentences as they are, for models of other libraries; imported after a data set.

These models prepare pictures and sentences themselves, and are not trained here.
"""

from mmvg.datasets.transforms import LoadGroundingAnnotations, LoadImage, PackGroundingInputs, Resize

train_dataloader = None
val_batch_size = 4
test_pipeline = [
    dict(type=LoadImage),
    dict(type=Resize, scale_factor=1.0, keep_ratio=True),  # the input is the picture: ground truth and answers agree
    dict(type=LoadGroundingAnnotations, frame='original'),
    dict(type=PackGroundingInputs, tokens=False),
]
