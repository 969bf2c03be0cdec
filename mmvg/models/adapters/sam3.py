"""SAM 3 of transformers: a phrase to the masks of all that it names."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mmvg.models.adapters.foreign_model import ForeignModel, answer_in_groups
from mmvg.models.adapters.hub_folder import load_model, model_type_of
from mmvg.models.adapters.prompt import Prompt
from mmvg.models.layers import distinct_images
from mmvg.models.postprocess import Proposals
from mmvg.registry import MODELS


@MODELS.register_module()
class SAM3(ForeignModel):
    """Segment Anything with Concepts (arXiv:2511.16719), asked with text alone.

    The score of a query is the product of its own probability and that of the phrase being there at all. SAM 3 was
    trained on short noun phrases: of "the ring left of the star" it has all rings and the star in mind.

    Args:
        folder: See :class:`ForeignModel`, like ``source`` and ``dtype``.
        source: Name of the model on the Hub.
        prompt: Arguments of :class:`Prompt`.

    Raises:
        ValueError: If the folder holds another kind of model.

    Example:
        >>> with torch.device('meta'):  # where no folder is read
        ...     model = SAM3('data/weights/sam3', 'facebook/sam3')
        >>> model.prompt('red rings')
        'red rings'
    """

    def __init__(self, folder: str, source: str, prompt: dict | None = None, dtype: str = 'float32') -> None:
        self.prompt = Prompt(**(prompt or {}))
        super().__init__(folder, source, dtype)

    def load(self, path: Path, dtype: str) -> None:
        """Read the model in ``path``; of a film model, the detector of single pictures."""
        family = model_type_of(path)
        if family not in ('sam3', 'sam3_video'):
            raise ValueError(f'{path}: holds a {family}, not a SAM 3')
        try:
            from transformers import Sam3Model
        except ImportError as error:
            raise ValueError(f'this transformers has no SAM 3: pip install "transformers>=5" ({error})') from error
        self.model = load_model(Sam3Model, path, dtype)

    @torch.no_grad()
    def forward(self, images: Sequence[Tensor], texts: Sequence[str]) -> list[Proposals]:
        """Propose a box and a mask of every query for each phrase."""
        pairs = [self._encode(image, text) for image, text in zip(images, texts, strict=True)]
        return answer_in_groups(pairs, self._answer)

    def _encode(self, image: Tensor, text: str) -> dict[str, Tensor]:
        said, tokenizer = self.prompt(text), self.processor.tokenizer
        limit = self.model.config.text_config.max_position_embeddings
        self.warn_if_cut(len(tokenizer(said, verbose=False)['input_ids']), limit, said)
        words = tokenizer(said, padding='max_length', max_length=limit, truncation=True, return_tensors='pt')
        pixels = self.processor.image_processor([image], return_tensors='pt')['pixel_values']
        weight = next(self.model.parameters())
        tokens = {name: words[name].to(weight.device) for name in ('input_ids', 'attention_mask')}
        return dict(tokens, pixel_values=pixels.to(weight.device, weight.dtype))

    def _look(self, pixels: Tensor) -> Any:
        """Encode pictures (B, 3, H, W), those that several phrases ask about once."""
        first, place = distinct_images(pixels)
        seen = self.model.vision_encoder(pixels[first])
        for name in ('fpn_hidden_states', 'fpn_position_encoding'):
            setattr(seen, name, tuple(maps[place] for maps in getattr(seen, name)))
        return seen

    def _answer(self, batch: dict[str, Tensor]) -> list[Proposals]:
        pixels = batch.pop('pixel_values')
        outputs = self.model(**batch, vision_embeds=self._look(pixels))
        scores = outputs.pred_logits.float().sigmoid()
        if outputs.presence_logits is not None:
            scores = scores * outputs.presence_logits.float().sigmoid()
        masks = outputs.pred_masks.float().sigmoid()
        return [Proposals(*parts) for parts in zip(outputs.pred_boxes.float(), scores, masks, strict=True)]
