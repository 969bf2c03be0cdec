"""From a source and sentences to a folder of answers."""

import sys
from collections.abc import Iterator, Sequence
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mmvg.apis.model_hub import HUB, pull_model
from mmvg.apis.model_index import weights_of
from mmvg.apis.questions import check_expressions
from mmvg.config.library import CONFIG_SUFFIXES
from mmvg.export.folder import MANIFEST, is_exported
from mmvg.labelling.entries import list_entries
from mmvg.labelling.progress import Report
from mmvg.labelling.run_folder import RunFolder, ShardNote, begin
from mmvg.labelling.worker import Work
from mmvg.structures import check_threshold
from mmvg.whole_files import sha256_of, sole_writer


def label(
    source: str,
    sentences: Sequence[str] | None,
    out: str | Path,
    model: str,
    *,
    images: str | Path | None = None,
    score_thr: float | None = None,
    whole: bool = False,
    shard_size: int = 1000,
    batch_size: int = 8,
    device: str | None = None,
    trust_config: bool = False,
    threads: int = 1,
    workers: int = 1,
    ray: str | None = None,
    retry_failed: bool = False,
) -> dict[str, int]:
    """Ask sentences of all pictures of a source, or go on with that.

    Args:
        source: See :func:`mmvg.labelling.entries.list_entries`.
        sentences: Asked of every picture; None asks those that the pictures bring.
        out: Folder of the answers, see :mod:`mmvg.labelling.run_folder`.
        model: As for :class:`mmvg.apis.GroundingInferencer`.
        images: Folder of the pictures that JSON lines name; by default that of the file.
        score_thr: Takes the place of the model's threshold.
        whole: Write the candidates too.
        shard_size: Pictures of a shard, which is done or not.
        batch_size: Questions that are computed together.
        device: Such as ``'cuda:1'``; by default each worker has a GPU of its own, if there are some, and an exported
            model the CPU.
        trust_config: As there.
        threads: Of what computes in each worker.
        workers: Processes, or actors of Ray.
        ray: ``'local'`` or the address of a cluster; None takes processes.
        retry_failed: Do shards with failures again.

    Returns:
        Counts of ``shards``, ``pictures``, ``answers`` and ``failed``.

    Raises:
        FolderInUseError: If another process labels into ``out``.
        LabelError: If the model cannot be opened or answers nothing, or workers keep dying.
        OSError: If source, model or folder cannot be opened.
        ValueError: If one of them is something else, or ``out`` has a run with other settings.
    """
    if find_spec('pyarrow') is None:
        raise ModuleNotFoundError("No module named 'pyarrow'", name='pyarrow')
    settings = dict(
        source=str(Path(source).expanduser().resolve()),
        sentences=None if sentences is None else check_expressions(sentences),
        images=None if images is None else str(Path(images).expanduser().resolve()),
        model=model,
        weights=weights_hash(model),
        score_thr=None if score_thr is None else check_threshold(score_thr),
        whole=whole,
        shard_size=shard_size,
        batch_size=batch_size,
        threads=threads,
    )
    with sole_writer(out):
        run = begin(out, settings, lambda: list_entries(source, sentences is None, images))
        run.clean()
        if retry_failed:
            run.forget_failures()
        todo = [shard for shard in range(len(run)) if run.done(shard) is None]
        before = run.pictures - sum(map(run.pictures_of, todo))
        if before:
            print(f'{before} of {run.pictures} pictures are there already', file=sys.stderr)
            if settings['weights'] is None:
                print(f'whether {model} has the same weights as it had then cannot be told', file=sys.stderr)
        work = Work(str(Path(out).resolve()), model, device, trust_config, threads)
        with Report(run.pictures, before) as report:
            for note in _notes(todo, work, workers, ray):
                report.add(note.pictures, len(note.failed))
        return _finish(run)


def weights_hash(model: str) -> str | None:
    """Return a hash of all files that decide what a model answers, so that no run goes on with other ones.

    They are weights, config, files for text and calibration; of an exported model ``export.json``, which has the sums
    of the others. A model of the hub is downloaded.

    Args:
        model: As for :class:`mmvg.apis.GroundingInferencer`.

    Returns:
        None for a config or a name of the index, whose weights are elsewhere.

    Raises:
        ValueError: If the hub does not give the model.
    """
    from mmvg.weights.calibration import calibration_file
    from mmvg.weights.latest import NOTE, latest_checkpoint, noted_checkpoint
    from mmvg.weights.model_folder import CONFIG, WEIGHTS, is_model_folder, read_model_folder

    path = Path(pull_model(model) if model.startswith(HUB) else weights_of(model)).expanduser()
    if path.name == WEIGHTS and is_model_folder(path.parent):
        path = path.parent
    if is_exported(path):
        return sha256_of(path / MANIFEST)
    if is_model_folder(path):
        texts = read_model_folder(path).files.values()
        sums = [sha256_of(path / CONFIG), sha256_of(path / WEIGHTS), *(sha256(text).hexdigest() for text in texts)]
    else:
        checkpoint = latest_checkpoint(path) if path.is_dir() else path  # perhaps the folder of a training
        if checkpoint is None or not checkpoint.is_file() or checkpoint.suffix in CONFIG_SUFFIXES:
            return None
        path = noted_checkpoint(checkpoint) if checkpoint.name == NOTE else checkpoint
        sums = [sha256_of(path)]
    if (calibration := calibration_file(path)).is_file():
        sums.append(sha256_of(calibration))
    return sha256(''.join(sums).encode()).hexdigest()


def _notes(todo: list[int], work: Work, workers: int, ray: str | None) -> Iterator[ShardNote]:
    if not todo:
        return iter(())
    if ray is None:
        from mmvg.labelling.local import label_locally

        return label_locally(todo, work, min(workers, len(todo)))

    from mmvg.labelling.on_ray import label_on_ray

    return label_on_ray(todo, work, workers, None if ray == 'local' else ray)


def _finish(run: RunFolder) -> dict[str, Any]:
    run.clean()  # workers may have died
    counts = run.finish()
    if counts['pictures'] != run.pictures:
        raise RuntimeError(f'{run.folder}: {counts["pictures"]} of {run.pictures} pictures are noted as done')
    return counts
