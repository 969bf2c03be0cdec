"""What is often found in place of a downloaded file: nothing, an error page, a Git LFS pointer, a packed archive."""

_STARTS = (
    (b'<', 'a web page (HTML or XML), such as a log-in or error page: download the file again'),
    (b'version https://git-lfs', 'a Git LFS pointer: `git lfs pull` fetches the file itself'),
)
_ARCHIVE_STARTS = (
    (b'PK\x03\x04', 'a zip archive: unpack it first'),
    (b'\x1f\x8b', 'a gzip archive: unpack it first'),
)


def foreign_content(start: bytes, archives: bool = True) -> str | None:
    """Recognise a file that cannot be what its name says.

    Args:
        start: The first bytes of the file, 64 or more unless it is shorter.
        archives: Whether a zip or gzip archive is foreign too; it is not where the format itself is one.

    Returns:
        What the file is and what to do, to stand behind "the file is"; None if nothing is recognised.

    Example:
        >>> foreign_content(b'version https://git-lfs.github.com/spec/v1')
        'a Git LFS pointer: `git lfs pull` fetches the file itself'
    """
    start = start.lstrip()
    if not start:
        return 'empty: download the file again'
    if start.startswith(b'<') and b'<svg' in start and b'<html' not in start.lower():
        return 'an SVG drawing, which has no pixels: export it as PNG'
    is_text = 0 not in start[:8]  # a safetensors file begins with its length, which may begin with any byte
    known = (_STARTS if is_text else ()) + (_ARCHIVE_STARTS if archives else ())
    return next((meaning for beginning, meaning in known if start.startswith(beginning)), None)
