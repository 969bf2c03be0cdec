"""What is kept of a labelling, and what it goes on from."""

import json

import pytest

from mmvg.labelling.entries import Entry
from mmvg.labelling.records import answer_schema, from_table, read_labels, to_table
from mmvg.labelling.run_folder import KINDS, RunFolder, ShardNote, begin

SETTINGS = dict(shard_size=4, sentences=['the mug'], model='a', weights=None)


def entries(count=10):
    return lambda: (Entry(f'{number}.png', f'/p/{number}.png') for number in range(count))


def finish_shard(run, shard, failed=()):
    for kind in KINDS:
        run.file(kind, shard).write_text(json.dumps(dict(shard=shard, kind=kind)) + '\n')
    return run.note(ShardNote(shard, run.pictures_of(shard), run.pictures_of(shard) - len(failed), list(failed)))


@pytest.fixture
def run(tmp_path):
    made = begin(tmp_path / 'out', SETTINGS, entries())
    made.clean()
    return made


def test_every_picture_is_in_one_shard_and_stays_there(run):
    assert (len(run), run.pictures) == (3, 10)
    again = begin(run.folder, SETTINGS, entries(0))  # nothing is listed again
    listed = [entry.image for shard in range(3) for entry in again.entries(shard)]
    assert listed == [f'{number}.png' for number in range(10)]
    assert [again.pictures_of(shard) for shard in range(3)] == [4, 4, 2]


@pytest.mark.parametrize('damage', ['cut off', 'changed', 'gone', 'note cut off', 'note gone'])
def test_a_shard_is_done_when_its_note_is_there_and_the_checksums_agree(run, damage):
    finish_shard(run, 1)
    assert run.done(0) is None
    assert run.done(1).pictures == 4
    data, note = run.file('parquet', 1), run.file('done', 1)
    match damage:
        case 'cut off':
            data.write_bytes(data.read_bytes()[:-1])
        case 'changed':
            data.write_bytes(data.read_bytes().replace(b'1', b'2'))
        case 'gone':
            data.unlink()
        case 'note cut off':
            note.write_bytes(note.read_bytes()[:-9])
        case 'note gone':
            note.unlink()
    assert run.done(1) is None


@pytest.mark.parametrize(
    ('key', 'value'),
    [('sentences', ['the cup']), ('shard_size', 8), ('score_thr', 0.5), ('model', 'b'), ('weights', 'x')],
)
def test_a_run_with_other_settings_is_not_gone_on_with(run, key, value):
    finish_shard(run, 1)
    with pytest.raises(ValueError, match=f'holds a run with another {key}'):
        begin(run.folder, SETTINGS | {key: value}, entries())


def test_a_run_of_which_nothing_is_done_may_begin_anew(run):
    (run.folder / 'jsonl/shard-000000.jsonl').touch()  # of a worker that died
    again = begin(run.folder, SETTINGS | dict(model='b'), entries(3))
    assert (again.pictures, again.settings['model']) == (3, 'b')
    again.clean()
    assert not list(run.folder.glob('*/*'))


def test_the_same_weights_may_have_another_name(tmp_path):
    begin(tmp_path, SETTINGS | dict(weights='x'), entries())
    assert len(begin(tmp_path, SETTINGS | dict(weights='x', model='b'), entries())) == 3


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / 'thesis.tex').touch()
    with pytest.raises(ValueError, match=r"holds 'thesis.tex' and no run of mmvg label"):
        begin(tmp_path, SETTINGS, entries())


def test_a_listing_that_was_broken_off_leaves_no_run(tmp_path):
    def broken():
        yield from entries(2)()
        raise OSError('the disk is gone')

    with pytest.raises(OSError, match='the disk is gone'):
        begin(tmp_path / 'out', SETTINGS, broken)
    assert not list((tmp_path / 'out').iterdir())
    assert begin(tmp_path / 'out', SETTINGS, entries()).pictures == 10


def test_what_killed_workers_left_is_removed(run):
    for kind in (*KINDS, 'done'):
        path = run.file(kind, 0)
        path.with_name(f'{path.name}.4711.part').touch()
    finish_shard(run, 0)
    run.clean()
    assert not list(run.folder.rglob('*.part'))
    assert run.done(0)


def test_the_end_lists_failures_counts_and_checksums(run):
    failed = [dict(image='4.png', error='it is cut off'), dict(image='5.png', expression='the mug', error='no')]
    notes = [finish_shard(run, 0), finish_shard(run, 1, failed), finish_shard(run, 2)]
    counts = run.finish()
    assert counts == dict(shards=3, pictures=10, answers=8, failed=2)
    assert [json.loads(line) for line in (run.folder / 'failed.jsonl').read_text().splitlines()] == failed
    manifest = json.loads((run.folder / 'manifest.json').read_text())
    assert manifest['settings'] == SETTINGS
    assert manifest['files'] == {name: about for note in notes for name, about in note.files.items()}
    assert counts.items() <= manifest.items()
    assert run.forget_failures() == 1
    assert [run.done(shard) is None for shard in range(3)] == [False, True, False]


def test_a_run_of_another_version_is_refused(run):
    path = run.folder / 'run.json'
    path.write_text(path.read_text().replace('"version": 1', '"version": 7'))
    with pytest.raises(ValueError, match='another version'):
        RunFolder(run.folder)


RECORD = dict(
    version=2, image='a.png', expression='the mug', size=[6, 8], frame='original', score_thr=0.1, no_target=False
)
MASK = dict(size=[6, 8], counts='0d1')
RECORDS = [
    RECORD,
    RECORD | dict(target_score=0.7777796387672424, boxes=[[0.1, 2, 3.3, 4]], scores=[0.9], masks=[MASK], mask=MASK),
    RECORD | dict(boxes=[], scores=[], masks=[], points=[], no_target=True, unknown_words=['gnu'], unread_text='x'),
    RECORD | dict(grasps=[[1.0, 2, 3, 4, 0.5]], grasp_scores=[0.3], dataset='d', img_id=1, ref_id=2, sent_id=3),
    RECORD | dict(candidates=dict(boxes=[[1.0, 2, 3, 4]], scores=[0.2], mask_output='merge')),
]


def test_parquet_holds_every_answer_to_the_last_digit(tmp_path):
    from pyarrow import parquet

    parquet.write_table(to_table(RECORDS), tmp_path / 'a.parquet')
    assert from_table(parquet.read_table(tmp_path / 'a.parquet')) == RECORDS
    assert to_table([]).schema == answer_schema()


def test_labels_are_read_from_parquet_where_there_are_no_lines_any_more(tmp_path):
    from pyarrow import parquet

    (tmp_path / 'parquet').mkdir()
    for shard in (1, 0):
        parquet.write_table(to_table(RECORDS[2 * shard :][:2]), tmp_path / f'parquet/shard-{shard:06d}.parquet')
    assert list(read_labels(tmp_path)) == RECORDS[:4]


def test_labels_are_read_in_order_of_the_shards(tmp_path):
    (tmp_path / 'jsonl').mkdir()
    for shard in (1, 0, 2):
        (tmp_path / f'jsonl/shard-{shard:06d}.jsonl').write_text(json.dumps(dict(shard=shard)) + '\n')
    (tmp_path / 'jsonl/shard-000003.jsonl.4711.part').write_text('{"sha')
    assert [record['shard'] for record in read_labels(tmp_path)] == [0, 1, 2]


def test_labels_that_are_not_there_are_none_yet_or_a_mistake(run, tmp_path):
    assert list(read_labels(run.folder)) == []
    with pytest.raises(FileNotFoundError, match='other: is no folder that mmvg label --out has written'):
        list(read_labels(tmp_path / 'other'))
