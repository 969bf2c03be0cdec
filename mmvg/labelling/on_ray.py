"""Workers of Ray: on this machine, or on all machines of a cluster that see the same disk."""

from collections.abc import Iterator, Sequence
from typing import Any

from mmvg.export.folder import is_exported
from mmvg.labelling.run_folder import ShardNote
from mmvg.labelling.worker import Work, Worker

_MOST_BLOCKS = 5000  # of Ray's plan; more shards share one


def label_on_ray(shards: Sequence[int], work: Work, workers: int, address: str | None = None) -> Iterator[ShardNote]:
    """Label shards by Ray Data; yields the note of each when it is done.

    Args:
        shards: Their numbers.
        work: How.
        workers: Actors, each with the model; each has a GPU of its own where the cluster has some.
        address: Of a cluster to join, such as ``'auto'`` or ``'ray://head:10001'``; None starts one in this machine.

    Raises:
        ConnectionError: If there is no cluster at the address.
        ImportError: If Ray is not installed.
    """
    import ray
    from ray.data import ActorPoolStrategy, DataContext

    local = dict(num_cpus=workers, object_store_memory=100 * 2**20, include_dashboard=False)
    ray.init(address=address, logging_level='error', log_to_driver=False, **({} if address else local))
    try:
        context = DataContext.get_current()
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        default = 'cpu' if is_exported(work.model) else 'cuda'
        gpus = 1 if ray.cluster_resources().get('GPU') and (work.device or default) == 'cuda' else 0
        blocks = min(len(shards), _MOST_BLOCKS)
        rows = ray.data.from_items([dict(shard=shard) for shard in shards], override_num_blocks=blocks)
        notes = rows.map_batches(
            _Actor,
            fn_constructor_args=(work,),
            batch_size=1,
            compute=ActorPoolStrategy(size=min(workers, len(shards))),
            num_cpus=1,
            num_gpus=gpus,
        )
        for row in notes.iter_rows():
            yield ShardNote(int(row['shard']), int(row['pictures']), int(row['answers']), [{}] * int(row['failed']))
    finally:
        ray.shutdown()


class _Actor:
    """A worker; its notes stay on the disk, Ray carries the counts."""

    def __init__(self, work: Work) -> None:
        self.worker = Worker(work)

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[int]]:
        notes = [self.worker.label(int(shard)) for shard in batch['shard']]
        return dict(
            shard=[note.shard for note in notes],
            pictures=[note.pictures for note in notes],
            answers=[note.answers for note in notes],
            failed=[len(note.failed) for note in notes],
        )
