"""CLIP's byte pairs without open_clip, which needs PyTorch."""

import html
from pathlib import Path
from typing import TYPE_CHECKING

from mmvg.datasets.tokenizers import BaseTokenizer

if TYPE_CHECKING:
    from mmvg.datasets.tokenizers import CLIPTokenizer

_BEGIN, _END = '<start_of_text>', '<end_of_text>'


class CLIPPieces(BaseTokenizer):
    """Give the ids of :class:`mmvg.datasets.tokenizers.CLIPTokenizer`, from a file that :func:`write_pieces` wrote.

    Args:
        file: A ``tokenizer.json`` of the library ``tokenizers``.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is something else.

    Example:
        >>> from mmvg.datasets.tokenizers import CLIPTokenizer
        >>> write_pieces(CLIPTokenizer(), 'clip.json')
        >>> CLIPPieces('clip.json')('the red ring', max_length=7)[0]
        array([49406,   518,   736,  2540, 49407,     0,     0])
    """

    pad_id = 0

    def __init__(self, file: str | Path) -> None:
        from tokenizers import Tokenizer

        if not Path(file).is_file():
            raise FileNotFoundError(f'{file}: no such tokenizer file; export the model again')
        try:
            self.pieces = Tokenizer.from_file(str(file))
        except Exception as error:  # the library raises bare exceptions
            raise ValueError(f'{file}: not a tokenizer ({error}); export the model again') from None
        self.vocab_size = self.pieces.get_vocab_size()
        self.bos_id, self.eos_id = self.pieces.token_to_id(_BEGIN), self.pieces.token_to_id(_END)

    def encode(self, text: str) -> list[int]:
        """Return the ids of the byte pairs of ``text``."""
        return self.pieces.encode(_cleaned(text), add_special_tokens=False).ids


def write_pieces(tokenizer: 'CLIPTokenizer', file: str | Path) -> None:
    """Write the byte pairs of a tokenizer to a file."""
    from tokenizers import Regex, Tokenizer
    from tokenizers.models import BPE
    from tokenizers.pre_tokenizers import ByteLevel, Sequence, Split

    bpe = tokenizer.bpe
    merges = sorted(bpe.bpe_ranks, key=bpe.bpe_ranks.get)
    pieces = Tokenizer(BPE(vocab=bpe.encoder, merges=merges, end_of_word_suffix='</w>'))
    words = Regex(r"(?i:<start_of_text>|<end_of_text>|'s|'t|'re|'ve|'m|'ll|'d)|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+")
    pieces.pre_tokenizer = Sequence(
        [Split(words, 'removed', invert=True), ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    pieces.add_special_tokens([_BEGIN, _END])
    pieces.save(str(file))


def _cleaned(text: str) -> str:
    """Repair, unescape, strip and lower-case a text as CLIP does."""
    from ftfy import fix_text

    text = html.unescape(html.unescape(fix_text(text)))
    return ' '.join(text.split()).lower()
