"""How much visitors of the page may ask for."""

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Limits:
    """What one request, one visitor and all of them together may take.

    Args:
        megapixels: Of a picture; larger ones are refused before they are decoded.
        sentences: Of one request.
        letters: Of one sentence.
        waiting: Requests that wait for their turn; one is computed at a time. Those that come after it is full are
            turned away.
        upload_mb: Of one file, in megabytes.
        visitor_mb: Memory that the answers to one visitor may take.
        memory_mb: Memory that all kept answers may take together; the oldest are dropped.
        disk_mb: Disk that uploads and drawings may take together; the oldest are deleted.

    Raises:
        ValueError: If one is not more than 0.

    Example:
        >>> Limits(sentences=4).sentences
        4
    """

    megapixels: float = 32
    sentences: int = 32
    letters: int = 500
    waiting: int = 64
    upload_mb: float = 50
    visitor_mb: float = 32
    memory_mb: float = 512
    disk_mb: float = 1024

    def __post_init__(self) -> None:
        for entry in fields(self):
            if not (value := getattr(self, entry.name)) > 0:
                raise ValueError(f'the limit {entry.name} must be more than 0, not {value}')
