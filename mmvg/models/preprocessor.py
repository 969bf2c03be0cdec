"""Turn a list of packed samples into one batch on the model's device."""

import torch
from mmengine.model import ImgDataPreprocessor

from mmvg.registry import MODELS


@MODELS.register_module()
class GroundingPreprocessor(ImgDataPreprocessor):
    """Normalise and stack images, and stack the tokens that travel on the samples.

    It takes the arguments of MMEngine's ``ImgDataPreprocessor``: ``mean`` and ``std`` on 0-255, ``bgr_to_rgb`` and
    others.

    Examples:
        >>> import torch
        >>> from mmvg.models import GroundingPreprocessor
        >>> from mmvg.structures import GroundingSample
        >>> sample = GroundingSample(input_ids=torch.tensor([1, 5, 2]), text_mask=torch.tensor([True] * 3))
        >>> preprocess = GroundingPreprocessor(mean=[127.5] * 3, std=[127.5] * 3)
        >>> data = preprocess(dict(inputs=[torch.zeros(3, 8, 8)], data_samples=[sample]))
        >>> {name: tuple(x.shape) for name, x in data['inputs'].items()}
        {'images': (1, 3, 8, 8), 'input_ids': (1, 3), 'text_mask': (1, 3)}
    """

    def forward(self, data: dict, training: bool = False) -> dict:
        """Turn a list of images and samples into a batch.

        Args:
            data: ``inputs``, B images (3, H, W), and ``data_samples``, B samples.
            training: Whether the batch is for training.

        Returns:
            ``inputs`` as a dict of ``images`` (B, 3, H, W) float, ``input_ids`` (B, L) int64 and ``text_mask`` (B, L)
                bool,
            True = a real token; and ``data_samples``.

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
