"""Numbers about the server for Prometheus."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST as CONTENT_TYPE

__all__ = ['CONTENT_TYPE', 'ServerMetrics']

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)


class ServerMetrics:
    """Counters of one server; names begin with ``mmvg_``."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        make = dict(namespace='mmvg', registry=self.registry)
        self.requests = Counter('requests', 'Requests for answers, by HTTP status.', ['status'], **make)
        self.seconds = Histogram(
            'request_seconds', 'From the head of a request to its answer.', buckets=_SECONDS, **make
        )
        self.open = Gauge('open_requests', 'Requests that are being read, decoded or answered.', **make)
        self.sentences = Counter('sentences', 'Sentences that were answered.', ['model'], **make)
        self.batch_size = Histogram('batch_size', 'Sentences computed together.', ['model'], buckets=_SIZES, **make)
        self.batch_seconds = Histogram('batch_seconds', 'Time of a batch.', ['model'], buckets=_SECONDS, **make)
        self.waited = Histogram('queue_seconds', 'Time until its batch began.', ['model'], buckets=_SECONDS, **make)
        self.waiting = Gauge('waiting_sentences', 'Sentences that wait.', ['model'], **make)

    def observer_of(self, model: str) -> Callable[[int, float, list[float]], None]:
        """Return a function that notes a batch of a model: its size, its seconds, and those that each part waited."""

        sentences, size = self.sentences.labels(model), self.batch_size.labels(model)
        seconds, waiting = self.batch_seconds.labels(model), self.waited.labels(model)

        def observe(count: int, took: float, waited: list[float]) -> None:
            sentences.inc(count)
            size.observe(count)
            seconds.observe(took)
            for time in waited:
                waiting.observe(time)

        return observe

    def page(self) -> bytes:
        """Return all of them in Prometheus' text format."""
        return generate_latest(self.registry)
