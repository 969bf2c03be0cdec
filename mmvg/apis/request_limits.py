"""How much somebody who is not at this machine may ask for, on the page and over HTTP."""

from collections.abc import Iterable
from dataclasses import dataclass, fields

from mmvg.apis.questions import check_expressions


@dataclass(frozen=True)
class RequestLimits:
    """What one request may hold, and how many of them may wait.

    Args:
        megapixels: Of a picture; larger ones are refused before they are decoded.
        sentences: Of one request.
        letters: Of one sentence.
        waiting: What may wait for its turn; the rest is turned away.
        upload_mb: Of one file, in megabytes.

    Raises:
        ValueError: If one is not more than 0.

    Example:
        >>> RequestLimits(sentences=0)
        Traceback (most recent call last):
        ValueError: the limit sentences must be more than 0, not 0
    """

    megapixels: float = 32
    sentences: int = 32
    letters: int = 500
    waiting: int = 64
    upload_mb: float = 50

    def __post_init__(self) -> None:
        for entry in fields(self):
            if not (value := getattr(self, entry.name)) > 0:
                raise ValueError(f'the limit {entry.name} must be more than 0, not {value}')

    @property
    def pixels(self) -> int:
        """Pixels of a picture at most."""
        return int(self.megapixels * 1e6)

    def check_sentences(self, sentences: Iterable[str]) -> list[str]:
        """Return the sentences of a request as a list.

        Raises:
            ValueError: If there are none, too many, or one is no text, too long or holds no word.
        """
        sentences = list(sentences)
        if len(sentences) > self.sentences:
            raise ValueError(f'{len(sentences)} sentences are too many at once; ask at most {self.sentences}')
        for number, sentence in enumerate(sentences, 1):
            if isinstance(sentence, str) and len(sentence) > self.letters:
                raise ValueError(
                    f'sentence {number} has {len(sentence)} letters; at most {self.letters} are read, shorten it'
                )
        return check_expressions(sentences)
