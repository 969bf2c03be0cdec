"""Random damage of small files: each is read, or refused by a DataError that names the file; nothing else happens."""

import json
import random

import numpy as np
import pytest

from mmvg.datasets import (
    COCOPhraseDataset,
    CVATDataset,
    DataError,
    HumanRefDataset,
    JSONLDataset,
    LabelStudioDataset,
    ODVGDataset,
    QwenLinesDataset,
)
from mmvg.datasets.readers.brush_rle import encode_brush

SIZE = dict(original_width=64, original_height=48, image_rotation=0)


def region(key, kind, **value):
    return dict(SIZE, id=key, type=kind, value=value)


BRUSH = encode_brush(np.eye(48, 64, dtype=bool))
RESULT = [
    region('r', 'rectanglelabels', x=25, y=50, width=50, height=25, rotation=0, rectanglelabels=['mug']),
    region('r', 'textarea', text=['red mug', 'left']),
    dict(region('p', 'polygonlabels', points=[[1, 1], [9, 1], [9, 9]], polygonlabels=['a']), parentID='r'),
    region('b', 'brushlabels', format='rle', rle=BRUSH, brushlabels=['b']),
]
TURNS = [dict(role='user', content='<image>Locate <ref-object>.'), dict(role='assistant', content='<bbox>')]
ANSWER = [dict(role='assistant', content='[{"bbox_2d": [1, 2, 3, 4], "label": "x"}]')]
PLACE = dict(filename='a.png', height=48, width=64)
REGIONS = [dict(bbox=[1, 2, 3, 4], phrase='mug'), dict(bbox=[[1, 2, 3, 4]], tokens_positive=[[0, 1]])]
XML = (
    '<annotations><image id="0" name="a.png" width="64" height="48"><box label="m" xtl="1" ytl="2" xbr="9" ybr="9" '
    'rotation="3"><attribute name="expression">x y</attribute></box><polygon label="p" points="1,2;3,4;5,1"/><mask '
    'label="b" rle="1, 2, 3" left="5" top="6" width="3" height="2"/><ellipse label="c" cx="30" cy="20" rx="10" ry="5"/>'
    '</image></annotations>'
)
#: Name -> reader, a sound file (text, one document, or lines), options.
SOUND = {
    'label-studio': (
        LabelStudioDataset,
        [dict(id=1, data=dict(image='a.png', no_target=['the pan']), annotations=[dict(result=RESULT)])],
        {},
    ),
    'cvat': (CVATDataset, XML, {}),
    'qwen': (
        QwenLinesDataset,
        (
            dict(messages=TURNS, images=['a.png'], objects=dict(ref=['a'], bbox=[[1, 2, 3, 4]])),
            dict(messages=ANSWER, images=['a.png']),
        ),
        dict(unit='permille'),
    ),
    'odvg': (
        ODVGDataset,
        (
            dict(PLACE, grounding=dict(caption='a mug', regions=REGIONS)),
            dict(PLACE, detection=dict(instances=[dict(bbox=[1, 2, 3, 4], label=0, category='dog')])),
        ),
        {},
    ),
    'coco': (
        COCOPhraseDataset,
        dict(
            images=[dict(id=5, file_name='a.png', width=64, height=48, neg_category_ids=[2])],
            annotations=[dict(id=1, image_id=5, category_id=1, bbox=[1, 2, 3, 4], segmentation=[[1, 1, 5, 1, 5, 5]])],
            categories=[dict(id=1, name='dog'), dict(id=2, name='cat', synset='c')],
        ),
        {},
    ),
    'grasps': (
        JSONLDataset,
        (dict(image='a.png', expression='mug', boxes=[[1, 2, 9, 9]], grasps=[[3, 3, 4, 2, 0.5]], no_target=False),),
        {},
    ),
    'humanref': (
        lambda file, **options: HumanRefDataset(ann_file=file, **options),
        (
            dict(id='0', image_name='a.png', referring='two', domain='position', answer_boxes=[[1, 2, 3, 4]])
            | dict(candidate_boxes=[[1, 2, 3, 4]], width=64, height=48),
        ),
        {},
    ),
}
ODD = [None, True, 0, -1, 1e308, float('nan'), 10**30, '', 'x', '\x00', '../a.png', [], [[]], {}, [None], [[1], [2, 3]]]


def places(value, path=()):
    """Every path of keys in a document."""
    found = [path] if path else []
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        found += places(child, (*path, key))
    return found


def damaged(content, rng):
    """The text of a file that has lost, doubled or exchanged something."""
    if isinstance(content, str):
        start = rng.randrange(len(content))
        return content[:start] + rng.choice(['', '<', '"', 'nan', '1e99', '\x00']) + content[start + rng.randrange(9) :]
    content = json.loads(json.dumps(content))
    *way, last = rng.choice(places(content))
    parent = content
    for key in way:
        parent = parent[key]
    if rng.random() < 0.7:
        parent[last] = rng.choice(ODD)
    else:
        del parent[last]
    return content


@pytest.mark.parametrize('name', SOUND)
def test_damage_is_read_over_or_named(name, write, root):
    reader, content, options = SOUND[name]
    lines = isinstance(content, tuple)
    assert write(reader, content, **options)
    refused = []
    for seed in range(25):
        rng = random.Random(f'{name} {seed}')
        broken = damaged(list(content) if lines else content, rng)
        if isinstance(broken, list) and lines:
            broken = '\n'.join(map(json.dumps, broken))
        try:
            write(reader, broken, **options)
        except DataError as error:
            refused.append(str(error))
    assert len(refused) > 2
    assert all(str(root) in message for message in refused)
