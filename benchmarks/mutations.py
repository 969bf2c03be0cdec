"""Change one small thing at a time and see whether a test notices: `python benchmarks/mutations.py [WORDS ...]`.

Each mutation replaces one piece of a file, in a copy of the last commit, and runs the test files that are about it; it
is caught when a test fails. Survivors are printed last, and their number is the exit code. With words, only mutations
whose file or text contains one of them are tried. A minute or less each; the working tree is not touched.
"""

import argparse
import importlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
LIBRARIES = ('torch', 'mmengine.runner', 'transformers', 'open_clip', 'timm', 'scipy.stats', 'matplotlib.pyplot')
LOSSES, HEADS, POST = 'tests/models/losses', 'tests/models/heads', 'tests/models/postprocess'
FORMULAS, TRANSFORMS = 'tests/evaluation/functional', 'tests/datasets/transforms'
ANSWER, APIS = 'tests/structures', 'tests/apis'
LAVT, INSTANCEVG = 'tests/configs/test_lavt_and_magnet.py', 'tests/configs/test_instancevg.py'


@dataclass(frozen=True)
class Mutation:
    """One change: ``old``, which is in ``file`` once, becomes ``new``; ``tests`` are to notice."""

    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def __str__(self) -> str:
        return f'{self.file}: {self.old.strip()}  ->  {self.new.strip()}'


def mutation(file: str, old: str, new: str, *tests: str) -> Mutation:
    return Mutation(file, old, new, tests)


MODEL = 'mmvg/models'
MUTATIONS = [
    # losses
    mutation(
        f'{MODEL}/losses/mask_resolution.py',
        "mode='bilinear', align_corners=align_corners)",
        "mode='bilinear', align_corners=not align_corners)",
        LOSSES,
    ),
    mutation(
        f'{MODEL}/losses/mask_resolution.py',
        'align_corners: bool = True) -> None:',
        'align_corners: bool = False) -> None:',
        LOSSES,
    ),
    mutation(
        f'{MODEL}/losses/binary_mask_loss.py', 'align_corners: bool = True,', 'align_corners: bool = False,', LOSSES
    ),
    mutation(
        f'{MODEL}/losses/binary_mask_loss.py',
        '(foreground - background) * masks',
        '(background - foreground) * masks',
        LOSSES,
    ),
    mutation(f'{MODEL}/losses/minimap_loss.py', "target: str = 'area'", "target: str = 'nearest'", LOSSES),
    mutation(f'{MODEL}/losses/minimap_loss.py', 'eps=1e-6)  # att', 'eps=1e-2)  # att', LOSSES),
    mutation(
        f'{MODEL}/losses/detection_criterion.py',
        'no_object_weight: float = 0.1',
        'no_object_weight: float = 0.2',
        LOSSES,
    ),
    mutation(f'{MODEL}/losses/detection_criterion.py', 'bbox_weight: float = 5.0', 'bbox_weight: float = 4.0', LOSSES),
    mutation(
        f'{MODEL}/losses/detection_criterion.py', 'float(sum(targets.counts))', 'float(len(targets.counts))', LOSSES
    ),
    mutation(f'{MODEL}/losses/no_target_loss.py', '(0.9, 1.1)) ->', '(1.1, 0.9)) ->', LOSSES),
    mutation(
        f'{MODEL}/losses/set_matcher.py', 'torch.from_numpy(columns) + first', 'torch.from_numpy(columns)', LOSSES
    ),
    mutation(
        f'{MODEL}/losses/alignment_loss.py', 'rows, self.pixel_temperature)', 'columns, self.pixel_temperature)', LOSSES
    ),
    mutation(f'{MODEL}/losses/adaptive_dice_mask_loss.py', '(1 - p) ** self.gamma', 'p ** self.gamma', LOSSES),
    mutation(f'{MODEL}/losses/grasp_criterion.py', 'beta=self.sigma**-2', 'beta=self.sigma**-1', LOSSES),
    mutation(
        f'{MODEL}/losses/grasp_criterion.py',
        'weights = 1 + self.foreground_weight * mask',
        'weights = self.foreground_weight * mask',
        LOSSES,
    ),
    mutation(
        f'{MODEL}/losses/region_presence_loss.py', 'boxes[:, 2:3] > edges[:-1]', 'boxes[:, 2:3] > edges[1:]', LOSSES
    ),
    # heads and layers
    mutation(
        f'{MODEL}/heads/masked_query_head.py',
        'closed = prob < 0.5',
        'closed = prob < 0.4',
        f'{HEADS}/test_masked_query_head.py',
    ),
    mutation(
        f'{MODEL}/heads/mask_grounding_head.py',
        '& (text_mask.sum(1, keepdim=True) > 2)',
        '& (text_mask.sum(1, keepdim=True) > 3)',
        f'{HEADS}/test_mask_grounding_head.py',
    ),
    # answers
    mutation(
        f'{MODEL}/postprocess/base_postprocess.py',
        'align_corners=self.align_corners',
        'align_corners=not self.align_corners',
        POST,
    ),
    mutation(
        f'{MODEL}/postprocess/mask_postprocess.py',
        "interpolation: str = 'bilinear',",
        "interpolation: str = 'bicubic',",
        POST,
        'tests/models/test_first_losses.py',
    ),
    mutation(f'{MODEL}/postprocess/instance_postprocess.py', 'boxes_norm.clamp(0, 1)', 'boxes_norm.clamp(0, 2)', POST),
    mutation(
        'mmvg/structures/grasps.py',
        'opening = lib.stack([cos * w, -sin * w], -1)',
        'opening = lib.stack([cos * w, sin * w], -1)',
        'tests/structures',
    ),
    # one verdict
    mutation(
        'mmvg/structures/answer.py',
        'np.float32) > np.float32(score_thr)',
        'np.float32) >= np.float32(score_thr)',
        ANSWER,
    ),
    mutation('mmvg/structures/answer.py', 'scores.float() > float(', 'scores.float() >= float(', ANSWER, POST),
    mutation(
        'mmvg/structures/answer.py',
        'if union is None else union | global_mask',
        'if union is None else union & global_mask',
        ANSWER,
    ),
    mutation(
        'mmvg/structures/answer.py', 'else float(self.scores.max(initial=0))', 'else float(self.scores.mean())', ANSWER
    ),
    mutation('mmvg/structures/answer.py', 'mask & (not no_target) if', 'mask if', ANSWER),
    mutation(
        'mmvg/structures/sample_contract.py', "'expression_type', 'novelty', ", "'expression_type', ", ANSWER, APIS
    ),
    mutation('mmvg/structures/sample_contract.py', "'task_id', 'phrase_structure', ", "'task_id', ", ANSWER, APIS),
    mutation('mmvg/structures/sample_contract.py', "('task_id', ", '(', ANSWER, APIS),
    mutation(
        'mmvg/visualization/layers.py',
        'Answer.from_sample(sample, score_thr)',
        'Answer.from_sample(sample)',
        'tests/visualization',
    ),
    mutation(
        'mmvg/visualization/layers.py',
        'mask is not None and not answer.no_target',
        'mask is not None',
        'tests/visualization',
    ),
    # metrics
    mutation(
        'mmvg/evaluation/functional/grec.py',
        'not overlaps[row, column] >= threshold',
        'not overlaps[row, column] > threshold',
        FORMULAS,
    ),
    mutation(
        'mmvg/evaluation/functional/gres.py',
        'return GRESScore(0.0, 0, union, pred',
        'return GRESScore(0.0, 0, 0, pred',
        FORMULAS,
    ),
    mutation(
        'mmvg/evaluation/functional/gres.py',
        'for score in scores if not score.gt_no_target]',
        'for score in scores]',
        FORMULAS,
    ),
    mutation(
        'mmvg/evaluation/functional/rref.py',
        'for score in negative if score.answered)',
        'for score in negative)',
        FORMULAS,
        'tests/evaluation/metrics',
    ),
    # data
    mutation(
        'mmvg/datasets/transforms/letterbox.py',
        '(canvas_width - inner_width) // 2, (',
        '(canvas_width - inner_width + 1) // 2, (',
        TRANSFORMS,
    ),
    mutation(
        'mmvg/datasets/transforms/letterbox.py',
        "results['gt_bboxes'].clip_((height, width))",
        "results['gt_bboxes'].clip_((width, height))",
        TRANSFORMS,
    ),
    mutation(
        'mmvg/datasets/transforms/encode_grasp_maps.py',
        'grasps[:, :2] += 0.5  #',
        'grasps[:, :2] += 0.0  #',
        TRANSFORMS,
    ),
    # recipes
    mutation('configs/_base_/schedules/adamw_poly_40e.py', 'lr=5e-5', 'lr=5e-4', LAVT),
    mutation('configs/_base_/schedules/adamw_poly_40e.py', 'power=0.9', 'power=1.0', LAVT),
    mutation('configs/_base_/models/lavt_swin_base.py', 'window_size=12', 'window_size=7', LAVT),
    mutation('configs/_base_/models/lavt_swin_base.py', 'class_weights=(0.9, 1.1)', 'class_weights=(1.1, 0.9)', LAVT),
    mutation('configs/_base_/models/lavt_swin_base.py', 'drop_path_rate=0.3', 'drop_path_rate=0.2', LAVT),
    mutation('configs/_base_/models/lavt_swin_base.py', 'size = 480', 'size = 448', LAVT),
    mutation('configs/magnet/refcoco.py', 'max_norm=0.1', 'max_norm=1.0', LAVT),
    mutation('configs/_base_/schedules/adam_10e.py', 'max_norm=0.15', 'max_norm=0.1', INSTANCEVG),
]


class FirstFailure:
    """A plugin of pytest that remembers which test failed first."""

    name = ''

    def pytest_runtest_logreport(self, report) -> None:
        if report.failed and not self.name:
            self.name = report.nodeid

    def pytest_collectreport(self, report) -> None:
        if report.failed and not self.name:
            self.name = f'{report.nodeid} (cannot be collected)'


def first_failure(folder: Path, tests: Sequence[str]) -> tuple[int, str]:
    """Run tests in a fork, which has imported the libraries; return the exit code and the first test that failed."""
    import pytest

    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 3
        try:
            os.chdir(folder)
            sys.path.insert(0, str(folder))
            os.environ['PYTHONPATH'] = str(folder)
            with open(os.devnull, 'w') as nowhere:
                os.dup2(nowhere.fileno(), 1)
                os.dup2(nowhere.fileno(), 2)
            failure = FirstFailure()
            code = pytest.main(['-x', '-q', '-p', 'no:cacheprovider', '-m', 'not slow', *tests], plugins=[failure])
            os.write(writing, failure.name.encode())
        finally:
            os._exit(int(code))
    os.close(writing)
    with os.fdopen(reading, 'rb') as pipe:
        name = pipe.read().decode()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), name


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    parser.add_argument('words', nargs='*', help='try only mutations whose file or text contains one of these')
    words = parser.parse_args().words
    chosen = [each for each in MUTATIONS if not words or any(word in str(each) for word in words)]
    for library in LIBRARIES:
        importlib.import_module(library)
    survivors, stale = [], []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / 'mmvg'
        subprocess.run(['git', '-C', ROOT, 'worktree', 'add', '--quiet', '--detach', folder], check=True)
        try:
            for each in chosen:
                path = folder / each.file
                text = path.read_text(encoding='utf-8') if path.is_file() else ''
                if text.count(each.old) != 1:
                    stale.append(each)
                    continue
                start = time.monotonic()
                path.write_text(text.replace(each.old, each.new), encoding='utf-8')
                code, failed = first_failure(folder, each.tests)
                path.write_text(text, encoding='utf-8')
                verdict = 'SURVIVED' if code == 0 else 'caught'
                survivors += [each] if code == 0 else []
                print(f'{verdict:8} {time.monotonic() - start:4.0f} s  {each}\n           {failed}', flush=True)
        finally:
            subprocess.run(['git', '-C', ROOT, 'worktree', 'remove', '--force', folder], check=True)
    for title, group in (('survived', survivors), ('no longer in the code, or there twice', stale)):
        print(f'\n{len(group)} of {len(chosen)} {title}', *group, sep='\n  ')
    return len(survivors) + len(stale)


if __name__ == '__main__':
    sys.exit(main())
