"""Give pictures the names that other data sets have for them."""

import os
import shutil
from pathlib import Path


def share_picture(picture: Path, copy: Path) -> None:
    """Make ``copy`` the same file as ``picture``, or a copy where the file system has no hard links."""
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.unlink(missing_ok=True)
    try:
        os.link(picture, copy)
    except OSError:
        shutil.copyfile(picture, copy)
