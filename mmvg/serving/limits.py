"""How much clients may ask of the server."""

from dataclasses import dataclass
from typing import ClassVar

from mmvg.apis.request_limits import RequestLimits


@dataclass(frozen=True)
class ServingLimits(RequestLimits):
    """What one request may hold, and what all of them may take together.

    ``waiting`` counts the sentences that wait for a model.

    Args:
        requests: Requests that are read, decoded or answered at the same time; the rest is turned away.
        memory_mb: Memory that the bodies and pictures of all of them may take together.
        timeout: Seconds that a request may take, from its first byte to its answer.

    Raises:
        ValueError: If one is not more than 0, or a request could never fit into the queue or the memory.

    Example:
        >>> ServingLimits(waiting=8, sentences=4).waiting
        8
    """

    requests: int = 128
    memory_mb: float = 2048
    timeout: float = 60

    #: Of a body in memory: as it came, as text, decoded, and in a form.
    BODY_COPIES: ClassVar[int] = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.sentences > self.waiting:
            raise ValueError(
                f'a request of {self.sentences} sentences would never fit where {self.waiting} may wait: lower the '
                'limit sentences, or raise waiting'
            )
        if (needed := (self.BODY_COPIES * self.body_bytes + 3 * self.pixels) / 1e6) > self.memory_mb:
            raise ValueError(
                f'a request may take {needed:.0f} MB, which never fit into {self.memory_mb:g}: lower '
                'the limit upload_mb or megapixels, or raise memory_mb'
            )

    @property
    def body_bytes(self) -> int:
        """Bytes of the body of a request: of the file, a third more for base64, and room for the sentences."""
        return int(self.upload_mb * 1e6 * 4 / 3) + 12 * self.sentences * self.letters + 10_000
