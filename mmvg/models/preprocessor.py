"""Turn a list of packed samples into one batch on the model's device."""

from collections.abc import Sequence

import torch
from mmengine.model import ImgDataPreprocessor
from torch import Tensor

from mmvg.models.layers import distinct_images, send
from mmvg.registry import MODELS
from mmvg.structures import GroundingSample

#: Texts are cut to a multiple of so many tokens, so that there are few different lengths.
TEXT_STEP = 8


@MODELS.register_module()
class GroundingPreprocessor(ImgDataPreprocessor):
    """Normalise and stack images, and stack the tokens that travel on the samples.

    Images and tokens go to the device, in one transfer each that nobody waits for. Samples stay where they are, on the
    host: what is known there need not be asked of a GPU, which would have to finish its work first.

    Args:
        mean: Of each channel, on 0-255, like ``std``; ``None`` leaves images as they are.
        std: Standard deviation of each channel.
        bgr_to_rgb: Turn the order of the channels round.
        trim_text: Cut off what is padding in all texts of a batch, to a multiple of ``TEXT_STEP`` tokens. Features of
            padding mean nothing, so that answers stay the same; off where a model wants all texts of one length.

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

    def __init__(
        self,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        bgr_to_rgb: bool = False,
        trim_text: bool = True,
    ) -> None:
        super().__init__(mean, std, bgr_to_rgb=bgr_to_rgb)
        self.trim_text = trim_text

    def forward(self, data: dict, training: bool = False) -> dict:
        """Turn a list of images and samples into a batch.

        Args:
            data: ``inputs``, B images (3, H, W), and ``data_samples``, B samples.
            training: Whether the batch is for training.

        Returns:
            ``inputs`` as a dict of ``images`` (U, 3, H, W) float, the U different ones of the batch; ``input_ids``
                (B, L) int64 and ``text_mask`` (B, L) bool, True = a real token; and, only where U is less than B,
                ``image_index`` (B,) int64, the image of each sample; and ``data_samples``.

        Raises:
            ValueError: If a sample has no tokens, the samples have different numbers of them, or images different
                sizes: boxes are fractions of the one size that all images of a batch have.
        """
        samples, images = data.get('data_samples') or [], data['inputs']
        lengths = [len(sample.input_ids) if 'input_ids' in sample else None for sample in samples]
        if len(samples) != len(images) or None in lengths or len(set(lengths)) > 1:
            raise ValueError(
                f'a batch of {len(images)} images needs as many samples with the same number of tokens, but '
                f'their numbers of tokens are {lengths}; give every pipeline Tokenize with the same max_length'
            )
        first, place = distinct_images(images, [_name(sample) for sample in samples])
        inputs = dict(images=self._images([images[index] for index in first]), **self._tokens(samples))
        if len(first) < len(images):
            inputs['image_index'] = send(torch.tensor(place), self.device)
        return dict(data, inputs=inputs)

    def _images(self, images: Sequence[Tensor]) -> Tensor:
        """Stack and normalise images (3, H, W) of the host."""
        if len(shapes := {tuple(image.shape) for image in images}) > 1:
            raise ValueError(
                f'images of a batch must have one size, but theirs are {sorted(shapes)}; give the pipeline Letterbox, '
                'or Resize with keep_ratio=False'
            )
        batch = send(torch.stack(list(images)), self.device)
        if self._channel_conversion:
            batch = batch.flip(1)
        return (batch.float() - self.mean) / self.std if self._enable_normalize else batch.float()

    def _tokens(self, samples: Sequence[GroundingSample]) -> dict[str, Tensor]:
        input_ids = torch.stack([sample.input_ids for sample in samples])
        text_mask = torch.stack([sample.text_mask for sample in samples])
        if self.trim_text and bool(text_mask.any(1).all()):  # a text without any real token may be read whole
            longest = int(text_mask.any(0).nonzero()[-1]) + 1
            length = min(-(-longest // TEXT_STEP) * TEXT_STEP, text_mask.shape[1])
            input_ids, text_mask = input_ids[:, :length], text_mask[:, :length]
        return dict(input_ids=send(input_ids, self.device), text_mask=send(text_mask, self.device))


def _name(sample: GroundingSample) -> tuple:
    """What tells images apart without a look at them."""
    return str(sample.get('img_path')), sample.get('flip')
