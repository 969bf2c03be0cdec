"""Turn the text of a sample into token ids."""

from mmcv.transforms import BaseTransform

from mmvg.datasets.tokenizers import BaseTokenizer
from mmvg.registry import TASK_UTILS, TRANSFORMS


@TRANSFORMS.register_module()
class Tokenize(BaseTransform):
    """Add ``input_ids`` (L,) int64 and ``text_mask`` (L,) bool, True = a real token, made from ``text``.

    What is not read of it is written down too: ``unknown_words`` and ``unread_text``, see
    :meth:`mmvg.datasets.tokenizers.BaseTokenizer.left_out`.

    Args:
        tokenizer: A tokenizer of :mod:`mmvg.datasets.tokenizers`, or its config.
        max_length: Number L of tokens, special ones included. A longer text is cut; its end token stays.

    Example:
        >>> results = Tokenize(dict(type='CLIPTokenizer'), max_length=20)(dict(text='the red ring'))
        >>> results['input_ids'].shape, results['text_mask'].sum()
        ((20,), np.int64(5))
    """

    def __init__(self, tokenizer: dict | BaseTokenizer, max_length: int) -> None:
        if max_length < 2:
            raise ValueError(f'Tokenize: max_length must leave room for begin and end token, but it is {max_length}')
        self.tokenizer = TASK_UTILS.build(tokenizer) if isinstance(tokenizer, dict) else tokenizer
        self.max_length = max_length

    def transform(self, results: dict) -> dict:
        """Tokenize ``text``."""
        input_ids, text_mask = self.tokenizer(results['text'], self.max_length)
        results.update(input_ids=input_ids, text_mask=text_mask)
        if text_mask.all() or (input_ids[text_mask] == self.tokenizer.unk_id).any():
            results.update(self.tokenizer.left_out(results['text'], self.max_length))
        return results

    def __repr__(self) -> str:
        return f'Tokenize(tokenizer={type(self.tokenizer).__name__}, max_length={self.max_length})'
