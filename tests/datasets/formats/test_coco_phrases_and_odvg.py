"""Detections as expressions: COCO, LVIS and ODVG."""

import pytest

from mmvg.datasets import COCOPhraseDataset, DataError, ODVGDataset


def coco(*annotations, image=None, categories=((1, 'dog'), (2, 'fire hydrant')), **more):
    records = [
        dict(id=number, image_id=5, category_id=category, bbox=box, area=1, iscrowd=crowd)
        for number, (category, box, crowd) in enumerate(annotations, start=1)
    ]
    images = [dict(id=5, file_name='a.png', width=64, height=48, **(image or {}))]
    names = [dict(id=key, name=name) for key, name in categories]
    return dict(images=images, annotations=records, categories=names, **more)


DOGS = [(1, [10, 10, 5, 6], 0), (2, [1, 2, 3, 4], 0), (1, [20, 10, 5, 6], 0)]


def test_all_objects_of_a_category_are_what_it_means(write, say):
    items = write(COCOPhraseDataset, coco(*DOGS))
    assert say(items) == {'the dog': [[10, 10, 15, 16], [20, 10, 25, 16]], 'the fire hydrant': [[1, 2, 4, 6]]}
    assert [item['category'] for item in items] == ['dog', 'fire hydrant']


def test_the_phrase_is_of_the_call_or_of_the_file(write, say):
    content = coco(*DOGS, info=dict(phrase='{}'))
    assert list(say(write(COCOPhraseDataset, content))) == ['dog', 'fire hydrant']
    assert list(say(write(COCOPhraseDataset, content, phrase='every {}'))) == ['every dog', 'every fire hydrant']
    with pytest.raises(ValueError, match=r"must hold '\{\}' once"):
        write(COCOPhraseDataset, content, phrase='dogs')


def test_a_category_with_a_crowd_is_left_out_there(write, say):
    content = coco(*DOGS, (1, [30, 30, 10, 10], 1))
    assert list(say(write(COCOPhraseDataset, content))) == ['the fire hydrant']
    assert len(say(write(COCOPhraseDataset, content, crowd='keep'))['the dog']) == 3


def test_lvis_says_what_is_absent_and_what_is_not_annotated_to_the_end(write, say):
    marks = dict(neg_category_ids=[3], not_exhaustive_category_ids=[2])
    content = coco(*DOGS, image=marks, categories=((1, 'dog'), (2, 'hydrant'), (3, 'bow_(weapon)')))
    for category in content['categories']:
        category['synset'] = f'{category["name"]}.n.01'
    items = write(COCOPhraseDataset, content)
    assert say(items) == {'the dog': [[10, 10, 15, 16], [20, 10, 25, 16]], 'the bow weapon': []}
    del content['images'][0]['file_name']
    content['images'][0]['coco_url'] = 'http://images.cocodataset.org/train2017/000000000005.jpg'
    assert write(COCOPhraseDataset, content)[0]['img_path'].endswith('images/train2017/000000000005.jpg')


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (dict(coco(*DOGS), categories=[]), "no list 'categories'"),
        (coco((9, [1, 2, 3, 4], 0)), 'category_id that is not in categories'),
        (coco(*DOGS, categories=((1, ''), (2, 'x'))), 'category without id and name'),
        (dict(coco(*DOGS), images=[]), 'annotation of an image that is not in images'),
    ],
)
def test_what_cannot_be_used_of_coco_is_named(write, content, message):
    with pytest.raises(DataError, match=message):
        write(COCOPhraseDataset, content)


CAPTION = 'a wire hanger with a paper cover'
GROUNDING = dict(
    filename='a.png',
    height=48,
    width=64,
    grounding=dict(
        caption=CAPTION,
        regions=[
            dict(bbox=[20, 21, 60, 40], phrase='a paper cover', tokens_positive=[[19, 32]]),
            dict(bbox=[[1, 2, 10, 20], [3, 4, 11, 21]], tokens_positive=[[0, 13]]),
        ],
    ),
)
DETECTION = dict(
    filename='a.png',
    height=48,
    width=64,
    detection=dict(
        instances=[
            dict(bbox=[26, 21, 32, 33], label=0, category='dog'),
            dict(bbox=[4, 24, 6, 37], label=0, category='dog'),
        ]
    ),
)


def test_phrases_of_a_caption_and_categories_are_expressions(write, say):
    items = write(ODVGDataset, (GROUNDING, DETECTION))
    assert say(items) == {
        'a paper cover': [[20, 21, 60, 40]],
        'a wire hanger': [[1, 2, 10, 20], [3, 4, 11, 21]],
        'the dog': [[26, 21, 32, 33], [4, 24, 6, 37]],
    }
    assert [item['caption'] for item in items] == [CAPTION, CAPTION, None]


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (dict(filename='a.png', height=48, width=64), 'without grounding or detection'),
        (dict(GROUNDING, grounding=dict(caption='x')), 'without caption and regions'),
        (dict(GROUNDING, grounding=dict(caption='x', regions=[dict(bbox=[1, 2, 3, 4])])), 'region without a phrase'),
        (dict(DETECTION, detection=dict(instances=[dict(bbox=[1, 2, 3, 4], label=0)])), 'without a category'),
        (dict(GROUNDING, grounding=dict(caption='x', regions=[])), 'no line has a phrase'),
        (dict(GROUNDING, filename=None), 'record without an image'),
        (dict(GROUNDING, height='48'), 'not pixels'),
        (
            dict(GROUNDING, grounding=dict(caption='x', regions=[dict(bbox=[1, 2, 1, 4], phrase='mug')])),
            "without area in the image: line 1, 'mug', box 0: ",
        ),
    ],
)
def test_what_cannot_be_used_of_odvg_is_named(write, content, message):
    with pytest.raises(DataError, match=message):
        write(ODVGDataset, (content,))
