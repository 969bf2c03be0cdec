"""What is checked of a command line before a model is loaded, so that a mistake costs no minutes."""

import os
from collections.abc import Sequence
from pathlib import Path


class CommandError(ValueError):
    """What was typed cannot be meant; the message says what to type instead."""


def check_question(source: str, expressions: Sequence[str], score_thr: float | None, allow_url: bool) -> None:
    """Check that there is a picture, or a folder of some, and that sentences and threshold can be asked with.

    Raises:
        FileNotFoundError: If there is no such picture.
        ValueError: If something else is wrong.
    """
    from mmvg.apis.images import is_image_folder, list_images, read_image

    check_sentences(expressions, score_thr)
    if is_image_folder(source):
        list_images(source)
    elif not (allow_url and source.startswith(('http://', 'https://'))):
        check_order(source, expressions)
        check_no_film(source)
        read_image(source)


def check_sentences(expressions: Sequence[str], score_thr: float | None) -> None:
    """Check sentences and threshold, see :func:`mmvg.apis.questions.check_expressions`.

    Raises:
        ValueError: If one cannot be asked with.
    """
    from mmvg.apis.questions import check_expressions
    from mmvg.structures import check_threshold

    check_expressions(expressions)
    if score_thr is not None:
        check_threshold(score_thr)


def check_order(source: str, expressions: Sequence[str]) -> None:
    """Check that file and sentences are not exchanged.

    Raises:
        CommandError: If ``source`` is no file, but a sentence is one.
    """
    files = [expression for expression in expressions if os.path.isfile(expression)]
    if files and not os.path.exists(source):
        raise CommandError(f'{source!r} is no file, but {files[0]!r} is: the file stands before the sentences')


def check_no_film(source: str) -> None:
    """Check that a file is not called as a film is.

    Raises:
        CommandError: If it is.
    """
    from mmvg.apis.video import CODECS

    if os.path.isfile(source) and (suffix := Path(source).suffix.lower()) in (*CODECS, '.mov', '.webm'):
        raise CommandError(f'{source}: {suffix} is a film; ask about it with: mmvg demo video {source} ...')


def check_target(option: str, path: Path | None, source: str) -> None:
    """Check that a file can be written, before there is something to write.

    Raises:
        CommandError: If it is a folder, is below a file, or is what is asked about.
        PermissionError: If nothing may be written there.
    """
    if path is None:
        return
    if path.is_dir():
        raise CommandError(f'{option} {path} is a folder; name a file')
    if path.exists() and os.path.exists(source) and path.samefile(source):
        raise CommandError(f'{option} {path} is the file that is asked about; name another')
    check_folder(option, path.parent)


def check_picture(option: str, path: Path, plot: bool = False) -> None:
    """Check that a picture can be written, before there is something to draw.

    Args:
        option: That names it.
        path: The file.
        plot: Whether matplotlib draws it, or OpenCV writes pixels.

    Raises:
        CommandError: If it is a folder, is below a file, or its ending is of no kind of picture.
        PermissionError: If nothing may be written there.
    """
    import cv2

    from mmvg.visualization.plots import plot_kind

    check_target(option, path, source='')
    if plot:
        plot_kind(path)
    elif not cv2.haveImageWriter(path.name):
        raise CommandError(f'{option} {path}: the ending of the picture says its kind, such as .png or .jpg')


def check_folder(option: str, folder: Path | None) -> None:
    """Check that files can be written into a folder, which need not be there yet.

    Raises:
        CommandError: If it is, or is below, a file.
        PermissionError: If nothing may be written there.
    """
    if folder is None:
        return
    there = next(path for path in (folder, *folder.parents, Path('/')) if path.exists())
    if not there.is_dir():
        raise CommandError(f'{option}: {there} is a file, not a folder')
    if not os.access(there, os.W_OK | os.X_OK):
        raise PermissionError(f'{option}: nothing may be written into {there}')


def camera_or_film(source: str) -> int | str:
    """The number of a camera as a number, and the path of a film as it is.

    Raises:
        CommandError: If the number is none that a camera can have.
    """
    if os.path.exists(source) or not source.lstrip('-').isdecimal():
        return source
    if not source.isascii() or not source.isdigit() or len(source) > 3:
        raise CommandError(f'{source}: cameras are numbered from 0 to 999')
    return int(source)
