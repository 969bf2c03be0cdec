import json

import pytest

from mmvg.analysis.comparison import MismatchError, ScoreTable, pair_tables
from mmvg.scoring import SampleRow, write_per_sample

ABOUT = dict(
    protocol=dict(name='rec', overlap='iou'),
    data=dict(name='refcoco:val', sha256='a' * 64),
    answers=dict(file='x.jsonl', sha256='b' * 64),
)


def row(number, hit=1, sentence='the mug', name='rec/P@0.5'):
    return SampleRow(dict(dataset='a', img_id=1, ref_id=2, sent_id=number), sentence, parts={name: (hit, 1)})


def table(name='A', rows=None, **about):
    return ScoreTable(name, [row(1), row(2)] if rows is None else rows, ABOUT | about)


def test_rows_are_paired_by_their_ids_whatever_their_order():
    pairs = pair_tables(table(), table('B', [row(2, 0), row(1)]))
    assert [(a.id['sent_id'], b.id['sent_id']) for a, b in pairs] == [(1, 1), (2, 2)]
    assert [b.parts['rec/P@0.5'][0] for _, b in pairs] == [1, 0]


@pytest.mark.parametrize(
    ('other', 'message'),
    [
        (table('B', protocol=dict(name='rec', overlap='giou')), "different protocols: overlap is 'iou' and 'giou'"),
        (table('B', protocol=dict(name='rec')), "overlap is 'iou' and None"),
        (
            table('B', data=dict(name='refcoco:testA', sha256='c' * 64)),
            r'different data, refcoco:val \(sha256 aaaaaaaaaaaaaaaa\) and refcoco:testA \(sha256 cccccccccccccccc\)',
        ),
        (table('B', [row(1)]), r"1 of 2 expressions of A are not in B, such as \('a', 1, 2, 2\)"),
        (table('B', [row(1), row(2), row(3)]), '1 of 3 expressions of B are not in A'),
        (table('B', [row(1), row(2, sentence='the cup')]), "is 'the mug' in A and 'the cup' in B"),
        (table('B', [row(1), row(1)]), r"B has \('a', 1, 2, 1\) twice"),
        (table('B', [row(n, name='rec/P@0.7') for n in (1, 2)]), 'no score in common'),
    ],
    ids=['protocol', 'setting', 'data', 'fewer', 'more', 'sentence', 'twice', 'scores'],
)
def test_a_mismatch_is_an_error_that_names_the_difference(other, message):
    with pytest.raises(MismatchError, match=message):
        pair_tables(table(), other)


def test_no_expression_is_an_error():
    with pytest.raises(MismatchError, match='hold no expression'):
        pair_tables(table(rows=[]), table('B', rows=[]))


def test_a_table_is_read_with_its_name(tmp_path):
    write_per_sample(tmp_path / 'lavt.jsonl', ABOUT | dict(scores={'rec/P@0.5': 50.0}), [row(1), row(2, 0)])
    found = ScoreTable.read(tmp_path / 'lavt.jsonl')
    assert (found.name, len(found.rows), found.about['protocol']) == ('lavt', 2, ABOUT['protocol'])


def test_a_table_that_lost_lines_is_noticed(tmp_path):
    path = tmp_path / 'lavt.jsonl'
    write_per_sample(path, ABOUT | dict(scores={'rec/P@0.5': 50.0, 'rec/num_samples': 2}), [row(1), row(2, 0)])
    path.write_text('\n'.join(path.read_text().splitlines()[:-1]))
    with pytest.raises(MismatchError, match=r'1 rows make rec/P@0.5 100.0000, but its first line says 50.0000'):
        ScoreTable.read(path)


def test_scores_that_are_no_sum_or_undefined_are_not_checked(tmp_path):
    path = tmp_path / 'lavt.jsonl'
    write_per_sample(path, ABOUT | dict(scores={'verdict/AUROC': 50.0, 'rec/P@0.5': None}), [row(1)])
    assert len(ScoreTable.read(path).rows) == 1


def test_another_file_is_named_as_what_it_is(tmp_path):
    (tmp_path / 'x.jsonl').write_text(json.dumps(dict(predictions=[])))
    with pytest.raises(ValueError, match=r'x\.jsonl: line 1 does not begin a table'):
        ScoreTable.read(tmp_path / 'x.jsonl')
