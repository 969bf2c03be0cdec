"""Which facts about a sample travel with it from the data set to the score, written once for all who copy them."""

from collections.abc import Mapping
from typing import Any

#: Together they name one expression; metrics de-duplicate and group by them, files of answers are matched by them.
ID_KEYS = ('dataset', 'img_id', 'ref_id', 'sent_id')

#: ``dataset`` of a picture that belongs to none: somebody asks about it.
USER_DATASET = 'user'

#: What else a data set says about an expression: where its picture is, what metrics group by or count with, and whether
#: the masks of its targets are not known.
FACT_KEYS = (
    'task_id',
    'phrase_structure',
    'expression_type',
    'novelty',
    'kind',
    'num_distractors',
    'img_path',
    'boxes_only',
    'num_persons',
)

#: Sizes, and the way from original to input pixels and back.
GEOMETRY_KEYS = (
    'ori_shape',
    'img_shape',
    'scale_factor',
    'homography_matrix',
    'padding',
    'gt_frame',
    'flip',
)

#: What a tokenizer could not give the model of an expression, where there is something.
TEXT_KEYS = ('unknown_words', 'unread_text')

#: The metainfo of a :class:`mmvg.structures.GroundingSample` before a model has answered.
META_KEYS = (*ID_KEYS, *FACT_KEYS, *GEOMETRY_KEYS, *TEXT_KEYS)


def sample_ids(sample: Mapping[str, Any]) -> dict[str, Any]:
    """Read the ids of a sample or a record, ``None`` where one is missing.

    Example:
        >>> sample_ids(dict(dataset='refcoco', img_id=7, ref_id=3, sent_id=0, text='the red mug'))
        {'dataset': 'refcoco', 'img_id': 7, 'ref_id': 3, 'sent_id': 0}
    """
    return {key: sample.get(key) for key in ID_KEYS}


def item_facts(item: Mapping[str, Any], sentence: Mapping[str, Any]) -> dict[str, Any]:
    """Collect ids and facts of one sentence of a data item.

    Args:
        item: What :meth:`get_data_info` of a data set returns.
        sentence: One of its ``sentences``.

    Returns:
        Those of ``ID_KEYS`` and ``FACT_KEYS`` that there are.

    Example:
        >>> item_facts(dict(dataset='refcoco', img_id=7, ref_id=3, img_path='7.jpg', height=48), dict(sent_id=0))
        {'dataset': 'refcoco', 'img_id': 7, 'ref_id': 3, 'sent_id': 0, 'img_path': '7.jpg'}
    """
    known = {**item, **sentence}
    return {key: known[key] for key in (*ID_KEYS, *FACT_KEYS) if key in known}
