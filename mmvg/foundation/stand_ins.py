"""The parts of MMEngine that reading data and scoring use, in one process and without transforms."""

import copy
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


class Registry:
    """Classes by name, and objects built of them; only what decorators and ``build`` of a data set or metric need.

    Args:
        name: What messages call it.
        parent: Not used: there is no MMEngine to look further in.
        scope: May stand before a name, with a dot.
        locations: Modules that register classes, imported when a name is first asked for.

    Example:
        >>> registry = Registry('shape', scope='mmvg')
        >>> @registry.register_module()
        ... class Ring:
        ...     def __init__(self, radius):
        ...         self.radius = radius
        >>> registry.build(dict(type='mmvg.Ring', radius=3)).radius
        3
    """

    def __init__(self, name: str, parent: None = None, scope: str = '', locations: Sequence[str] = ()) -> None:
        self.name = name
        self.scope = scope
        self.module_dict: dict[str, type] = {}
        self._locations = list(locations)

    def register_module(self) -> Callable[[type], type]:
        """Return a decorator that adds a class under its own name."""

        def add(cls: type) -> type:
            self.module_dict[cls.__name__] = cls
            return cls

        return add

    def get(self, name: str) -> type | None:
        """Return the class of that name, None if there is none."""
        while self._locations:
            import_module(self._locations.pop())
        return self.module_dict.get(name.removeprefix(f'{self.scope}.'))

    def build(self, cfg: Mapping[str, Any]) -> Any:
        """Build ``cfg['type']``, a class or a name, with the other entries as arguments.

        Raises:
            KeyError: If no class has that name.
        """
        settings = dict(cfg)
        kind = settings.pop('type')
        cls = self.get(kind) if isinstance(kind, str) else kind
        if cls is None:
            known = ', '.join(sorted(self.module_dict))
            raise KeyError(f'{kind} is no {self.name} that works without MMEngine; known are {known}')
        return cls(**settings)


class BaseDataset:
    """Items that :meth:`load_data_list` reads, without a pipeline of transforms.

    Args:
        data_root: Folder that other paths are relative to.
        indices: Use only the first so many items, or these.
        serialize_data: Not used: there are no workers.
        pipeline: Must be empty.
        test_mode: Whether the items are scored.
        lazy_init: Whether to read the files later.
        max_refetch: Not used.

    Raises:
        ImportError: If there is a pipeline.
    """

    def __init__(
        self,
        data_root: str = '',
        indices: int | Sequence[int] | None = None,
        serialize_data: bool = True,
        pipeline: Sequence[Any] = (),
        test_mode: bool = False,
        lazy_init: bool = False,
        max_refetch: int = 1000,
    ) -> None:
        if pipeline:
            raise ImportError("transforms of images need MMEngine and PyTorch: pip install 'mmvg[train]'")
        self.data_root = data_root
        self.test_mode = test_mode
        self.data_list: list[dict] = []
        self._indices = indices
        self._metainfo: dict[str, Any] = {}
        self._fully_initialized = False
        if not lazy_init:
            self.full_init()

    @property
    def metainfo(self) -> dict[str, Any]:
        """Facts about the whole data set, as a copy."""
        return copy.deepcopy(self._metainfo)

    def full_init(self) -> None:
        """Read the files, if that has not been done."""
        if self._fully_initialized:
            return
        items, wanted = self.load_data_list(), self._indices
        if isinstance(wanted, int):
            items = items[wanted:] if wanted < 0 else items[:wanted]
        elif wanted is not None:
            items = [items[index] for index in wanted]
        self.data_list = items
        self._fully_initialized = True

    def load_data_list(self) -> list[dict]:
        """Read the files."""
        raise NotImplementedError

    def get_data_info(self, idx: int) -> dict:
        """Return a copy of the item ``idx``."""
        self.full_init()
        item = copy.deepcopy(self.data_list[idx])
        item['sample_idx'] = idx if idx >= 0 else len(self) + idx
        return item

    def prepare_data(self, idx: int) -> Any:
        """Return what :meth:`__getitem__` does."""
        return self.get_data_info(idx)

    def pipeline(self, item: dict) -> dict:
        """Change nothing."""
        return item

    def __len__(self) -> int:
        self.full_init()
        return len(self.data_list)

    def __getitem__(self, idx: int) -> Any:
        self.full_init()
        return self.prepare_data(idx)


class BaseMetric(ABC):
    """What collects results; the metrics of mmvg sum them up themselves.

    Args:
        prefix: Stands before each key in place of ``default_prefix``.
    """

    default_prefix: str | None = None

    def __init__(self, prefix: str | None = None) -> None:
        self.results: list[Any] = []
        self.prefix = prefix or self.default_prefix
        self.dataset_meta: dict[str, Any] | None = None

    @abstractmethod
    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Put something into ``results`` for each sample."""

    @abstractmethod
    def compute_metrics(self, results: list) -> dict[str, float]:
        """Sum up ``results``."""


def print_log(msg: str, logger: str | None = None, level: int = logging.INFO) -> None:
    """Write a line to the logger ``mmvg``."""
    logging.getLogger('mmvg').log(level, msg)


def all_gather_object(data: Any) -> list[Any]:
    """Return the data of all processes, of which there is one."""
    return [data]


def get_rank() -> int:
    """Return the number of this process."""
    return 0
