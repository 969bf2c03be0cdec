import json

import pytest

from mmvg.datasets import DataError, GRefCOCODataset


def convert(folder, split: str = 'train') -> dict:
    """What the authors' converter makes of the refs of a split: an image per sentence, ids counting on."""
    images, annotations = [], []
    by_id = {a['id']: a for a in folder.annotations}
    size = {i['id']: i for i in folder.images}
    for ref in folder.grefs:
        if ref['split'] != split:
            continue
        for sentence in ref['sentences']:
            images.append(
                dict(
                    id=500 + len(images),
                    original_id=ref['image_id'],
                    file_name=size[ref['image_id']]['file_name'],
                    height=60,
                    width=80,
                    caption=sentence['sent'],
                    dataset_name='grefcoco',
                    tokens_negative=[[0, len(sentence['sent'])]],
                )
            )
            for ann_id in ref['ann_id']:
                empty = ann_id == -1
                source = by_id.get(ann_id, dict(bbox=[0, 0, 0, 0], area=-1, iscrowd=-1))
                annotations.append(
                    dict(
                        id=900 + len(annotations),
                        image_id=images[-1]['id'],
                        category_id=-1 if empty else 18,
                        bbox=source['bbox'],
                        area=source['area'],
                        iscrowd=source['iscrowd'],
                        empty=empty,
                        original_id=ann_id,
                        tokens_positive=[],
                    )
                )
    return dict(images=images, annotations=annotations, categories=[])


@pytest.fixture
def grec(data_folder):
    """The folder, its converted content to change, and a function that reads it."""
    root = data_folder.write()
    content = convert(data_folder)

    def read(**changes) -> GRefCOCODataset:
        (root / 'grefcoco/finetune_grefcoco_train.json').write_text(json.dumps(content))
        return GRefCOCODataset('train', reading='grec', data_root=str(root), serialize_data=False, **changes)

    return root, content, read


def ann_ids(item: dict) -> list[int]:
    return [instance['ann_id'] for instance in item['instances']]


def test_it_gives_the_items_of_the_gres_reading_with_crowds_and_its_own_ids(data_folder, grec):
    root, _, read = grec
    items = list(read())
    assert [(item['ref_id'], item['sent_id'], item['text']) for item in items] == [
        (500, 500, 'two dogs'),
        (501, 501, 'a red car'),
        (502, 502, 'a blue car'),
        (503, 503, 'cat and crowd'),
    ]
    gres = GRefCOCODataset('train', data_root=str(root), crowd='keep', text_field='sent')
    ids = ('ref_id', 'sent_id', 'sentences', 'num_distractors')  # the file lists targets only
    for ours, theirs in zip(items, gres, strict=True):
        assert {k: v for k, v in ours.items() if k not in ids} == {k: v for k, v in theirs.items() if k not in ids}
    assert ann_ids(items[3]) == [21, 23]


def test_crowds_can_be_dropped_there_too(grec):
    assert ann_ids(grec[2](crowd='drop')[3]) == [21]


def test_without_masks_it_needs_no_instances_json(grec):
    root, _, read = grec
    (root / 'grefcoco/instances.json').unlink()
    with pytest.raises(FileNotFoundError, match=r'grefcoco/instances\.json'):
        read()
    item = read(with_mask=False)[0]
    assert [instance['bbox'] for instance in item['instances']] == [[10, 10, 30, 30], [40, 20, 70, 50]]
    assert 'mask' not in item['instances'][0]


def test_the_file_to_read_is_named_when_it_is_missing(grec):
    root, _, _ = grec
    with pytest.raises(FileNotFoundError, match=r'finetune_grefcoco_val\.json'):
        GRefCOCODataset('val', reading='grec', data_root=str(root))


def test_minus_one_beside_real_ids_is_an_error(grec):
    _, content, read = grec
    content['annotations'][1].update(original_id=-1, empty=True)
    with pytest.raises(DataError, match='-1 beside real ids: image id 500'):
        read(mode='tolerant')


def test_a_sentence_without_any_annotation_is_an_error(grec):
    _, content, read = grec
    content['annotations'] = [a for a in content['annotations'] if a['image_id'] != 501]
    with pytest.raises(DataError, match=r'sentence without an annotation .*image id 501'):
        read(mode='tolerant')


def test_empty_must_agree_with_the_id(grec):
    _, content, read = grec
    content['annotations'][0]['empty'] = True
    with pytest.raises(DataError, match='empty that contradicts original_id: annotation id 900'):
        read(mode='tolerant')


def test_an_annotation_of_no_sentence_is_an_error(grec):
    _, content, read = grec
    content['annotations'][0]['image_id'] = 77
    with pytest.raises(DataError, match='annotation id 900: image_id 77'):
        read(mode='tolerant')


def test_an_annotation_that_instances_json_lacks_is_an_error(grec):
    _, content, read = grec
    content['annotations'][0]['original_id'] = 99
    with pytest.raises(DataError, match=r'grefcoco/instances\.json: annotation that does not exist: original_id 99'):
        read(mode='tolerant')


def test_a_missing_list_is_an_error(grec):
    _, content, read = grec
    del content['images']
    with pytest.raises(DataError, match="no list 'images'"):
        read()


@pytest.mark.parametrize('caption', [None, ' . '])
def test_an_unusable_caption_is_skipped_in_tolerant_training(grec, caption):
    _, content, read = grec
    content['images'][1]['caption'] = caption
    with pytest.raises(DataError, match='image id 501'):
        read()
    assert [item['ref_id'] for item in read(mode='tolerant')] == [500, 502, 503]
