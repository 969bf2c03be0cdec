"""Split texts into BEiT-3's sentence pieces, with XLM-R's numbering."""

from pathlib import Path

from mmvg.datasets.tokenizers.base_tokenizer import BaseTokenizer
from mmvg.datasets.tokenizers.vocab_file import existing_file
from mmvg.registry import TASK_UTILS


@TASK_UTILS.register_module()
class BEiT3Tokenizer(BaseTokenizer):
    """Read Microsoft's ``beit3.spm`` with sentencepiece; 64002 ids in use, of the 64010 rows of the embedding.

    Ids: ``<s>`` 0, ``<pad>`` 1, ``</s>`` 2, ``<unk>`` 3, then piece id + 1, and ``<mask>`` after the last piece. An
    empty text is begin and end token, where the authors' code raises.

    Args:
        vocab_file: Path of the ``.spm`` file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a sentencepiece model.

    Example:
        >>> from sentencepiece import SentencePieceTrainer
        >>> texts = ['the red ring', 'the blue star', 'a ring above the star']
        >>> SentencePieceTrainer.train(sentence_iterator=iter(texts), model_prefix='tiny', vocab_size=20, minloglevel=2)
        >>> input_ids, text_mask = BEiT3Tokenizer('tiny.model')('the red star', max_length=16)
        >>> input_ids.shape, input_ids[0], text_mask[0]
        ((16,), np.int64(0), np.True_)
    """

    bos_id, pad_id, eos_id, unk_id = range(4)

    def __init__(self, vocab_file: str | Path) -> None:
        from sentencepiece import SentencePieceProcessor

        path = existing_file(
            vocab_file, 'put beit3.spm there, which the BEiT-3 README (github.com/microsoft/unilm, beit3) links to'
        )
        try:
            self.pieces = SentencePieceProcessor(model_file=str(path))
        except RuntimeError as error:
            raise ValueError(f'{path}: not a sentencepiece model ({error}); fetch beit3.spm again') from None
        self.mask_id = self.pieces.get_piece_size() + 1
        self.vocab_size = self.mask_id + 1

    def encode(self, text: str) -> list[int]:
        """Return piece ids shifted by one, ``unk_id`` for a piece that is not known."""
        return [piece + 1 if piece else self.unk_id for piece in self.pieces.encode(text)]
