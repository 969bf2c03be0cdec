import json

import cv2
import pytest

from mmvg.simulation.robot import NOTHING, Benchmark, TrialRecord, read_sentence, run_benchmark
from mmvg.simulation.robot.report import cause_table, success_table, summary, wilson, write_report


def record(layout, name, outcome, trial=0):
    return TrialRecord(layout, name, trial, [0, 1], 'the ball', [0], outcome, '', None, 1.0)


def test_successes_are_counted_by_object_and_layout_and_refusals_apart():
    records = [record('isolated', 'ball', 'placed'), record('isolated', 'ball', 'slipped')]
    records += [record('isolated', 'can', 'placed'), record('cluttered', 'ball', 'wrong object')]
    records += [record('isolated', NOTHING, 'refused'), record('cluttered', NOTHING, 'wrong object')]
    table = success_table(records, ('isolated', 'cluttered')).splitlines()
    assert table[2:4] == ['| ball | 1/2 | 0/1 |', '| can | 1/1 | - |']
    assert table[4].startswith('| all | 66.7 % (2/3; ')
    assert table[5].startswith('| nothing meant, refused | 100.0 % (1/1; ')
    assert '| wrong object | 0 | 2 |' in cause_table(records, ('isolated', 'cluttered'))
    counted = summary(records, ('isolated',))['isolated']
    assert counted['picks']['successes'] == 2
    assert counted['refusals']['trials'] == 1


def test_the_interval_is_that_of_wilson():
    # (p + z^2 / 2n +- z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n) with p = 0.9, n = 20, z = 1.959964
    assert wilson(18, 20) == pytest.approx((0.69897, 0.97213), abs=1e-4)
    assert wilson(0, 10)[0] == 0


@pytest.mark.usefixtures('arm', 'renderer')
def test_a_benchmark_is_the_same_again_and_writes_every_trial(tmp_path):
    settings = Benchmark(('block', NOTHING), ('isolated',), trials=1, answerer=dict(oracle_name='mask', spoil='half'))
    records, again = list(run_benchmark(settings)), list(run_benchmark(settings))
    timeless = [{**one.to_json(), 'seconds': 0} for one in records]
    assert timeless == [{**one.to_json(), 'seconds': 0} for one in again]
    assert [one.outcome for one in records][1] == 'refused'
    assert not records[0].success
    written = write_report(tmp_path, settings, records, 'half')
    assert [path.name for path in written] == ['trials.json', 'table.md', 'failures.png']
    saved = json.loads((tmp_path / 'trials.json').read_text())
    assert len(saved['trials_done']) == 2
    assert saved['summary']['isolated']['refusals']['successes'] == 1
    assert cv2.imread(str(tmp_path / 'failures.png')).shape[0] > 200
    written = write_report(tmp_path, settings, records[1:], 'without a failure')
    assert sorted(tmp_path.iterdir()) == sorted(written)


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(objects=('ball', 'xyz')), 'objects must be .*xyz'),
        (dict(objects=('ball', NOTHING, 'ball')), "objects has 'ball' twice"),
        (dict(objects=()), 'objects is empty'),
        (dict(objects=('ball',), layouts=('isolated', 'isolated')), "layouts has 'isolated' twice"),
        (dict(objects=('ball',), layouts=('here',)), 'layouts must be'),
        (dict(objects=('ball',), robot='arm'), 'robot must be'),
        (dict(objects=('ball',), trials=0), 'trials=0'),
    ],
)
def test_a_benchmark_of_unknown_or_repeated_things_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        Benchmark(**settings)


@pytest.mark.usefixtures('renderer')
def test_a_typed_sentence_is_read_or_answered_with_those_that_can_be_asked():
    from mmvg.simulation import draw_table

    scene = draw_table(7, 'scattered')
    thing = scene.objects[0]
    same = [
        index for index, other in enumerate(scene.objects) if (other.kind, other.colour) == (thing.kind, thing.colour)
    ]
    if len(same) == 1:
        assert read_sentence(scene, f'the {thing.colour} {thing.kind}').targets == (0,)
    absent = next(colour for colour in ('pink', 'yellow', 'white', 'red') if colour not in
                  {other.colour for other in scene.objects})  # fmt: skip
    assert read_sentence(scene, f'the {absent} {thing.kind}').targets == ()
    with pytest.raises(ValueError, match='one can ask'):
        read_sentence(scene, 'please hand me that thing over there')
    with pytest.raises(ValueError, match=r'there is no word in it.*one can ask'):
        read_sentence(scene, '?!')


@pytest.mark.usefixtures('renderer')
def test_a_handle_is_asked_for_in_capitals_and_with_an_exclamation_mark():
    from mmvg.simulation import draw_table

    scene, asked = next(
        (scene, sentence)
        for scene in (draw_table(number, 'scattered') for number in range(8))
        for sentence in scene.sentences
        if sentence.part == 'handle'
    )
    for text in (asked.text.upper(), f'{asked.text.rstrip(".")} !'):
        assert read_sentence(scene, text)[2:] == (asked.targets, 'handle')
