"""Split texts into BERT's word pieces."""

from pathlib import Path

from mmvg.datasets.tokenizers.base_tokenizer import BaseTokenizer
from mmvg.datasets.tokenizers.vocab_file import existing_file, read_vocab
from mmvg.registry import TASK_UTILS

_HINT = (
    'put vocab.txt of the BERT that the model uses there (bert-base-uncased has 30522 lines), or name a directory '
    'with it or with tokenizer.json'
)


@TASK_UTILS.register_module()
class BertTokenizer(BaseTokenizer):
    r"""Read uncased word pieces from a vocabulary on disk; gives the ids of transformers' ``BertTokenizer``.

    It is built on ``tokenizers``, the library below transformers: the same with every release of transformers, and
    nothing can be downloaded.

    Args:
        vocab: ``vocab.txt``, ``tokenizer.json``, or a transformers directory with one of the two (the first wins).

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it lacks one of ``[PAD] [UNK] [CLS] [SEP] [MASK]``.

    Example:
        >>> pieces = '[PAD] [UNK] [CLS] [SEP] [MASK] the red ring ##s'
        >>> Path('vocab.txt').write_text(pieces.replace(' ', '\n') + '\n')
        48
        >>> BertTokenizer('vocab.txt')('The red rings', max_length=8)[0]  # [CLS] the red ring ##s [SEP] [PAD] [PAD]
        array([2, 5, 6, 7, 8, 3, 0, 0])
    """

    def __init__(self, vocab: str | Path) -> None:
        from tokenizers import BertWordPieceTokenizer, Tokenizer

        path = _find_vocab(Path(vocab))
        if path.suffix == '.json':
            try:
                self.pieces = Tokenizer.from_file(str(path))
            except Exception as error:  # the library raises bare exceptions
                raise ValueError(f'{path}: not a tokenizer ({error}); {_HINT}') from None
        else:
            ids = {token: index for index, token in enumerate(read_vocab(path, _HINT))}
            _check_specials(path, ids)
            self.pieces = BertWordPieceTokenizer(ids, lowercase=True)
        _check_specials(path, self.pieces.get_vocab())
        special = self.pieces.token_to_id
        self.pad_id, self.unk_id, self.mask_id = special('[PAD]'), special('[UNK]'), special('[MASK]')
        self.bos_id, self.eos_id = special('[CLS]'), special('[SEP]')
        self.vocab_size = self.pieces.get_vocab_size()

    def encode(self, text: str) -> list[int]:
        """Return the ids of the word pieces of ``text``."""
        return self.pieces.encode(text, add_special_tokens=False).ids


def _find_vocab(path: Path) -> Path:
    """Find the vocabulary in a transformers directory; a file stays as it is."""
    if path.is_dir():
        path = next((path / name for name in ('vocab.txt', 'tokenizer.json') if (path / name).is_file()), path)
    return existing_file(path, _HINT)


def _check_specials(path: Path, vocab: dict[str, int]) -> None:
    """Check that ``vocab`` has BERT's special tokens.

    Raises:
        ValueError: If one is missing.
    """
    missing = [token for token in ('[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]') if token not in vocab]
    if missing:
        raise ValueError(f'{path}: not the vocabulary of a BERT: it lacks {" ".join(missing)}; {_HINT}')
