"""Checkpoints of which there is always a whole one."""

from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook

from mmvg.registry import HOOKS
from mmvg.weights.latest import NOTE
from mmvg.whole_files import write_whole


@HOOKS.register_module()
class SafeCheckpointHook(CheckpointHook):
    """Saves as mmengine's ``CheckpointHook``, whose settings it takes, and loses nothing on the way.

    - An older checkpoint is removed when the new one is whole and noted in ``last_checkpoint``; mmengine removes first.
    - Nothing outside the folder of the run is ever removed: a best checkpoint is known by its name there, so that the
      copy of a run does not reach into the original.
    - :meth:`save_now` saves between two intervals, when a run is asked to end.

    The Runner writes each file under another name first (:func:`mmvg.whole_files.whole_file`), and raises rather than
    write numbers that are not finite.

    Example:
        >>> SafeCheckpointHook(interval=1000, by_epoch=False, max_keep_ckpts=2).filename_tmpl
        'iter_{}.pth'
    """

    def before_train(self, runner) -> None:
        """Take over from the checkpoint that the run goes on with what lies in the folder of this run."""
        info = runner.message_hub.runtime_info
        work_dir = Path(runner.work_dir)
        folder = work_dir if self.out_dir is None else Path(self.out_dir) / work_dir.name
        has_resumed = getattr(runner, 'has_resumed', False)  # of the Runner of mmvg, which is not the only one
        loaded = Path(runner.resumed_from).parent if has_resumed else folder
        for key in [key for key in info if key == 'best_ckpt' or key.startswith('best_ckpt_')]:
            here = folder / Path(info[key]).name
            if here.is_file():
                info[key] = str(here)
            else:
                info.pop(key)
        same_folder = loaded.resolve() == folder.resolve()
        if not same_folder:
            info.pop('keep_ckpt_ids', None)
        self._saved_iter: int | None = None
        super().before_train(runner)
        if has_resumed and same_folder:  # a validation that is made up for is noted in it, as it would have been
            self.last_ckpt = str(runner.resumed_from)

    def save_now(self, runner, iteration: int) -> str:
        """Save the state after ``iteration``, unless that has just been done; returns the path."""
        if self._saved_iter != iteration:
            if self.by_epoch:
                name = f'iter_{iteration}.pth'
                meta = dict(epoch=runner.epoch, iter=iteration)
                before = runner.message_hub.pop_info('stopped_ckpt')
                runner.message_hub.update_info('stopped_ckpt', name)
                self._write(runner, name, meta)
                if before and before != name:
                    self._remove(before)
            else:
                self._save_checkpoint_with_step(runner, iteration, dict(epoch=runner.epoch, iter=iteration))
        return self.last_ckpt

    def _save_checkpoint_with_step(self, runner, step: int, meta: dict[str, Any]) -> None:
        """Save, note it, and only then remove what is outdated."""
        outdated = []
        if self.max_keep_ckpts > 0 and (not self.keep_ckpt_ids or self.keep_ckpt_ids[-1] != step):
            kept = [*(each for each in self.keep_ckpt_ids if each != step), step]
            outdated = [self.filename_tmpl.format(each) for each in kept[: -self.max_keep_ckpts]]
            self.keep_ckpt_ids = type(self.keep_ckpt_ids)(kept[-self.max_keep_ckpts :], self.max_keep_ckpts)
            runner.message_hub.update_info('keep_ckpt_ids', list(self.keep_ckpt_ids))
        stopped = runner.message_hub.pop_info('stopped_ckpt')
        self._write(runner, self.filename_tmpl.format(step), meta)
        for name in [*outdated, *([stopped] if stopped else [])]:
            self._remove(name)

    def _write(self, runner, name: str, meta: dict[str, Any]) -> None:
        """Write a checkpoint and the note that names it."""
        path = self.file_backend.join_path(self.out_dir, name)
        runner.message_hub.update_info('last_ckpt', path)
        runner.save_checkpoint(
            self.out_dir,
            name,
            self.file_client_args,
            save_optimizer=self.save_optimizer,
            save_param_scheduler=self.save_param_scheduler,
            meta=meta,
            by_epoch=self.by_epoch,
            backend_args=self.backend_args,
            **self.args,
        )
        self.last_ckpt = path
        self._saved_iter = meta['iter']
        if is_main_process():
            write_whole(Path(runner.work_dir) / NOTE, path)

    def _save_best_checkpoint(self, runner, metrics: dict[str, float]) -> None:
        """Save a new best checkpoint, and only then remove the one before."""
        before = self._best_paths()
        self._set_best_paths(dict.fromkeys(before))  # so that mmengine finds nothing to remove
        super()._save_best_checkpoint(runner, metrics)
        after = self._best_paths()
        self._set_best_paths(
            {key: after[key] or before[key] for key in before} if before.keys() == after.keys() else after
        )
        for key, path in before.items():
            if path and after.get(key) and Path(path).name != Path(after[key]).name:
                self._remove(Path(path).name)
                runner.logger.info(f'The best checkpoint before, {Path(path).name}, is removed')

    def _best_paths(self) -> dict[str, str | None]:
        if not self.save_best:
            return {}
        if len(self.key_indicators) == 1:
            return {'': self.best_ckpt_path}
        return dict(self.best_ckpt_path_dict)

    def _set_best_paths(self, paths: dict[str, str | None]) -> None:
        if '' in paths:
            self.best_ckpt_path = paths['']
        elif paths:
            self.best_ckpt_path_dict.update(paths)

    def _remove(self, name: str) -> None:
        """Remove a file of this run by its name; of the folder of the run, whatever the name says."""
        if not is_main_process():
            return
        path = self.file_backend.join_path(self.out_dir, Path(name).name)
        if self.file_backend.isfile(path):
            self.file_backend.remove(path)
