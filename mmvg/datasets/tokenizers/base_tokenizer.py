"""Base of all tokenizers: it adds begin token, end token and padding."""

from abc import ABC, abstractmethod

import numpy as np


class BaseTokenizer(ABC):
    """Turn a text into a fixed number of ids; subclasses set the attributes and write :meth:`encode`.

    Attributes:
        vocab_size: Number of ids in use; every id is below it.
        pad_id, bos_id, eos_id, unk_id: Ids of padding, begin, end and unknown token; ``unk_id`` is None where every
            text has an encoding.

    Example:
        >>> class LetterTokenizer(BaseTokenizer):
        ...     vocab_size, pad_id, bos_id, eos_id = 29, 0, 1, 2
        ...
        ...     def encode(self, text):
        ...         return [3 + ord(letter) - ord('a') for letter in text.lower() if letter.isalpha()]
        >>> LetterTokenizer()('a cab', max_length=7)
        (array([1, 3, 5, 3, 4, 2, 0]), array([ True,  True,  True,  True,  True,  True, False]))
    """

    vocab_size: int
    pad_id: int
    bos_id: int
    eos_id: int
    unk_id: int | None = None

    @abstractmethod
    def encode(self, text: str) -> list[int]:
        """Return the ids of ``text`` without special tokens; an empty list for an empty text."""

    def __call__(self, text: str, max_length: int) -> tuple[np.ndarray, np.ndarray]:
        """Encode ``text`` between begin and end token, and pad it.

        Args:
            text: As cleaned for the model.
            max_length: Number L of tokens; what does not fit between begin and end token is cut off.

        Returns:
            ``input_ids`` (L,) int64 and ``text_mask`` (L,) bool, True = a real token.
        """
        ids = [self.bos_id, *self.encode(text)[: max_length - 2], self.eos_id]
        input_ids = np.full(max_length, self.pad_id, dtype=np.int64)
        input_ids[: len(ids)] = ids
        return input_ids, np.arange(max_length) < len(ids)
