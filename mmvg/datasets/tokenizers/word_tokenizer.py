"""Look up whole words in a list, for data that comes without a pretrained vocabulary."""

from pathlib import Path

from mmvg.datasets.tokenizers.base_tokenizer import BaseTokenizer
from mmvg.datasets.tokenizers.vocab_file import read_vocab
from mmvg.registry import TASK_UTILS

SPECIAL_TOKENS = ('[PAD]', '[UNK]', '[BOS]', '[EOS]')


@TASK_UTILS.register_module()
class WordTokenizer(BaseTokenizer):
    """Look up lower-cased words between blanks; the id of a word is its line in the vocabulary file, from 0.

    A word that is not in the file becomes ``[UNK]``.

    Args:
        vocab_file: UTF-8 text, one lower-case word per line; the first four are ``[PAD] [UNK] [BOS] [EOS]``.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not such a list.

    Example:
        >>> tokenizer = WordTokenizer('data/refshapes/vocab.txt')
        >>> tokenizer('the red zebra', max_length=6)
        (array([ 2, 78, 63,  1,  3,  0]), array([ True,  True,  True,  True,  True, False]))
        >>> tokenizer.left_out('the red zebra on the left', max_length=6)
        {'unread_text': 'the left', 'unknown_words': ['zebra']}
    """

    pad_id, unk_id, bos_id, eos_id = range(4)

    def __init__(self, vocab_file: str | Path) -> None:
        words = read_vocab(
            vocab_file, 'a vocabulary is written together with its data set, e.g. by refshapes.py for RefShapes'
        )
        if tuple(words[:4]) != SPECIAL_TOKENS:
            raise ValueError(f'{vocab_file}: the first four lines must be {SPECIAL_TOKENS}, but are {tuple(words[:4])}')
        for line, word in enumerate(words[4:], start=5):
            if word != word.lower() or word.split() != [word]:
                raise ValueError(f'{vocab_file}, line {line}: {word!r} is not one lower-case word')
        self.ids = {word: index for index, word in enumerate(words)}
        self.vocab_size = len(words)

    def encode(self, text: str) -> list[int]:
        """Return the ids of the words of ``text``."""
        return [self.ids.get(word, self.unk_id) for word in text.lower().split()]
