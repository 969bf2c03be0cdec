"""``mmvg label``: sentences asked of any number of pictures."""

import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from mmvg.cli.arguments import DeviceOption, ThresholdOption, TrustOption
from mmvg.cli.ask import SHIPPED_MODEL, BatchSizeOption
from mmvg.cli.before_work import CommandError, check_folder

#: Endings that tell a file of sentences from a sentence.
_LISTS = ('.txt', '.tsv', '.csv', '.lst', '.json', '.jsonl')


def label(
    source: Annotated[str, typer.Argument(help='A folder of pictures, JSON lines, or WebDataset tars.')],
    sentences: Annotated[
        list[str] | None,
        typer.Argument(metavar='[SENTENCES]...', help='Asked of every picture; or a file with one per line, or - .'),
    ] = None,
    out: Annotated[Path, typer.Option(metavar='DIR', help='The answers go into this folder.')] = ...,
    model: Annotated[str, typer.Option(help='A checkpoint, a model folder, or a name.')] = SHIPPED_MODEL,
    images: Annotated[
        Path | None, typer.Option(metavar='DIR', help='Of the pictures that JSON lines name; default: beside them.')
    ] = None,
    score_thr: ThresholdOption = None,
    whole: Annotated[bool, typer.Option('--whole', help='Write all candidates too, whatever their score.')] = False,
    workers: Annotated[int, typer.Option(min=1, help='Processes, each with the model.')] = 1,
    threads: Annotated[int, typer.Option(min=1, help='Of each worker.')] = 1,
    batch_size: BatchSizeOption = 8,
    shard_size: Annotated[int, typer.Option(min=1, help='Pictures of a shard, which is done or not.')] = 1000,
    device: DeviceOption = None,
    trust_config: TrustOption = False,
    ray: Annotated[
        str | None, typer.Option(metavar='[ADDRESS]', help='Let Ray have the workers: here, or on that cluster.')
    ] = None,
    retry_failed: Annotated[bool, typer.Option('--retry-failed', help='Do shards with failures again.')] = False,
) -> None:
    """Ask sentences of a million pictures.

    mmvg label photos "the red mug" "both chairs" --out labels --model last.pth --workers 4

    The same command goes on where it ended, however it ended. Pictures that fail are listed in failed.jsonl.
    """
    check_folder('--out', out)
    asked = read_sentences(sentences)

    from mmvg.labelling.label import label as label_all

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        counts = label_all(
            source,
            asked,
            out,
            model,
            images=images,
            score_thr=score_thr,
            whole=whole,
            shard_size=shard_size,
            batch_size=batch_size,
            device=device,
            trust_config=trust_config,
            threads=threads,
            workers=workers,
            ray=ray,
            retry_failed=retry_failed,
        )
    except KeyboardInterrupt:
        print('stopped; the same command goes on', file=sys.stderr)
        raise typer.Exit(130) from None
    print(
        f'{counts["answers"]} answers about {counts["pictures"]} pictures are in {out / "jsonl"} and {out / "parquet"}'
    )
    if counts['failed']:
        print(f'{counts["failed"]} failed: {out / "failed.jsonl"} says why')


def read_sentences(words: list[str] | None) -> list[str] | None:
    """Return what is asked of every picture: the words, or the lines of the file that they name, or of ``-``.

    Raises:
        CommandError: If a file is not there, is no text in UTF-8, has no line, or stands beside other words.
    """
    if not words:
        return None
    lists = [word for word in words if word == '-' or os.path.isfile(word) or Path(word).suffix.lower() in _LISTS]
    if not lists:
        return words
    if len(words) > 1:
        raise CommandError(f'{lists[0]}: a file of sentences, or -, stands alone; write all sentences into it')
    source = lists[0]
    if source != '-' and not os.path.isfile(source):
        raise CommandError(f'{source}: there is no such file of sentences')
    try:
        text = sys.stdin.read() if source == '-' else Path(source).read_text(encoding='utf-8-sig')
    except UnicodeDecodeError as error:
        raise CommandError(f'{source}: is no text in UTF-8 ({error.reason} at byte {error.start})') from error
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        raise CommandError(f'{source}: no sentence in it; write one per line')
    return lines
