import pytest

from mmvg.evaluation.functional import distractor_group, expression_groups, in_order, size_group, word_group


@pytest.mark.parametrize(('words', 'group'), [(1, '1-3'), (3, '1-3'), (4, '4-6'), (6, '4-6'), (7, '7-10'), (11, '11+')])
def test_groups_of_length(words, group):
    assert word_group(' '.join(['word'] * words)) == group


@pytest.mark.parametrize(('side', 'group'), [(31, 'small'), (32, 'medium'), (95, 'medium'), (96, 'large')])
def test_sizes_change_at_the_borders_of_coco(side, group):
    assert size_group(side * side) == group


def test_three_distractors_and_more_are_one_group():
    assert [distractor_group(number) for number in range(5)] == ['0', '1', '2', '3+', '3+']


def test_what_is_not_known_is_left_out():
    assert expression_groups('the mug') == {'kind': ('name',), 'words': ('1-3',)}
    assert expression_groups('the mug', kind='no_target') == {'kind': (), 'words': ('1-3',)}


def test_what_the_data_say_goes_before_the_words():
    assert expression_groups('the left one', kind='relation')['kind'] == ('relation',)
    assert expression_groups('both', kind='group')['kind'] == ('count',)


def test_groups_are_reported_from_few_to_many_and_from_small_to_large():
    assert in_order(['3+', '0', '11+', 'large', '4-6', 'small']) == ['0', '3+', '4-6', '11+', 'small', 'large']
    assert in_order(['relation', 'attribute']) == ['attribute', 'relation']
