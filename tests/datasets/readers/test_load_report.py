import logging

import pytest
from mmengine.logging import MMLogger

from mmvg.datasets import DataError, LoadReport


def test_an_unknown_mode_is_an_error():
    with pytest.raises(ValueError, match="mode must be 'strict' or 'tolerant', not 'lax'"):
        LoadReport('lax', False)


@pytest.mark.parametrize(
    ('mode', 'evaluation', 'raising'),
    [
        ('strict', False, {'problem', 'drop', 'fail'}),
        ('strict', True, {'problem', 'drop', 'fail'}),
        ('tolerant', False, {'fail'}),
        ('tolerant', True, {'drop', 'fail'}),
    ],
)
def test_mode_and_purpose_decide_what_raises(mode, evaluation, raising):
    for method in ('note', 'problem', 'drop', 'fail'):
        report = LoadReport(mode, evaluation)
        arguments = ['some kind', 'file.json', 'ref_id 3'] + ([] if method == 'fail' else ['left out'])
        if method in raising:
            with pytest.raises(DataError, match=r'file\.json: some kind: ref_id 3'):
                getattr(report, method)(*arguments)
        else:
            getattr(report, method)(*arguments)
            assert report.counts() == {'some kind': 1}


def test_there_is_one_line_per_kind_with_a_count_and_a_few_examples(monkeypatch):
    logged = []
    monkeypatch.setattr(MMLogger, 'callHandlers', lambda self, record: logged.append(record))
    report = LoadReport('tolerant', False)
    for i in range(1000):
        report.problem('bad box', 'a.json', f'annotation id {i}', 'the target is left out')
    report.note('ref without sentences', 'b.json', 'ref_id 9', 'it gives no sample')
    report.log()
    assert [record.getMessage() for record in logged] == [
        '1000 x bad box: the target is left out (for example a.json: annotation id 0; a.json: annotation id 1; '
        'a.json: annotation id 2)',
        '1 x ref without sentences: it gives no sample (for example b.json: ref_id 9)',
    ]
    assert [record.levelno for record in logged] == [logging.WARNING, logging.INFO]


def test_the_counts_of_another_report_can_be_added():
    first, second = LoadReport('tolerant', evaluation=False), LoadReport('tolerant', evaluation=False)
    for report, number in ((first, 2), (second, 3)):
        for i in range(number):
            report.problem('odd', 'file', f'{number}.{i}', 'skipped')
    second.note('usual', 'file', 'here', 'kept')
    first.add(second)
    assert first.counts() == {'odd': 5, 'usual': 1}
    assert first.entries['odd'].examples == ['file: 2.0', 'file: 2.1', 'file: 3.0']
    assert second.counts() == {'odd': 3, 'usual': 1}
