"""One picture under two names: the same file, or a copy that was saved again, in two splits."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.fft import dctn

#: Pixels a side of the small grey picture that stands for a large one, and of the frequencies that are compared first.
_SIDE, _LOW = 32, 8
#: Two small pictures are one if their grey values differ by less on average, of 255. JPEG of quality 50 stays below 2.
_NEAR = 2.5
#: A picture whose grey values spread less has nothing to be told by.
_FLAT = 4.0


@dataclass(frozen=True)
class Signature:
    """What is kept of a picture.

    Args:
        path: Its file.
        size: Bytes of the file.
        small: Grey values (32, 32) float32; None for a picture that was not decoded, or is flat.
    """

    path: Path
    size: int
    small: np.ndarray | None

    def digest(self) -> bytes:
        """Hash the file."""
        return hashlib.sha256(self.path.read_bytes()).digest()


def sign(path: Path, picture: Image.Image | None) -> Signature:
    """Keep what tells a picture from others; ``picture`` is its decoded content."""
    small = None
    convertible = (
        ('RGBA', 'P', '1', 'CMYK', 'LA') if picture is not None and picture.width * picture.height < 2**25 else ()
    )
    if picture is not None and picture.mode in ('RGB', 'L', *convertible):  # a larger one would be copied as a whole
        plain = picture if picture.mode in ('RGB', 'L') else picture.convert('RGB')
        values = plain.resize((_SIDE, _SIDE), Image.Resampling.BOX, reducing_gap=2).convert('L')
        small = np.asarray(values, dtype=np.float32)
        small = small if small.std() > _FLAT else None
    return Signature(path, path.stat().st_size, small)


def same_files(left: Iterable[Signature], right: Iterable[Signature]) -> Iterator[tuple[Path, Path]]:
    """Yield the files of ``right`` that hold the bytes of a file of ``left`` of another name."""
    by_size: dict[int, list[Signature]] = defaultdict(list)
    for one in left:
        by_size[one.size].append(one)
    digests: dict[Path, bytes] = {}
    for other in right:
        for one in by_size.get(other.size, ()):
            if one.path == other.path:
                continue
            for signature in (one, other):
                if signature.path not in digests:
                    digests[signature.path] = signature.digest()
            if digests[one.path] == digests[other.path]:
                yield one.path, other.path
                break


def same_pictures(left: Iterable[Signature], right: Iterable[Signature]) -> Iterator[tuple[Path, Path]]:
    """Yield the files of ``right`` that look like a file of ``left`` of another name.

    Pictures that share a quarter of their low frequencies' signs are compared by their small grey pictures, so that a
    copy is found that was resized or saved again.
    """
    buckets: Mapping[tuple[int, bytes], list[Signature]] = defaultdict(list)
    for one in left:
        for band in _bands(one):
            buckets[band].append(one)
    for other in right:
        candidates = {one.path: one for band in _bands(other) for one in buckets.get(band, ())}
        candidates.pop(other.path, None)
        for one in candidates.values():
            if np.abs(one.small - other.small).mean() < _NEAR:
                yield one.path, other.path
                break


def _bands(signature: Signature) -> Iterator[tuple[int, bytes]]:
    """Cut the signs of the low frequencies into four parts, of which two near pictures share one at least."""
    if signature.small is not None:
        low = dctn(signature.small, norm='ortho')[:_LOW, :_LOW]
        signs = np.packbits(low > np.median(low))
        yield from ((number, part.tobytes()) for number, part in enumerate(np.split(signs, 4)))
