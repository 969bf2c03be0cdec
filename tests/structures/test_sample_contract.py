import pytest

import mmvg.evaluation
import mmvg.evaluation.metrics
from mmvg.datasets.transforms import PackGroundingInputs
from mmvg.structures import FACT_KEYS, GEOMETRY_KEYS, ID_KEYS, META_KEYS, TEXT_KEYS, item_facts, sample_ids

ITEM = dict(dataset='refcoco', img_id=7, ref_id=3, img_path='7.jpg', novelty='seen', height=4, sentences=[])


def test_ids_and_facts_of_a_sentence_are_all_that_travels_from_an_item():
    facts = item_facts(ITEM, dict(sent_id=5, text='the mug'))
    assert facts == dict(dataset='refcoco', img_id=7, ref_id=3, sent_id=5, img_path='7.jpg', novelty='seen')
    assert facts.keys() <= set(META_KEYS)


def test_ids_that_are_missing_are_none():
    assert sample_ids(dict(img_id=3)) == dict(dataset=None, img_id=3, ref_id=None, sent_id=None)


@pytest.mark.parametrize('fact', ['task_id', 'phrase_structure', 'expression_type', 'novelty', 'img_path'])
def test_what_data_sets_say_and_metrics_group_by_travels(fact):
    assert item_facts({fact: 'said'}, {}) == {fact: 'said'}


def test_packing_keeps_what_the_contract_lists():
    assert PackGroundingInputs().meta_keys == META_KEYS == (*ID_KEYS, *FACT_KEYS, *GEOMETRY_KEYS, *TEXT_KEYS)


@pytest.mark.parametrize('name', mmvg.evaluation.metrics.__all__)
def test_every_metric_is_exported_by_the_room_too(name):
    assert getattr(mmvg.evaluation, name) is getattr(mmvg.evaluation.metrics, name)
    assert name in mmvg.evaluation.__all__
