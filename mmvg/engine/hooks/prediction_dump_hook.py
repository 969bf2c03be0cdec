"""All answers of a test run in one JSON file."""

from collections.abc import Sequence

from mmengine.dist import collect_results, is_main_process
from mmengine.fileio import dump
from mmengine.hooks import Hook

from mmvg.registry import HOOKS
from mmvg.structures import ANSWER_VERSION, Answer, GroundingSample
from mmvg.whole_files import whole_file


@HOOKS.register_module()
class PredictionDumpHook(Hook):
    """Writes what the model answered, one record per expression, whatever the metrics make of it.

    The file is an object with ``version``, ``config``, ``metrics`` (percent) and ``predictions``: whole answers as
    :meth:`mmvg.structures.Answer.to_record` writes them, at the threshold of the model. An older one is
    replaced when it is whole.

    Args:
        out_file: Where to write, ``*.json``.

    Raises:
        ValueError: If the name ends otherwise.
    """

    priority = 'LOW'

    def __init__(self, out_file: str) -> None:
        if not out_file.endswith('.json'):
            raise ValueError(f'{out_file}: predictions are written as JSON; the name must end in .json')
        self.out_file = out_file
        self.records: list[dict] = []

    def before_test_epoch(self, runner) -> None:
        self.records = []

    def after_test_iter(
        self, runner, batch_idx: int, data_batch: dict | None = None, outputs: Sequence[GroundingSample] | None = None
    ) -> None:
        self.records += [Answer.from_sample(sample).to_record(whole=True) for sample in outputs]

    def after_test_epoch(self, runner, metrics: dict[str, float] | None = None) -> None:
        size = len(runner.test_dataloader.dataset)
        records = collect_results(self.records, size, device='cpu')
        if is_main_process():
            content = dict(version=ANSWER_VERSION, config=runner.cfg.filename, metrics=metrics or {})
            with whole_file(self.out_file) as unfinished:
                dump(content | dict(predictions=records), unfinished, 'json', indent=None)
            runner.logger.info(f'{len(records)} predictions are in {self.out_file}')
