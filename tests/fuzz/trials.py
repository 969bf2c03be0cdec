"""One trial: damage a file of a small data set, let the reader and the check look at it, and judge what they say."""

import pickle
import random
import shutil
import traceback
from functools import partial
from pathlib import Path

from fuzz.formats import Format
from fuzz.mutations import mutate_bytes, mutate_values, read_values, write_values

from mmvg.data_check import check_folder
from mmvg.datasets import DataError

#: A share of the trials damages bytes, the others values; files that are no values have only bytes.
BYTES = 0.3
#: Where an expression may go by a change of its split, without being lost.
OTHER_SPLITS = ('train', 'val', 'test', 'testA', 'testB')


class Trials:
    """Trials on the data set at ``root``, whose files are put back after each."""

    def __init__(self, form: Format, root: Path):
        self.form, self.root = form, root
        self.files = [path for pattern in form.files for path in sorted(root.glob(pattern))]
        self.sound = {path: path.read_bytes() for path in self.files}
        self.baseline = {split: len(self.load(split, 'strict')[0]) for split in form.datasets}
        errors, counts = self.check()
        assert not errors, errors
        assert counts == self.baseline

    def run(self, seed: int) -> str | None:
        """Do the trial ``seed``; returns what is wrong with reader or check, or None."""
        rng = random.Random(seed)
        file = rng.choice(self.files)
        content = read_values(file)
        kept = False  # whether as many records are there as before
        if content is None or rng.random() < BYTES:
            done = 'bytes'
            file.write_bytes(mutate_bytes(self.sound[file], rng))
        else:
            changed, path, done = mutate_values(content, rng)
            write_values(file, changed)
            record = 1 if isinstance(content, list) else 2  # steps to a record, of which the file may have any number
            kept = len(path) > record and path[-1] not in self.form.optional
            done = f'{done} at {path}'
        try:
            problem = self.judge(kept)
        except Exception:
            problem = f'a foreign error: {traceback.format_exc()[-1500:]}'
        finally:
            file.write_bytes(self.sound[file])
        return problem and f'seed {seed}, {file.relative_to(self.root)}, {done}: {problem}'

    def judge(self, kept: bool) -> str | None:
        errors, counts = self.check()
        lost = 0
        counted = {}
        for split in self.form.datasets:
            try:
                items, _ = self.load(split, 'strict')
            except (DataError, FileNotFoundError) as error:
                if len(str(error)) > 4000:
                    return f'a message of {len(str(error))} characters'
                if not errors and split in counts:
                    return f'the reader refuses {split}, and the check finds nothing: {error}'
                items = None
            if items is not None and not errors and len(items) != counts.get(split, 0):
                return f'{split} has {len(items)} items, and the check counts {counts.get(split, 0)}'
            try:
                items, tolerated = self.load(split, 'tolerant')
            except (DataError, FileNotFoundError):
                return None  # all splits together count, and this one was refused in plain words
            lost += self.baseline[split] - len(items)
            counted |= tolerated
        if kept and lost > self.elsewhere and not counted:
            return f'{lost} of {sum(self.baseline.values())} items are lost without a count'
        return None

    def check(self) -> tuple[list, dict[str, int]]:
        """What the check finds, and how many expressions it counts in each split that is read here."""
        try:
            folder = partial(check_folder, decode=self.form.decode, **self.form.options)
            result = (self.form.check or folder)(self.root / self.form.target)
        except FileNotFoundError as error:
            return [error], {}
        counts: dict[str, int] = dict.fromkeys(self.form.datasets, 0)
        self.elsewhere = 0
        for row in result.counts:
            if row.dataset == self.form.dataset:
                for split in self.form.datasets:
                    # lines without a split belong to all; the lists of Grasp-Anything++ are called after novelties
                    if row.split in ('', split) or row.file.startswith(f'{split}/'):
                        counts[split] += row.sentences
                if row.split in OTHER_SPLITS and row.split not in self.form.datasets:
                    self.elsewhere += row.sentences
        return result.report.errors, {split: count for split, count in counts.items() if count}

    def load(self, split: str, mode: str) -> tuple[list, dict[str, int]]:
        dataset = self.form.datasets[split](self.root, mode=mode, serialize_data=False)  # which collects all garbage
        pickle.dumps(dataset.data_list)  # as it is kept otherwise
        items = []
        for index in range(len(dataset)):
            item = dataset.get_data_info(index)
            items += item['sentences'] if self.form.deep else [item]
        return items, dataset.load_report.counts()


def make_data(form: Format, source: Path, root: Path) -> None:
    """Write the small data set anew, from RefShapes at ``source``."""
    if root.exists():
        shutil.rmtree(root)
    root.mkdir(parents=True)
    form.make(source, root)


def run_trials(form: Format, root: Path, seeds: list[int]) -> list[str]:
    """Run a number of trials; returns the problems."""
    trials = Trials(form, root)
    return [problem for seed in seeds if (problem := trials.run(seed))]
