"""The table of LGGD's robot experiment (arXiv:2512.21065, Table VII), simulated: layouts x objects x trials."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from time import process_time
from typing import Any

import cv2
import numpy as np

from mmvg.checks import check_choice
from mmvg.simulation import KINDS, LAYOUTS, TableScene, TableSentence, draw_table

from ..grasps import grasps_of_object
from ..render import paint
from .answers import Answerer, make_answerer
from .attempt import Trial, try_sentence
from .cell import OVERVIEW
from .model import ROBOTS
from .outcome import Outcome
from .pictures import draw_answer
from .questions import sentence_about, sentence_about_nothing

NOTHING = 'nothing'  #: in the place of an object: sentences that mean nothing
_DRAWS = 30  # tables until one can be asked about
_SENTENCE = 11  # purpose of random numbers
_NOISE = 12
_TRIED = 13


@dataclass(frozen=True)
class Benchmark:
    """What is tried; the same settings give the same trials with any number of workers.

    Args:
        objects: Kinds of objects, each asked for in ``trials`` tables of every layout; ``NOTHING`` is one.
        layouts: See :func:`mmvg.simulation.draw_table`.
        trials: Per object and layout.
        robot: See :func:`mmvg.simulation.robot.try_sentence`.
        seed: Of the tables; none is one of a data set.
        noise: Depth with the noise and the holes of a real sensor.
        answerer: See :func:`mmvg.simulation.robot.answers.make_answerer`.

    Raises:
        ValueError: If an object, a layout or the robot is unknown, one is named twice or none, or there is no trial.

    Example:
        >>> Benchmark(('ball', NOTHING), trials=2).layouts
        ('isolated', 'scattered', 'cluttered')
    """

    objects: tuple[str, ...]
    layouts: tuple[str, ...] = LAYOUTS
    trials: int = 20
    robot: str = 'iiwa'
    seed: int = 0
    noise: bool = False
    answerer: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for what, names, known in (('objects', self.objects, (*KINDS, NOTHING)), ('layouts', self.layouts, LAYOUTS)):
            for number, name in enumerate(names):
                check_choice(what, name, known)
                if name in names[:number]:
                    raise ValueError(f'{what} has {name!r} twice: its trials would be counted twice')
            if not names:
                raise ValueError(f'{what} is empty: name one at least')
        check_choice('robot', self.robot, ROBOTS)
        if self.trials < 1 or self.seed < 0:
            raise ValueError(f'trials={self.trials}, seed={self.seed}: must be at least 1 and 0')


@dataclass(frozen=True)
class TrialRecord:
    """One trial, as it is written down.

    Args:
        layout, object, trial: Which one.
        table: Seed of the table, for :func:`mmvg.simulation.draw_table`.
        sentence: What was asked.
        targets: Indices of the objects that are meant.
        outcome: One of :class:`Outcome`.
        detail: Why.
        grasp: What was carried out, in pixels; None if nothing was.
        seconds: Of computing.
        pictures: Of a failure: what was seen and how it ended, as PNG.
    """

    layout: str
    object: str
    trial: int
    table: list[int]
    sentence: str
    targets: list[int]
    outcome: str
    detail: str
    grasp: list[float] | None
    seconds: float
    pictures: tuple[bytes, ...] = ()

    @property
    def success(self) -> bool:
        """Whether that is what the sentence asked for."""
        return self.outcome in (Outcome.PLACED.value, Outcome.REFUSED.value)

    def to_json(self) -> dict[str, Any]:
        """Everything but the pictures."""
        record = asdict(self)
        del record['pictures']
        return record | dict(success=self.success)


def run_benchmark(settings: Benchmark, workers: int = 1) -> Iterator[TrialRecord]:
    """Run all trials, and yield each as soon as it and those before it are done.

    Raises:
        NoRendererError: If MuJoCo finds no renderer here.
        ValueError: If a setting is unknown.
    """
    jobs = [
        (layout, name, trial)
        for trial in range(settings.trials)
        for layout in settings.layouts
        for name in settings.objects
    ]
    if workers <= 1:
        answerer = make_answerer(**settings.answerer)
        yield from (run_trial(settings, answerer, *job) for job in jobs)
        return
    spawned = get_context('spawn')  # OpenGL and PyTorch do not survive a fork
    with ProcessPoolExecutor(workers, spawned, _start_worker, (settings,)) as pool:
        yield from pool.map(_work, jobs, chunksize=2)


_here: dict[str, Any] = {}


def _start_worker(settings: Benchmark) -> None:
    _here['settings'] = settings


def _work(job: tuple[str, str, int]) -> TrialRecord:
    if 'answerer' not in _here:
        _here['answerer'] = make_answerer(**_here['settings'].answerer)
    return run_trial(_here['settings'], _here['answerer'], *job)


def run_trial(settings: Benchmark, answerer: Answerer, layout: str, name: str, trial: int) -> TrialRecord:
    """Draw a table and a sentence, and try it."""
    started = process_time()
    table, scene, sentence, tried = draw_question(settings, layout, name, trial)
    noise = np.random.default_rng([*table, _NOISE]) if settings.noise else None
    done = try_sentence(scene, sentence, answerer, settings.robot, noise, tried)
    pictures = () if done.attempt.success else _pictures(done)
    return TrialRecord(
        layout,
        name,
        trial,
        table,
        sentence.text,
        list(sentence.targets),
        done.attempt.outcome.value,
        done.attempt.detail,
        None if done.grasp is None else np.round(done.grasp, 2).tolist(),
        round(process_time() - started, 3),
        pictures,
    )


def draw_question(
    settings: Benchmark, layout: str, name: str, trial: int
) -> tuple[list[int], TableScene, TableSentence, np.ndarray]:
    """Draw tables until one has an object of the kind that can be asked for and that a gripper without an arm lifts.

    Returns:
        Seed of the table, table, sentence, and grasps (N, 5) that lifted its target.

    Raises:
        ValueError: If there is no such table.
    """
    place = [settings.seed, 1 + LAYOUTS.index(layout), 1 + [*KINDS, NOTHING].index(name), trial]
    for draw in range(_DRAWS):
        table = [*place, draw]
        scene = draw_table(table, layout, kinds=() if name == NOTHING else (name,))
        rng = np.random.default_rng([*table, _SENTENCE])
        if name == NOTHING:
            if (sentence := sentence_about_nothing(scene, rng)) is not None:
                return table, scene, sentence, np.zeros((0, 5))
            continue
        for index in [number for number, thing in enumerate(scene.objects) if thing.kind == name]:
            sentence = sentence_about(scene, index, rng)
            if sentence is None:
                continue
            tried = lifting_grasps(scene, index, sentence.part)
            if len(tried):
                return table, scene, sentence, tried
    raise ValueError(f'{_DRAWS} {layout} tables have no {name} that can be asked for and taken')


def lifting_grasps(scene: TableScene, index: int, part: str | None) -> np.ndarray:
    """Grasps (N, 5) in pixels with which a floating gripper lifts an object, by a part if one is named."""
    grasps = grasps_of_object(scene.objects, index, scene.camera, scene.view, scene.rng(_TRIED))
    chosen = [grasp.grasp for grasp in grasps if part is None or grasp.part == part]
    return np.array(chosen).reshape(-1, 5)


def _pictures(trial: Trial) -> tuple[bytes, ...]:
    """What was seen, with the answer, and how it ended."""
    seen = draw_answer(trial.question.view.image, trial.answer, trial.grasp)
    pictures = [seen]
    if trial.cell is not None:
        pictures.append(paint(trial.cell.model, trial.cell.data, OVERVIEW, 320, 240)[0][..., ::-1])
    return tuple(cv2.imencode('.png', picture)[1].tobytes() for picture in pictures)
