"""Vision-language models of transformers that write boxes down: Qwen-VL, Florence-2 and others of their kind."""

import logging
from collections.abc import Sequence
from itertools import compress
from pathlib import Path
from typing import Any

import torch
from mmengine.logging import print_log
from torch import Tensor

from mmvg.checks import check_choice
from mmvg.masks import decode_mask, polygons_to_rle
from mmvg.models.adapters.foreign_model import ForeignModel, answer_in_groups
from mmvg.models.adapters.hub_folder import load_model
from mmvg.models.adapters.prompt import Prompt
from mmvg.models.postprocess import Proposals
from mmvg.registry import MODELS
from mmvg.scoring.text_formats import TEXT_FORMATS, ParsedText, UnparsedTextError

SCORES = ('one', 'likelihood')
#: The format that draws: its answers have masks.
DRAWING = 'florence2_polygons'


@MODELS.register_module()
class VisionLanguageModel(ForeignModel):
    """Any of transformers' ``AutoModelForImageTextToText``, asked with a prompt and read by a declared format.

    Boxes come in the order in which they are written. What does not hold a box in the declared format is no answer: it
    is counted in :attr:`unparsed`; the first, the tenth, the hundredth and so on are logged. The text stands on the
    sample as ``raw_answer``.

    Args:
        folder: See :class:`ForeignModel`, like ``source`` and ``dtype``.
        source: Name of the model on the Hub.
        text_format: How boxes are written, one of :data:`mmvg.scoring.TEXT_FORMATS`. Their unit and frame are declared
            in the post-processing, and are those of the format where it fixes them.
        prompt: Arguments of :class:`Prompt`.
        chat: Whether the prompt is a turn of a chat, put into the template of the folder; off for Florence-2.
        nothing: What the model writes where nothing is meant, besides an empty list.
        scores: Of all boxes of an answer: ``'one'``, for these models give none; or ``'likelihood'``, the geometric
            mean of the probabilities of the tokens that were written, by which answers can be ranked.
        max_new_tokens: Answers end there.
        num_beams: 1 takes the likeliest token each time; nothing is drawn by chance.

    Raises:
        ValueError: If a choice is unknown.

    Example:
        >>> with torch.device('meta'):  # where no folder is read
        ...     model = VisionLanguageModel('data/weights/qwen', 'a/b', text_format='json')
        >>> model.read('[{"bbox_2d": [10, 20, 30, 40], "label": "ring"}]').boxes
        [[10.0, 20.0, 30.0, 40.0]]
        >>> model.read('I see no ring.').boxes, model.unparsed
        ([], 1)
    """

    def __init__(
        self,
        folder: str,
        source: str,
        text_format: str,
        prompt: dict | None = None,
        chat: bool = True,
        nothing: Sequence[str] = (),
        scores: str = 'one',
        max_new_tokens: int = 256,
        num_beams: int = 1,
        dtype: str = 'float32',
    ) -> None:
        check_choice('VisionLanguageModel.text_format', text_format, tuple(TEXT_FORMATS))
        self.scores = check_choice('VisionLanguageModel.scores', scores, SCORES)
        self.text_format = text_format
        self.prompt = Prompt(**(prompt or {}))
        self.chat = chat
        self.nothing = {_plain(text) for text in nothing}
        self.generation = dict(max_new_tokens=max_new_tokens, num_beams=num_beams, do_sample=False)
        self.unparsed = 0
        super().__init__(folder, source, dtype)

    def load(self, path: Path, dtype: str) -> None:
        """Read the model in ``path``."""
        from transformers import AutoModelForImageTextToText

        self.model = load_model(AutoModelForImageTextToText, path, dtype)

    @torch.no_grad()
    def forward(self, images: Sequence[Tensor], texts: Sequence[str]) -> list[Proposals]:
        """Let the model write about each sentence, and read the boxes."""
        pairs = [self._encode(image, text) for image, text in zip(images, texts, strict=True)]
        return answer_in_groups(pairs, self._answer)

    def read(self, answer: str) -> ParsedText:
        """Read the boxes of an answer; none where it says so, or cannot be read, which is counted.

        Regions that are drawn get the boxes around them.
        """
        if _plain(answer) in self.nothing:
            return ParsedText()
        try:
            found = TEXT_FORMATS[self.text_format].parse(answer)
        except UnparsedTextError as error:
            found, problem = ParsedText(), str(error)
        else:
            boxes = found.boxes or [_around(region) for region in found.regions]
            kept = [box[0] < box[2] < float('inf') and box[1] < box[3] < float('inf') for box in boxes]
            problem = None if all(kept) else 'a box without area'
            found = ParsedText(list(compress(boxes, kept)), list(compress(found.regions, kept)))
        if problem is not None:
            self.unparsed += 1
            if str(self.unparsed).rstrip('0') == '1':  # the first, the tenth, the hundredth
                message = f'answer {self.unparsed} that is not of the format {self.text_format!r} ({problem}): '
                print_log(f'{type(self).__name__}: {message}{answer!r:.200}', 'current', logging.WARNING)
        return found

    def _encode(self, image: Tensor, text: str) -> dict[str, Tensor]:
        said: str = self.prompt(text)
        if self.chat:
            parts = [dict(type='image'), dict(type='text', text=said)]
            turn = [dict(role='user', content=parts)]
            said = self.processor.apply_chat_template(turn, tokenize=False, add_generation_prompt=True)
        encoded = self.processor(images=[image], text=[said], return_tensors='pt')
        weight = next(self.model.parameters())
        return {
            name: value.to(weight.device, weight.dtype if value.is_floating_point() else None)
            for name, value in encoded.items()
        }

    def _answer(self, batch: dict[str, Tensor]) -> list[Proposals]:
        asked: dict[str, Any] = dict(self.generation, return_dict_in_generate=True)
        outputs = self.model.generate(**batch, **asked, output_scores=self.scores == 'likelihood')
        tokenizer = self.processor.tokenizer
        prompted = 0 if self.model.config.is_encoder_decoder else batch['input_ids'].shape[1]
        written = outputs.sequences[:, prompted:]
        answers = [_without(text, tokenizer) for text in tokenizer.batch_decode(written, skip_special_tokens=False)]
        likelihoods = self._likelihoods(outputs, written) if self.scores == 'likelihood' else [1.0] * len(answers)
        sizes = _input_sizes(self.processor, batch)
        made = []
        for answer, score, size in zip(answers, likelihoods, sizes, strict=True):
            found = self.read(answer)
            boxes = torch.tensor(found.boxes, device=written.device).reshape(-1, 4)
            scores = torch.full((len(boxes),), float(score), device=written.device)
            masks = _draw(found.regions).to(written.device) if self.text_format == DRAWING else None
            made.append(Proposals(boxes, scores, masks, size, answer))
        return made

    def _likelihoods(self, outputs: Any, written: Tensor) -> list[float]:
        """Geometric means of the probabilities of the tokens of each answer (B, L), its end among them."""
        beams = getattr(outputs, 'beam_indices', None)
        logs = self.model.compute_transition_scores(outputs.sequences, outputs.scores, beams, normalize_logits=True)
        ends = torch.tensor(self.model.generation_config.eos_token_id, device=written.device).reshape(-1)
        tokens = written[:, -logs.shape[1] :]
        is_end = torch.isin(tokens, ends)
        counted = is_end.long().cumsum(1) - is_end.long() == 0  # up to the first end
        return (torch.where(counted, logs.float(), 0).sum(1) / counted.sum(1)).exp().clamp(0, 1).tolist()


def _around(region: list[list[float]]) -> list[float]:
    """The box around polygons [x, y, x, y, ...]."""
    x, y = ([number for polygon in region for number in polygon[start::2]] for start in (0, 1))
    return [min(x), min(y), max(x), max(y)]


def _draw(regions: list[list[list[float]]]) -> Tensor:
    """Masks (Q, 1000, 1000) of polygons in fractions, a pixel to each of the bins in which they are written."""
    masks = torch.zeros(len(regions), 1000, 1000)
    for mask, region in zip(masks, regions, strict=True):
        polygons = [[1000 * number for number in polygon] for polygon in region]
        mask[:] = torch.from_numpy(decode_mask(polygons_to_rle(polygons, 1000, 1000)))
    return masks


def _without(text: str, tokenizer: Any) -> str:
    """An answer without the marks of its beginning, its end and its filling."""
    for mark in {tokenizer.bos_token, tokenizer.eos_token, tokenizer.pad_token} - {None}:
        text = text.replace(mark, '')
    return text.strip()


def _plain(text: str) -> str:
    return text.strip().rstrip('.!').lower()


def _input_sizes(processor: Any, batch: dict[str, Tensor]) -> list[tuple[int, int] | None]:
    """Height and width of the pictures as the model saw them, where its processor tells (Qwen's does)."""
    if 'image_grid_thw' not in batch:
        return [None] * len(batch['input_ids'])
    side = processor.image_processor.patch_size
    return [(int(rows) * side, int(columns) * side) for _, rows, columns in batch['image_grid_thw'].tolist()]
