"""Test whether Mask Grounding looks at the target, or reads the answer out of the image features."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from mmvg.models import Grounder
from mmvg.models.heads import MaskGroundingHead
from mmvg.structures import GroundingSample

#: What a masked word is guessed from, besides the other words.
CONDITIONS = {
    'as trained': 'image and mask of the sample',
    'other mask': 'the mask of another sample',
    'other image and mask': 'image and mask of another sample',
    'image that read another text': 'the image, encoded with the text of another sample',
}


@dataclass
class ProbeResult:
    """Result of :func:`probe_mask_grounding`.

    Args:
        accuracy: Condition -> percent of the masked words that were guessed.
        words: Number of masked words.

    Example:
        >>> ProbeResult({'as trained': 75.0}, words=200).accuracy['as trained']
        75.0
    """

    accuracy: dict[str, float]
    words: int


@torch.no_grad()
def probe_mask_grounding(model: Grounder, batches: Iterable[dict], head: str | None = None) -> ProbeResult:
    """Guess masked words under each of ``CONDITIONS`` (MagNet, arXiv:2312.12198; the question is ours).

    The image features of a staged encoder have met the whole sentence before they reach the predictor, so the missing
    word may leak through them. If it does, accuracy falls with an image that has read another text; if the head grounds
    words, it falls with another image and mask.

    Args:
        model: In evaluation mode, with a :class:`MaskGroundingHead` among its auxiliary heads.
        batches: As a dataloader gives them, two samples or more each, with ground truth in input pixels.
        head: Name of the auxiliary head; by default the only one of that kind.

    Raises:
        ValueError: If there is no such head, or no batch has a word to guess.

    Example:
        >>> from mmvg.config import read_config
        >>> from mmengine.runner import Runner
        >>> from mmvg.registry import MODELS
        >>> cfg = read_config('configs/magnet/tiny.py')
        >>> batches = Runner.build_dataloader(cfg.train_dataloader, seed=0)
        >>> result = probe_mask_grounding(MODELS.build(cfg.model).eval(), batches)
        >>> list(result.accuracy)
        ['as trained', 'other mask', 'other image and mask', 'image that read another text']
    """
    grounding = _find_head(model, head)
    right, words = defaultdict(int), 0
    for batch in batches:
        if len(batch['data_samples']) < 2:
            continue
        data = model.data_preprocessor(batch, False)
        inputs, samples = data['inputs'], data['data_samples']
        features = model.extract_features(inputs)
        rolled = inputs | {name: inputs[name].roll(1, 0) for name in ('input_ids', 'text_mask')}
        misled = features.replace(unfused=model.extract_features(rolled).unfused)
        masks = _masks(samples, features.text_mask.device)
        has_target = masks.bool().flatten(1).any(1)
        has_target &= has_target.roll(1, 0)  # of the other sample, whose mask is taken, too
        chosen = grounding.choose_words(features.text_mask) & has_target[:, None]
        if not chosen.any():
            continue
        words += int(chosen.sum())
        elsewhere = features.replace(unfused=features.unfused.roll(1, 0))
        conditions = zip(
            CONDITIONS,
            ((features, masks), (features, masks.roll(1, 0)), (elsewhere, masks.roll(1, 0)), (misled, masks)),
            strict=True,
        )
        state = grounding.generator.get_state()
        for name, (seen, seen_masks) in conditions:
            grounding.generator.set_state(state)  # the same words are hidden every time
            right[name] += int(grounding.accuracy(seen, seen_masks, chosen, model.backbone).sum())
    if not words:
        raise ValueError('no batch has a word to guess; give more batches, of two samples or more')
    return ProbeResult({name: 100 * right[name] / words for name in CONDITIONS}, words)


def _find_head(model: Grounder, name: str | None) -> MaskGroundingHead:
    """Return the :class:`MaskGroundingHead` called ``name``, or the only one.

    Raises:
        ValueError: If there is no such head, or several without a name to choose by.
    """
    found = {key: part for key, part in model.aux_heads.items() if isinstance(part, MaskGroundingHead)}
    if name in found:
        return found[name]
    if name is None and len(found) == 1:
        return next(iter(found.values()))
    raise ValueError(f'the MaskGroundingHeads of this model are {sorted(found) or "none"}; asked for: {name}')


def _masks(samples: list[GroundingSample], device: torch.device) -> Tensor:
    """Stack the union masks of ``samples``: (B, 1, H, W)."""
    return torch.stack([sample.gt_sem_seg.sem_seg for sample in samples]).to(device)
