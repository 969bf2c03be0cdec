"""From a list of packed samples to one batch on the model's device."""

import torch
from mmengine.model import ImgDataPreprocessor

from mmvg.registry import MODELS


@MODELS.register_module()
class GroundingPreprocessor(ImgDataPreprocessor):
    """Normalise and stack images, and stack the tokens that travel on the samples.

    Takes MMEngine's ``ImgDataPreprocessor`` arguments (``mean``, ``std`` on 0-255, ``bgr_to_rgb``, ...) and returns
    ``inputs`` as a dict: ``images`` (B, 3, H, W) float, ``input_ids`` (B, L) int64, ``text_mask`` (B, L) bool with
    True = a real token.
    """

    def forward(self, data: dict, training: bool = False) -> dict:
        data = super().forward(data, training)
        samples = data['data_samples']
        data['inputs'] = dict(
            images=data['inputs'],
            input_ids=torch.stack([sample.input_ids for sample in samples]),
            text_mask=torch.stack([sample.text_mask for sample in samples]),
        )
        return data
