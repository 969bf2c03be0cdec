"""RefCOCO-M, Ref-L4, HumanRef and Flickr30k Entities, in small files with the columns and keys of the released ones."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

from mmvg.cli import main
from mmvg.config import read_config
from mmvg.data_check import check_config_data, check_folder
from mmvg.datasets import DataError, Flickr30kEntitiesDataset, HumanRefDataset, RefCOCOMDataset, RefL4Dataset
from mmvg.datasets.tokenizers import WordTokenizer
from mmvg.datasets.transforms import LoadImage
from mmvg.masks import encode_mask
from mmvg.registry import DATASETS, METRICS

pyarrow = pytest.importorskip('pyarrow')
pytest.importorskip('pyarrow.parquet')

WIDTH, HEIGHT = 64, 48


def picture(shade=0, file_format='JPEG'):
    stream = io.BytesIO()
    Image.new('RGB', (WIDTH, HEIGHT), (shade, shade, shade)).save(stream, file_format)
    return stream.getvalue()


def rle():
    pixels = np.zeros((HEIGHT, WIDTH), dtype=bool)
    pixels[10:20, 8:24] = True
    return encode_mask(pixels)


def write_table(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path, row_group_size=1)


@pytest.fixture
def refcoco_m(tmp_path):
    def sample(key, image_id, *sentences):
        facts = dict(category='dog', supercategory='animal', label='dog', bbox=[8.0, 10.0, 16.0, 10.0])
        return dict(id=key, image_id=image_id, sentences=list(sentences), mask=rle(), **facts)

    rows = [
        dict(image=dict(bytes=picture(90), path=None), image_id=9, file_name='COCO_train2014_000000000009.jpg',
             samples=[sample(501, 9, 'left dog', 'the dog on the left'), sample(502, 9, 'black dog')]),
        dict(image=dict(bytes=picture(200), path=None), image_id=7, file_name='COCO_train2014_000000000007.jpg',
             samples=[sample(77, 7, 'puppy')]),
    ]  # fmt: skip
    for i, row in enumerate(rows):
        write_table(tmp_path / f'refcoco-m/data/validation-{i:05d}-of-00002.parquet', [row])
    return tmp_path


def test_refcoco_m_has_a_sample_per_sentence_with_its_mask_and_image(refcoco_m):
    dataset = RefCOCOMDataset(data_root=str(refcoco_m))
    items = [dataset[i] for i in range(len(dataset))]
    assert [(item['text'], item['ref_id']) for item in items] == [
        ('left dog', 501),
        ('the dog on the left', 501),
        ('black dog', 502),
        ('puppy', 77),
    ]
    assert items[0]['instances'][0]['bbox'] == [8, 10, 24, 20]
    assert items[0]['instances'][0]['mask'] == rle()
    assert [int(LoadImage()(item)['img'].mean()) for item in (items[0], items[3])] == [90, 200]


def test_refcoco_m_reads_the_image_folder_where_there_is_one(refcoco_m):
    folder = refcoco_m / 'images/train2014'
    folder.mkdir(parents=True)
    (folder / 'COCO_train2014_000000000009.jpg').write_bytes(picture(10))
    item = RefCOCOMDataset(data_root=str(refcoco_m))[0]
    assert 'img_bytes' not in item
    assert int(LoadImage()(item)['img'].mean()) == 10


@pytest.fixture
def ref_l4(tmp_path):
    def row(key, image, caption, box, split):
        sizes = dict(height=HEIGHT, width=WIDTH, file_name=f'{image}.jpg', split=split)
        more = dict(bbox_area=box[2] * box[3], bbox_id=f'o365_{key}', ori_category_id='o365_41', is_rewrite=False)
        return dict(id=key, caption=caption, bbox=box, image_id=f'o365_{image}', **sizes, **more)

    val = [row(1, 'a', 'Within the frame, an antique camera.', [4.0, 6.0, 10.5, 8.0], 'val')]
    test = [
        row(2, 'a', 'The bottle.', [1.0, 2.0, 3.0, 4.0], 'test'),
        row(5, 'b', 'A cup.', [0.0, 0.0, 9.0, 9.0], 'test'),
    ]
    write_table(tmp_path / 'ref-l4/ref-l4-val.parquet', val)
    write_table(tmp_path / 'ref-l4/ref-l4-test.parquet', test)
    (tmp_path / 'ref-l4/images').mkdir()
    for name in 'ab':
        (tmp_path / f'ref-l4/images/{name}.jpg').write_bytes(picture(file_format='JPEG', shade=ord(name)))
    return tmp_path


def test_ref_l4_has_one_box_per_expression(ref_l4):
    counts = {split: len(RefL4Dataset(split, data_root=str(ref_l4))) for split in ('val', 'test', 'all')}
    assert counts == dict(val=1, test=2, all=3)
    item = RefL4Dataset('val', data_root=str(ref_l4))[0]
    assert item['instances'][0]['bbox'] == [4, 6, 14.5, 14]
    assert (item['ref_id'], item['sent_id'], item['category'], item['boxes_only']) == (1, 1, 'o365_41', True)


def test_another_table_or_none_is_named(ref_l4):
    file = ref_l4 / 'ref-l4/ref-l4-val.parquet'
    write_table(file, [dict(id=1, text='x')])
    with pytest.raises(DataError, match=r"no column 'caption'; its columns are id, text"):
        RefL4Dataset('val', data_root=str(ref_l4))
    file.write_bytes(b'PAR1 and no more')
    with pytest.raises(DataError, match='not a whole Parquet file'):
        RefL4Dataset('val', data_root=str(ref_l4))


def test_without_pyarrow_the_error_says_what_to_install(ref_l4, monkeypatch):
    monkeypatch.setitem(__import__('sys').modules, 'pyarrow', None)
    with pytest.raises(DataError, match='pip install pyarrow'):
        RefL4Dataset('val', data_root=str(ref_l4))


@pytest.fixture
def humanref(tmp_path):
    def line(key, text, domain, *boxes):
        persons = [[1, 2, 20, 40], [22, 3, 40, 44], [41, 1, 60, 40]]
        return dict(id=key, image_name='a.jpg', referring=text, domain=domain, sub_domain=f'500_{domain}',
                    answer_boxes=list(boxes), candidate_boxes=persons)  # fmt: skip

    lines = [
        line('0', 'two persons on the left', 'position', [1, 2, 20, 40], [22, 3, 40, 44]),
        line('1', 'a person with a hat', 'rejection'),
    ]
    (tmp_path / 'humanref/images').mkdir(parents=True)
    (tmp_path / 'humanref/images/a.jpg').write_bytes(picture())
    (tmp_path / 'humanref/annotations.jsonl').write_text('\n'.join(map(json.dumps, lines)))
    return tmp_path


def test_humanref_means_any_number_of_persons(humanref):
    dataset = HumanRefDataset(data_root=str(humanref))
    several, nobody = dataset[0], dataset[1]
    assert [i['bbox'] for i in several['instances']] == [[1, 2, 20, 40], [22, 3, 40, 44]]
    assert (several['num_persons'], several['expression_type']) == (3, 'position')
    assert (nobody['no_target'], nobody['expression_type']) == (True, 'rejection')


def test_humanref_with_other_keys(humanref):
    file = humanref / 'humanref/annotations.jsonl'
    file.write_text(file.read_text().replace('answer_boxes', 'gt_boxes'))
    with pytest.raises(DataError, match=r'line without answer_boxes.*fields=dict'):
        HumanRefDataset(data_root=str(humanref))
    assert len(HumanRefDataset(data_root=str(humanref), fields=dict(boxes='gt_boxes'))) == 2
    with pytest.raises(ValueError, match="not 'box'"):
        HumanRefDataset(data_root=str(humanref), fields=dict(box='gt_boxes'))


XML = """<annotation><filename>1000092795.jpg</filename>
<size><width>64</width><height>48</height><depth>3</depth></size>
<object><name>1</name><bndbox><xmin>11</xmin><ymin>6</ymin><xmax>21</xmax><ymax>31</ymax></bndbox></object>
<object><name>1</name><bndbox><xmin>31</xmin><ymin>1</ymin><xmax>41</xmax><ymax>26</ymax></bndbox></object>
<object><name>2</name><name>3</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></object>
<object><name>4</name><scene>1</scene><nobndbox>1</nobndbox></object>
</annotation>"""
SENTENCES = """[/EN#1/people Two young guys] with [/EN#2/bodyparts shaggy hair] look at [/EN#0/notvisual it] .
[/EN#3/clothing A hat] in [/EN#4/scene the yard] .
"""


@pytest.fixture
def flickr30k(tmp_path):
    root = tmp_path / 'flickr30k_entities'
    for folder, name, text in (('Annotations', '.xml', XML), ('Sentences', '.txt', SENTENCES)):
        (root / folder).mkdir(parents=True)
        (root / f'{folder}/1000092795{name}').write_text(text)
    (root / 'test.txt').write_text('1000092795\n')
    (tmp_path / 'flickr30k-images').mkdir()
    (tmp_path / 'flickr30k-images/1000092795.jpg').write_bytes(picture())
    return tmp_path


def test_phrases_with_boxes_are_expressions_and_boxes_count_from_0(flickr30k, say):
    dataset = Flickr30kEntitiesDataset('test', data_root=str(flickr30k))
    items = [dataset[i] for i in range(len(dataset))]
    assert say(items) == {
        'Two young guys': [[10, 5, 20, 30], [30, 0, 40, 25]],
        'shaggy hair': [[0, 0, 8, 8]],
        'A hat': [[0, 0, 8, 8]],
    }
    assert items[0]['caption'] == 'Two young guys with shaggy hair look at it .'
    assert [item['expression_type'] for item in items] == ['people', 'bodyparts', 'clothing']
    assert dataset.load_report.counts()['phrase without a box'] == 2


def test_merged_boxes_are_one(flickr30k, say):
    dataset = Flickr30kEntitiesDataset('test', boxes='merged', data_root=str(flickr30k))
    assert say([dataset[0]]) == {'Two young guys': [[10, 0, 40, 30]]}


@pytest.mark.parametrize(
    ('file', 'text', 'message'),
    [
        ('Annotations/1000092795.xml', '<annotation><size/></annotation>', 'not one of Flickr30k Entities'),
        ('Annotations/1000092795.xml', '<annotation>', 'not whole XML'),
        ('Sentences/1000092795.txt', '[/EN#1/people Two young', 'damaged mark of a phrase'),
        ('test.txt', '123', 'file that is missing'),
    ],
)
def test_damaged_files_of_flickr30k_are_named(flickr30k, file, text, message):
    (flickr30k / 'flickr30k_entities' / file).write_text(text)
    with pytest.raises(DataError, match=message):
        Flickr30kEntitiesDataset('test', data_root=str(flickr30k))


def test_boxes_without_area_are_called_by_their_place_in_the_files(flickr30k, humanref):
    file = flickr30k / 'flickr30k_entities/Annotations/1000092795.xml'
    file.write_text(file.read_text().replace('<xmax>41', '<xmax>31'))
    with pytest.raises(DataError, match=r'without area in the image: \S*1000092795\.xml, entity 1, box 1: '):
        Flickr30kEntitiesDataset('test', data_root=str(flickr30k))
    file = humanref / 'humanref/annotations.jsonl'
    file.write_text(file.read_text().replace('"answer_boxes": [[1, 2, 20, 40], ', '"answer_boxes": [[1, 2, 1, 40], '))
    with pytest.raises(DataError, match=r'annotations\.jsonl: box without area in the image: line 1, box 0: '):
        HumanRefDataset(data_root=str(humanref))


def test_the_data_check_covers_the_benchmarks(refcoco_m, ref_l4, humanref, flickr30k):
    (refcoco_m / 'images/train2014').mkdir(parents=True)
    for name in ('9', '7'):
        (refcoco_m / f'images/train2014/COCO_train2014_00000000000{name}.jpg').write_bytes(picture(int(name)))
    result = check_folder(refcoco_m)
    assert result.report.errors == []
    assert [(row.dataset, row.split, row.refs, row.no_target) for row in result.counts] == [
        ('refcoco-m', 'validation', 4, 0),
        ('ref-l4', 'val', 1, 0),
        ('ref-l4', 'test', 2, 0),
        ('humanref', 'test', 2, 1),
        ('flickr30k', 'test', 3, 0),
    ]
    (humanref / 'humanref/annotations.jsonl').write_text('{"id": 1}\n')
    assert 'line without image_name' in check_folder(refcoco_m).report.errors[0].problem


def test_the_data_check_reads_the_pictures_of_refcoco_m_from_its_files_where_there_is_no_folder(refcoco_m):
    result = check_folder(refcoco_m)
    assert result.report.errors == []
    assert [(row.dataset, row.refs) for row in result.counts] == [('refcoco-m', 4)]
    loader = dict(dataset=dict(type='RefCOCOMDataset', data_root=str(refcoco_m), test_mode=True))
    assert check_config_data(Config(dict(test_dataloader=loader))).report.errors == []
    file = next(refcoco_m.glob('refcoco-m/data/*00000-of*'))
    (row,) = pyarrow.parquet.read_table(file).to_pylist()
    row['image']['bytes'] = row['image']['bytes'][:40]
    write_table(file, [row])
    (error,) = check_folder(refcoco_m).report.errors
    assert error.problem.startswith('image that cannot be decoded')
    assert 'COCO_train2014_000000000009.jpg' in error.file


#: Base config -> what a perfect answer scores.
PERFECT = {
    'ref_l4': {'ref_l4/Acc@0.5': 100, 'ref_l4/mAcc': 100},
    'humanref': {'humanref/DF1': 100, 'humanref/rejection': 100, 'grec/F1': 100, 'grec/N-acc': 100},
    'refcoco_m': {'res/mIoU': 100, 'rec/P@0.5': 100},
    'flickr30k_entities': {'top/P@1': 100, 'top/P@10': 100},
}


@pytest.mark.parametrize('name', PERFECT)
def test_a_perfect_answer_scores_100_by_the_protocol_of_the_config(
    name, refcoco_m, ref_l4, humanref, flickr30k, tmp_path
):
    cfg = read_config(Path(__file__).parents[3] / f'configs/_base_/datasets/{name}.py')
    settings = cfg.test_dataloader.dataset
    settings.update(data_root=str(tmp_path), **({} if name != 'flickr30k_entities' else dict(split='test')))
    (tmp_path / 'vocab.txt').write_text('\n'.join(['[PAD]', '[UNK]', '[BOS]', '[EOS]', 'the']))
    for step in settings.pipeline:
        if 'tokenizer' in step:
            step.tokenizer = dict(type=WordTokenizer, vocab_file=str(tmp_path / 'vocab.txt'))
    dataset = DATASETS.build(settings)
    metrics = [METRICS.build(metric) for metric in cfg.test_evaluator]
    for index in range(len(dataset)):
        sample = dataset[index]['data_samples']
        boxes = sample.gt_instances.bboxes
        answer = dict(sample.to_dict(), **sample.metainfo, pred_frame='original')
        answer['pred_instances'] = dict(bboxes=boxes, scores=np.ones(len(boxes)))
        if 'gt_sem_seg' in sample:
            answer['gt_sem_seg'] = answer['pred_sem_seg'] = dict(sem_seg=sample.gt_sem_seg.sem_seg)
        answer['gt_instances'] = dict(bboxes=boxes)
        for metric in metrics:
            metric.process({}, [answer])
    found = {}
    for metric in metrics:
        found |= metric.evaluate(len(dataset))
    assert {key: found[key] for key in PERFECT[name]} == PERFECT[name]


def test_a_language_models_boxes_are_scored_on_humanref(humanref, capsys):
    answers = humanref / 'answers.jsonl'
    lines = [dict(ref_id=1, boxes=[[1, 2, 20, 40], [22, 3, 40, 44]]), dict(ref_id=2, boxes=[])]
    answers.write_text('\n'.join(json.dumps(line) for line in lines))
    words = ['--data', 'humanref:test', '--data-root', str(humanref), '--answers', str(answers)]
    main(['score', *words, '--protocol', 'humanref', '--unit', 'pixel', '--rule', 'all'])
    printed = capsys.readouterr().out
    assert 'DF1' in printed
    assert '100.0' in printed
