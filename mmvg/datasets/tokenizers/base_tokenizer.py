"""Base of all tokenizers: it adds begin token, end token and padding."""

from abc import ABC, abstractmethod
from bisect import bisect_right
from typing import Any

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

    def left_out(self, text: str, max_length: int) -> dict[str, Any]:
        """Tell what a model does not get to read of ``text``.

        Args:
            text: As given to the tokenizer.
            max_length: As given to the tokenizer.

        Returns:
            ``unknown_words``, those between blanks of which a part has no id, each once; ``unread_text``, the end that
            is cut off, from the first word that is not read whole. Neither is there if there is nothing of the kind.
        """
        words, room = text.split(), max_length - 2
        found: dict[str, Any] = {}
        if len(self.encode(text)) > room:
            whole = bisect_right(range(1, len(words) + 1), room, key=lambda n: len(self.encode(' '.join(words[:n]))))
            found['unread_text'] = ' '.join(words[whole:])
            words = words[:whole]
        if self.unk_id is not None:
            unknown = [word for word in dict.fromkeys(words) if self.unk_id in self.encode(word)]
            found |= dict(unknown_words=unknown) if unknown else {}
        return found
