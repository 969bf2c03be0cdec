"""The open-vocabulary detectors of transformers, asked for one sentence at a time."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mmvg.checks import check_choice
from mmvg.models.adapters.foreign_model import ForeignModel, answer_in_groups
from mmvg.models.adapters.hub_folder import load_model, model_type_of
from mmvg.models.adapters.prompt import Prompt
from mmvg.models.postprocess import Proposals
from mmvg.registry import MODELS
from mmvg.structures import cxcywh_to_xyxy

TOKEN_RULES = ('max', 'mean')
_DINO = ('grounding-dino', 'mm-grounding-dino')
_OWL = ('owlv2', 'owlvit')
FAMILIES = (*_DINO, 'omdet-turbo', *_OWL)


@MODELS.register_module()
class ZeroShotDetector(ForeignModel):
    """Grounding DINO, MM-Grounding-DINO, OmDet-Turbo or OWLv2, as ``AutoModelForZeroShotObjectDetection`` reads them.

    Boxes are in fractions of the picture, those of OWLv2 in fractions of the square that it is padded to.

    Args:
        folder: See :class:`ForeignModel`, like ``source`` and ``dtype``.
        source: Name of the model on the Hub.
        prompt: Arguments of :class:`Prompt`. Grounding DINO reads lower-case text that ends in a full stop.
        task: The prompt of OmDet-Turbo's task, beside the sentence as its one class.
        token_rule: How Grounding DINO, which scores a box for each token, scores a sentence. ``'max'``: by its best
            token, as transformers, the authors and mmdetection do for referring expressions, on which all published
            numbers stand; one word that fits is enough. ``'mean'``: by the mean of the sentence's words, as
            mmdetection scores the name of a class; then "the ring left of the star" scores low on a lone ring.

    Raises:
        ValueError: If ``token_rule`` is unknown, or the folder holds another kind of model.

    Example:
        >>> with torch.device('meta'):  # where no folder is read
        ...     detector = ZeroShotDetector('data/weights/dino', 'a/b', dict(template='{text}.', lower=True))
        >>> detector.prompt('The red ring'), detector.token_rule
        ('the red ring.', 'max')
    """

    def __init__(
        self,
        folder: str,
        source: str,
        prompt: dict | None = None,
        task: dict | None = None,
        token_rule: str = 'max',
        dtype: str = 'float32',
    ) -> None:
        self.token_rule = check_choice('ZeroShotDetector.token_rule', token_rule, TOKEN_RULES)
        self.prompt = Prompt(**(prompt or {}))
        self.task = Prompt(**(task or dict(template='Detect {text}.')))
        super().__init__(folder, source, dtype)

    def load(self, path: Path, dtype: str) -> None:
        """Read the detector in ``path``."""
        from transformers import AutoModelForZeroShotObjectDetection

        self.family = model_type_of(path)
        if self.family not in FAMILIES:
            raise ValueError(f'{path}: holds a {self.family}; ZeroShotDetector runs {", ".join(FAMILIES)}')
        self.model = load_model(AutoModelForZeroShotObjectDetection, path, dtype)

    @torch.no_grad()
    def forward(self, images: Sequence[Tensor], texts: Sequence[str]) -> list[Proposals]:
        """Propose the boxes of all queries for each sentence."""
        pairs = [self._encode(image, text) for image, text in zip(images, texts, strict=True)]
        return answer_in_groups(pairs, self._answer)

    def _encode(self, image: Tensor, text: str) -> dict[str, Tensor]:
        said = self.prompt(text)
        asked: dict[str, Any] = dict(text=said if self.family in _DINO else [[said]])
        limit = self.processor.tokenizer.model_max_length
        if self.family in _DINO:
            limit = min(limit, self.model.config.max_text_len)
            asked |= dict(max_length=limit)
        elif self.family == 'omdet-turbo':
            asked |= dict(task=[self.task(text)])
        self.warn_if_cut(len(self.processor.tokenizer(said, verbose=False)['input_ids']), limit, said)
        encoded = self.processor(images=[image], truncation=True, return_tensors='pt', **asked)
        weight = next(self.model.parameters())
        return {
            name: value.to(weight.device, weight.dtype if value.is_floating_point() else None)
            for name, value in encoded.items()
        }

    def _answer(self, batch: dict[str, Tensor]) -> list[Proposals]:
        outputs = self.model(**batch)
        if self.family == 'omdet-turbo':
            boxes, logits = outputs.decoder_coord_logits, outputs.decoder_class_logits
        else:
            boxes, logits = outputs.pred_boxes, outputs.logits
        scores = logits.float().sigmoid()
        scores = self._of_sentence(scores, batch['input_ids']) if self.family in _DINO else scores[..., 0]
        return [Proposals(*pair) for pair in zip(cxcywh_to_xyxy(boxes.float()), scores, strict=True)]

    def _of_sentence(self, scores: Tensor, input_ids: Tensor) -> Tensor:
        """Scores (B, Q) of the sentences from scores (B, Q, T) of their tokens (B, L), L <= T."""
        if self.token_rule == 'max':
            return scores.max(-1).values
        tokenizer = self.processor.tokenizer
        marks = [*tokenizer.all_special_ids, *tokenizer.convert_tokens_to_ids(['.', '?'])]
        words = ~torch.isin(input_ids, input_ids.new_tensor(marks))
        total = (scores[..., : words.shape[1]] * words[:, None]).sum(-1)
        return total / words.sum(-1, keepdim=True).clamp(min=1)
