"""CPU time of simulated tables by step, and how often changed grasps still lift; no answer of a model is involved.

python benchmarks/tables.py --number 40
"""

import argparse
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np

from mmvg.simulation import LiftTrials, draw_table, finger_pose, tried_grasps
from mmvg.simulation.writers import TABLE_WRITERS, FinishedTable
from mmvg.structures import fold_angle

ROUND = {'ball', 'fruit', 'cup', 'mug', 'bowl', 'can', 'bottle'}


def half_opening(grasp: np.ndarray) -> np.ndarray:
    return grasp * (1, 1, 0.5, 1, 1)


def reversed_angle(grasp: np.ndarray) -> np.ndarray:
    return np.array([*grasp[:4], fold_angle(np.float64(-grasp[4]))])


def beside(grasp: np.ndarray) -> np.ndarray:
    return grasp + np.array([1.5 * grasp[2], 0, 0, 0, 0])


CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    'as it is': lambda grasp: grasp,
    'half the opening': half_opening,
    'angle reversed': reversed_angle,
    'beside the object': beside,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--number', type=int, default=40, help='tables')
    number = parser.parse_args().number
    seconds: dict[str, float] = defaultdict(float)
    lifted: dict[str, list[bool]] = defaultdict(list)
    draw_table([1, number]).view  # noqa: B018 - the first picture makes the context of OpenGL

    def timed(step: str, call: Callable):
        start = time.process_time()
        result = call()
        seconds[step] += time.process_time() - start
        return result

    with tempfile.TemporaryDirectory() as folder:
        for index in range(number):
            scene = timed('draw and settle', lambda index=index: draw_table([0, index]))
            view = timed('render', lambda scene=scene: scene.view)
            grasps = timed('try grasps', lambda s=scene, v=view: tried_grasps(s.objects, s.camera, v, s.rng(3)))
            table = FinishedTable(index, 'train', scene, view, grasps)
            timed('sentences', lambda scene=scene: scene.sentences)
            for name, writer in TABLE_WRITERS.items():
                timed(f'write {name}', lambda writer=writer, table=table: writer().write_table(table, Path(folder)))
            for thing, own in enumerate(grasps):
                trials = LiftTrials(scene.objects, thing)
                for grasp, _ in own:
                    for change, of in CHANGES.items():
                        pose = finger_pose(of(grasp), view.depth, scene.camera, view.mask(thing))
                        result = pose is not None and trials.try_pose(pose).lifted
                        lifted[f'{change}'].append(result)
                        if scene.objects[thing].kind not in ROUND:
                            lifted[f'{change}, long objects'].append(result)
    for step, total in seconds.items():
        print(f'{step:24} {total / number:.3f} s a table')
    print(f'{"all":24} {sum(seconds.values()) / number:.3f} s a table')
    for change, results in lifted.items():
        print(f'{change:40} {100 * np.mean(results):5.1f} % of {len(results)} lift')


if __name__ == '__main__':
    main()
