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
        """Turn ``inputs`` (a list of (3, H, W) images) and ``data_samples`` into a batch.

        Raises:
            ValueError: If a sample has no tokens, or the samples have different numbers of them.
        """
        data = super().forward(data, training)
        samples = data['data_samples'] or []
        lengths = [len(sample.input_ids) if 'input_ids' in sample else None for sample in samples]
        if len(samples) != len(data['inputs']) or None in lengths or len(set(lengths)) > 1:
            raise ValueError(
                f'a batch of {len(data["inputs"])} images needs as many samples with the same number of tokens, but '
                f'their numbers of tokens are {lengths}; give every pipeline Tokenize with the same max_length'
            )
        data['inputs'] = {
            'images': data['inputs'],
            'input_ids': torch.stack([sample.input_ids for sample in samples]),
            'text_mask': torch.stack([sample.text_mask for sample in samples]),
        }
        return data
