"""The queue and its batches, with a function in place of a model."""

import threading
import time
from concurrent.futures import CancelledError

import numpy as np
import pytest

from mmvg.apis.answering import Question, in_batches
from mmvg.serving.batcher import Batcher, QueueFullError, StoppedError

SMALL = np.zeros((4, 4, 3), np.uint8)


def ask(*sentences, picture=SMALL):
    return [Question(picture, sentence) for sentence in sentences]


class Model:
    """Notes its batches; holds them while the gate is closed."""

    def __init__(self):
        self.batches = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()

    def __call__(self, questions):
        self.batches.append([question.sentence for question in questions])
        self.entered.set()
        assert self.gate.wait(10)
        if any(question.sentence == 'all fail' for question in questions):
            raise ValueError('all of them')
        return [ValueError('bad') if q.sentence == 'bad' else dict(expression=q.sentence) for q in questions]


@pytest.fixture
def model():
    return Model()


@pytest.fixture
def batcher(model):
    made = Batcher(model, max_batch=4, max_wait=0.2, max_waiting=6)
    yield made
    model.gate.set()
    made.close(10)


def hold(batcher, model):
    """Let the model be busy with one question."""
    model.gate.clear()
    (first,) = batcher.submit(ask('first'))
    assert model.entered.wait(10)
    return first


def test_what_came_while_the_model_was_busy_is_computed_together_in_order(batcher, model):
    first = hold(batcher, model)
    futures = [future for name in 'abcdef' for future in batcher.submit(ask(name))]
    model.gate.set()
    assert [future.result(10)['expression'] for future in [first, *futures]] == ['first', *'abcdef']
    assert model.batches == [['first'], list('abcd'), list('ef')]


def test_who_is_alone_does_not_wait_for_others(batcher):
    start = time.monotonic()
    for _ in range(3):
        batcher.submit(ask('a'))[0].result(10)
    assert time.monotonic() - start < 0.2  # max_wait of a single one


def test_a_batch_is_held_open_where_others_have_been(batcher, model):
    hold(batcher, model)
    earlier = [future for name in 'ab' for future in batcher.submit(ask(name))]
    model.gate.set()
    time.sleep(0.05)
    late = batcher.submit(ask('c'))
    assert [future.result(10)['expression'] for future in (*earlier, *late)] == list('abc')
    assert model.batches == [['first'], list('abc')]


def test_large_pictures_are_computed_in_batches_of_fewer():
    large = np.broadcast_to(np.uint8(0), (3000, 3000, 3))
    batches = in_batches(
        [*ask('a', 'b', picture=large), *ask('c'), *ask('d', picture=np.tile(SMALL, (1500, 1500, 1)))], 8
    )
    assert [[question.sentence for question in batch] for batch in batches] == [['a'], ['b', 'c'], ['d']]


def test_a_full_queue_takes_all_of_a_request_or_nothing(batcher, model):
    hold(batcher, model)
    batcher.submit(ask(*'abcd'))
    with pytest.raises(QueueFullError):
        batcher.submit(ask(*'efg'))
    assert len(batcher) == 4
    assert len(batcher.submit(ask('e', 'f'))) == 2
    assert batcher.seconds_to_wait() >= 1


def test_what_is_cancelled_before_its_turn_is_not_computed(batcher, model):
    hold(batcher, model)
    a, b = batcher.submit(ask('a', 'b'))
    assert a.cancel()
    model.gate.set()
    assert b.result(10) == dict(expression='b')
    with pytest.raises(CancelledError):
        a.result(0)
    assert model.batches == [['first'], ['b']]


def test_who_left_leaves_no_picture_behind(batcher, model):
    hold(batcher, model)
    left, stays = batcher.submit(ask('left')), batcher.submit(ask('stays'))
    batcher.forget(left)
    assert [entry.question.sentence for entry in batcher._waiting] == ['stays']
    batcher.submit(ask(*'abcde'))  # there is room for them
    model.gate.set()
    assert stays[0].result(10) == dict(expression='stays')
    assert not any('left' in batch for batch in model.batches)


def test_a_bad_question_spoils_no_other_and_a_failure_ends_nothing(batcher):
    bad, good = batcher.submit(ask('bad', 'good'))
    assert good.result(10) == dict(expression='good')
    with pytest.raises(ValueError, match='bad'):
        bad.result(10)
    for _ in range(3):
        assert batcher.is_healthy()
        with pytest.raises(ValueError, match='all of them'):
            batcher.submit(ask('all fail'))[0].result(10)
    assert not batcher.is_healthy()
    assert batcher.submit(ask('good'))[0].result(10)
    assert batcher.is_healthy()


def test_the_end_answers_what_waits_and_takes_nothing_new(batcher, model):
    hold(batcher, model)
    futures = batcher.submit(ask(*'abcde'))
    ending = threading.Thread(target=batcher.close)
    ending.start()
    time.sleep(0.05)
    with pytest.raises(StoppedError):
        batcher.submit(ask('late'))
    model.gate.set()
    ending.join(10)
    assert [future.result(0)['expression'] for future in futures] == list('abcde')


def test_batches_are_observed_with_the_time_that_each_part_waited(model):
    seen = []
    batcher = Batcher(model, observe=lambda *numbers: seen.append(numbers))
    batcher.submit(ask('a', 'b'))[1].result(10)
    batcher.close(10)
    ((size, took, waited),) = seen
    assert size == 2
    assert took >= 0
    assert len(waited) == 2
