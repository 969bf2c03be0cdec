"""How much visitors of the page may ask for."""

from dataclasses import dataclass

from mmvg.apis.request_limits import RequestLimits


@dataclass(frozen=True)
class Limits(RequestLimits):
    """What one request, one visitor and all of them together may take.

    Args:
        visitor_mb: Memory that the answers to one visitor may take.
        memory_mb: Memory that all kept answers may take together; the oldest are dropped.
        disk_mb: Disk that uploads and drawings may take together; the oldest are deleted.

    Raises:
        ValueError: If one is not more than 0.

    Example:
        >>> Limits(sentences=4).sentences
        4
    """

    visitor_mb: float = 32
    memory_mb: float = 512
    disk_mb: float = 1024
