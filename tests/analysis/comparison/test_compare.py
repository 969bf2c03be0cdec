"""Two constructed models whose difference is known."""

import csv
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from mmvg.analysis.comparison import (
    MismatchError,
    ScoreTable,
    compare_tables,
    comparison_page,
    write_comparison,
)
from mmvg.evaluation.functional import cgf1_score, gres_score
from mmvg.evaluation.metrics import CGF1Metric, GRESMetric
from mmvg.scoring import SampleRow

TEXTS = (
    'the red mug',
    'mug on the left',
    'mug left of the plate',
    'the second mug',
    'both mugs',
    'mug without a handle',
)


def make_table(name, quality, count=240, **about):
    """Rows of GRES by a function of expression number and kind of sentence (0 to 5); the last kind means nothing."""
    rows = []
    for number in range(count):
        kind = number % 6
        iou, union = quality(number, kind), 100 + 37 * (number % 11)
        nothing = kind == 5
        score = GRESMetric().parts(_gres(iou, union, nothing))
        rows.append(
            SampleRow(
                dict(dataset='g', img_id=number // 6, ref_id=number, sent_id=number),
                TEXTS[kind],
                image=f'{number // 6}.jpg',
                size=(100, 100),
                targets=0 if nothing else 2 if kind == 4 else 1,
                area=0 if nothing else 0.05 if number % 2 else 0.5,
                facts=dict(num_distractors=number % 3) if not nothing else {},
                parts={f'gres/{key}': part for key, part in score.items()},
            )
        )
    return ScoreTable(name, rows, about)


def _gres(iou, union, nothing):
    return gres_score(0 if nothing else round(iou * union), union, nothing and iou > 0.5, nothing)


def even(number, kind):
    return 0.5 + 0.04 * (number % 10)


def better_at_relations(number, kind):
    return even(number, kind) + (0.1 if kind == 2 else 0.0)


@pytest.fixture(scope='module')
def found():
    tables = make_table('LAVT', even), make_table('MagNet', better_at_relations)
    return compare_tables(*tables, resamples=1000)


def line(lines, name):
    return next(line for line in lines if line.name == name)


def test_the_headline_stands_first_and_scores_are_those_of_the_metric(found):
    assert found.headline == found.scores[0].name == 'gres/gIoU'
    records = [_gres(even(n, n % 6), 100 + 37 * (n % 11), n % 6 == 5) for n in range(240)]
    expected = GRESMetric().summarize(records)
    for name, value in expected.items():
        assert line(found.scores, f'gres/{name}').difference.first == pytest.approx(value)


def test_wins_and_losses_are_found_where_the_model_is_better(found):
    relation = line(found.groups, 'relation')
    assert (relation.aspect, relation.wins, relation.ties, relation.losses) == ('kind', 40, 0, 0)
    assert relation.difference.second - relation.difference.first == pytest.approx(10, abs=1)
    assert relation.p_holm < 0.05
    place = line(found.groups, 'place')
    assert (place.wins, place.ties, place.losses) == (0, 40, 0)
    assert (place.difference.low, place.difference.high, place.difference.p_value) == (0, 0, 1)


def test_ratios_of_sums_have_an_interval_too(found):
    overall = line(found.scores, 'gres/cIoU').difference
    assert overall.low <= overall.second - overall.first <= overall.high
    assert overall.p_value < 0.05


def test_expressions_are_sorted_by_everything_that_is_known(found):
    groups = {(each.aspect, each.name) for each in found.groups}
    assert {('kind', 'count'), ('words', '1-3'), ('distractors', '2'), ('size', 'small'), ('targets', 'none')} <= groups
    assert {('size', 'medium')} <= groups
    assert sum(each.count for each in found.groups if each.aspect == 'targets') == 240


def test_samples_that_differ_most_come_first(found):
    changes = [round(abs(sample.change), 6) for sample in found.samples]
    assert changes == sorted(changes, reverse=True)
    assert all(sample.groups['kind'] == ('relation',) for sample in found.samples[:40])
    assert changes[40] == pytest.approx(0, abs=1e-9)
    assert len(found.samples) == 240


def test_the_conclusion_names_the_better_model_or_says_that_none_can_be_told(found):
    assert found.conclusion().startswith('MagNet is better than LAVT in gres/gIoU: +1.')
    table = make_table('LAVT', even)
    assert compare_tables(table, replace(table, name='B'), resamples=200).conclusion().startswith('No difference')
    turned = compare_tables(make_table('MagNet', better_at_relations), make_table('LAVT', even), resamples=200)
    assert turned.conclusion().startswith('MagNet is better than LAVT')


def test_images_are_drawn_whole_unless_asked_otherwise():
    tables = make_table('A', even), make_table('B', better_at_relations)
    images = compare_tables(*tables, resamples=200)
    single = compare_tables(*tables, resamples=200, unit='expression')
    assert (images.settings['units'], single.settings['units']) == (40, 240)
    # each image has one relation: drawing images leaves their number alone, drawing expressions does not
    widths = [c.scores[0].difference.high - c.scores[0].difference.low for c in (images, single)]
    assert widths[0] < widths[1]


def test_the_same_seed_gives_the_same_digits_and_another_one_others():
    tables = make_table('A', even), make_table('B', better_at_relations)
    runs = [compare_tables(*tables, resamples=200, unit='expression', seed=seed).scores[0] for seed in (1, 1, 2)]
    assert runs[0] == runs[1]
    assert runs[0].difference.low != runs[2].difference.low


def test_what_only_one_model_was_scored_by_is_said():
    first, second = make_table('A', even), make_table('B', even)
    rows = [replace(row, parts=row.parts | {'rec/P@0.5': (1, 1)}) for row in second.rows]
    found = compare_tables(first, replace(second, rows=rows), resamples=200)
    assert found.notes == ['Only B was scored by rec/P@0.5; this is not compared.']


def test_the_same_answers_and_few_images_are_noticed():
    about = dict(answers=dict(file='x', sha256='f' * 64))
    tables = make_table('A', even, count=12, **about), make_table('B', even, count=12, **about)
    notes = compare_tables(*tables, resamples=200).notes
    assert notes[0] == 'Both tables were made from the same file of answers.'
    assert 'only 2 images' in notes[1]


def test_a_group_of_few_images_has_no_interval():
    few = compare_tables(make_table('A', even, count=54), make_table('B', better_at_relations, count=54), resamples=200)
    relation = line(few.groups, 'relation')  # of 9 images, and better in each
    assert (relation.count, relation.wins) == (9, 9)
    assert relation.difference.second > relation.difference.first
    assert np.isnan([relation.difference.low, relation.difference.p_value, relation.p_holm]).all()
    assert 'too few for one' in comparison_page(few, {})


def test_of_few_images_nothing_is_told_however_many_expressions():
    def table(name, hits):
        ids = [dict(dataset='a', img_id=n // 6, ref_id=n, sent_id=n) for n in range(len(hits))]
        parts = [{'rec/P@0.5': (hit, 1)} for hit in hits]
        return ScoreTable(name, [SampleRow(i, 'the mug', parts=p) for i, p in zip(ids, parts, strict=True)])

    few = compare_tables(table('A', [0, 1] * 9), table('B', [1] * 18), resamples=200)
    expected = 'There are too few images (3) to tell a difference between A and B in rec/P@0.5: +50.00.'
    assert few.conclusion() == expected
    assert np.isnan([*few.scores[0].difference[2:], few.scores[0].p_holm]).all()
    assert few.notes == ['There are only 3 images: too few for an interval.']
    assert expected in comparison_page(few, {})
    single = compare_tables(table('A', [0, 1] * 9), table('B', [1] * 18), resamples=200, unit='expression')
    assert single.conclusion().startswith('B is better than A')


def test_only_images_that_count_for_a_score_make_its_interval():
    """Two images of forty mean nothing, so that N-acc is of two, and T-acc of the others."""

    def table(name, right):
        parts = [{'gres/N-acc': (right, 1)} if n < 2 else {'gres/T-acc': (n % 2, 1)} for n in range(40)]
        ids = [dict(dataset='a', img_id=n, ref_id=n, sent_id=n) for n in range(40)]
        return ScoreTable(name, [SampleRow(i, 'mug', parts=p) for i, p in zip(ids, parts, strict=True)])

    found = compare_tables(table('A', 0), table('B', 1), resamples=200)
    verdict, other = line(found.scores, 'gres/N-acc'), line(found.scores, 'gres/T-acc')
    assert (verdict.units, other.units) == (2, 38)
    assert np.isnan([*verdict.difference[2:], verdict.p_holm]).all()
    assert (other.difference.low, other.difference.high, other.p_holm) == (0, 0, 1)  # one line is tested, not two
    assert found.notes == [
        'Only a few images count for gres/N-acc (2): intervals of so few are too narrow, or left out.'
    ]


def test_a_grasp_decides_where_there_are_grasps():
    def table(name, ious, grasps):
        rows = [
            SampleRow(
                dict(dataset='o', img_id=n, ref_id=n, sent_id=n),
                'the mug',
                targets=1,
                parts={'res/mIoU': (iou, 1), 'grasp/J@1': (hit, 1)},
            )
            for n, (iou, hit) in enumerate(zip(ious, grasps, strict=True))
        ]
        return ScoreTable(name, rows)

    better_masks = table('masks', [0.9] * 40, [0, 1] * 20)
    found = compare_tables(better_masks, table('grasps', [0.5] * 40, [1] * 40), resamples=200)
    assert found.headline == 'grasp/J@1'
    assert found.conclusion().startswith('grasps is better than masks')
    assert (found.scores[0].wins, found.scores[0].losses) == (20, 0)


def test_scores_of_the_whole_set_are_compared_without_wins():
    def table(name, shift):
        rng, rows = np.random.default_rng(0), []
        for number in range(80):
            overlaps = np.clip(rng.random((number % 3, 1 + number % 2)) + shift, 0, 1)[:, : number % 2 * 2]
            parts = CGF1Metric().parts(cgf1_score(overlaps))
            ids = dict(dataset='o', img_id=number, ref_id=number, sent_id=number)
            rows.append(SampleRow(ids, 'mug', parts={f'cgf1/{key}': part for key, part in parts.items()}))
        return ScoreTable(name, rows)

    found = compare_tables(table('A', 0.0), table('B', 0.3), headline='cgf1/cgF1', resamples=200)
    assert found.scores[0].name == 'cgf1/cgF1'
    assert found.scores[0].wins is None
    assert found.scores[0].difference.second > found.scores[0].difference.first
    assert len(found.samples) == 40  # pMF1 of the expressions with a target stands for it
    assert found.samples[0].change > 0


@pytest.mark.parametrize(
    ('settings', 'error', 'message'),
    [
        (dict(headline='gres/giou'), MismatchError, "gres/giou was not scored; .*did you mean 'gres/gIoU'"),
        (dict(unit='picture'), ValueError, 'unit must be'),
        (dict(level=5), ValueError, 'level of an interval'),
        (dict(resamples=10), ValueError, '10 resamples are too few'),
    ],
)
def test_a_wrong_setting_is_an_error(settings, error, message):
    with pytest.raises(error, match=message):
        compare_tables(make_table('A', even), make_table('B', even), **settings)


# Files


class _Page(HTMLParser):
    """Collects the tags of a page and what they point to."""

    def __init__(self):
        super().__init__()
        self.tags, self.addresses, self.text = [], [], ''

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.addresses += [value for name, value in attributes if name in ('src', 'href', 'srcset', 'action')]

    def handle_data(self, data):
        self.text += data


def read_page(text):
    page = _Page()
    page.feed(text)
    return page


def test_the_page_loads_nothing_and_runs_nothing(found):
    key = found.samples[0].row.key
    text = comparison_page(found, {key: ['data:image/jpeg;base64,AA=='] * 3}, num=5)
    page = read_page(text)
    assert page.addresses == ['data:image/jpeg;base64,AA=='] * 3
    assert not {'script', 'link', 'iframe', 'object', 'form', 'base'} & set(page.tags)
    assert 'http' not in text.replace('http-equiv', '')
    assert '@import' not in text
    assert 'url(' not in text
    assert "default-src 'none'" in text
    assert page.tags.count('article') == 5
    assert 'prefers-color-scheme: dark' in text
    assert 'width=device-width' in text


def test_the_page_says_how_the_numbers_were_made(found):
    text = read_page(comparison_page(found, {}, num=3)).text
    for words in ('1000 resamples of 40 images', 'seed 0', 'Holm', 'MagNet is better than LAVT', 'of 40 expressions'):
        assert words in text


def test_words_of_others_are_never_markup():
    evil = '<script>alert(1)</script>" onload="x'
    first, second = make_table(evil, even), make_table('B', better_at_relations)
    rows = [replace(row, sentence=evil, image=evil) for row in first.rows]
    tables = replace(first, rows=rows), replace(second, rows=[replace(row, sentence=evil) for row in second.rows])
    text = comparison_page(compare_tables(*tables, resamples=200), {}, num=4)
    assert 'script' not in read_page(text).tags
    assert '<script' not in text
    assert 'alert(1)' in read_page(text).text


def test_equal_models_have_no_samples_to_show():
    tables = make_table('A', even), make_table('B', even)
    assert 'Both models get the same' in comparison_page(compare_tables(*tables, resamples=200), {}, num=4)


def test_the_tables_hold_every_line_and_every_expression(found, tmp_path):
    files = write_comparison(found, tmp_path / 'new', num=2)
    assert [file.name for file in files] == ['index.html', 'scores.csv', 'groups.csv', 'samples.csv']
    scores, groups, samples = (list(csv.DictReader(file.open(newline=''))) for file in files[1:])
    assert [row['score'] for row in scores] == [line.name for line in found.scores]
    assert float(scores[0]['B - A']) == pytest.approx(
        found.scores[0].difference.second - found.scores[0].difference.first, rel=1e-4
    )
    assert len(groups) == len(found.groups)
    assert len(samples) == 240
    assert samples[0]['kind'] == 'relation'
    assert {'dataset', 'img_id', 'ref_id', 'sent_id', 'sentence', 'A', 'B', 'B - A'} <= samples[0].keys()
