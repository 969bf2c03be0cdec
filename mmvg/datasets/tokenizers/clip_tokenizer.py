"""Encode texts with CLIP's byte-pair encoding."""

from mmvg.datasets.tokenizers.base_tokenizer import BaseTokenizer
from mmvg.registry import TASK_UTILS


@TASK_UTILS.register_module()
class CLIPTokenizer(BaseTokenizer):
    """Wrap open_clip's ``SimpleTokenizer``, whose vocabulary ships with the package; gives the same ids.

    Id 0 pads, but is also the piece ``!`` inside a word: use ``text_mask`` and never ``input_ids == 0``. The end
    token has the highest id, and is the last token of a text that had to be cut.

    Example:
        >>> CLIPTokenizer()('the red ring', max_length=7)[0]
        array([49406,   518,   736,  2540, 49407,     0,     0])
    """

    pad_id = 0

    def __init__(self) -> None:
        from open_clip.tokenizer import SimpleTokenizer

        self.bpe = SimpleTokenizer()
        self.vocab_size = self.bpe.vocab_size
        self.bos_id = self.bpe.sot_token_id
        self.eos_id = self.bpe.eot_token_id

    def encode(self, text: str) -> list[int]:
        """Return the ids of the byte pairs of ``text``."""
        return self.bpe.encode(text)
