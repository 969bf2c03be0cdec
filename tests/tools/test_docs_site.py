"""What the site is made of besides the pages: tables from metafiles, and links."""

import runpy
import sys
from pathlib import Path

import pytest

SITE = Path(__file__).parents[2] / 'tools/docs_site'
METAFILE = """
Collections:
  - Name: LAVT
    Paper: {Title: Language-aware, URL: 'https://arxiv.org/abs/2112.02244'}
    Code: {URL: 'https://example.org/lavt', Version: 1a2b}
Models:
  - Name: lavt_refcoco
    In Collection: LAVT
    Config: configs/lavt/refcoco.py
    Results:
      - {Dataset: RefCOCO val, Source: paper, Metrics: {oIoU: 72.73, mIoU: 74.46}}
      - {Dataset: RefCOCO testA, Source: trained here, Metrics: {oIoU: 1.5}, Seeds: 3, Hours: 40}
  - Name: lavt_tiny
    In Collection: LAVT
    Config: configs/lavt/tiny.py
"""


@pytest.fixture(scope='module')
def zoo():
    return runpy.run_path(str(SITE / 'model_zoo.py'))


@pytest.fixture
def root(tmp_path):
    (tmp_path / 'configs/lavt').mkdir(parents=True)
    (tmp_path / 'configs/lavt/metafile.yml').write_text(METAFILE)
    return tmp_path


def test_a_paper_is_a_section_with_a_row_for_each_result(zoo, root):
    text = zoo['zoo_by_paper'](zoo['read_metafiles'](root))
    assert text.splitlines() == [
        '### LAVT',
        '',
        "[README](../configs/lavt/README.md), [Language-aware](https://arxiv.org/abs/2112.02244), [authors' code]"
        '(https://example.org/lavt) (1a2b)',
        '',
        '| model | data | scores | source |',
        '| --- | --- | --- | --- |',
        '| [`lavt_refcoco`](../configs/lavt/refcoco.py) | RefCOCO val | oIoU 72.73, mIoU 74.46 | paper |',
        '|  | RefCOCO testA | oIoU 1.5 | trained here, 3 seeds, 40 h |',
        '| [`lavt_tiny`](../configs/lavt/tiny.py) |  |  |  |',
    ]


def test_a_data_set_is_a_table_with_the_models_of_all_papers(zoo, root):
    (root / 'configs/cris').mkdir()
    (root / 'configs/cris/metafile.yml').write_text(
        'Collections: [{Name: CRIS}]\nModels: [{Name: cris, In Collection: CRIS, Config: c.py, Results: '
        '[{Dataset: RefCOCO val, Source: paper, Metrics: {mIoU: 70.47, P@0.5: 81.6}}]}]'
    )
    text = zoo['zoo_by_data'](zoo['read_metafiles'](root))
    assert text.splitlines()[:7] == [
        '### RefCOCO val',
        '',
        '| model | source | mIoU | P@0.5 | oIoU |',
        '| --- | --- | --- | --- | --- |',
        '| [`cris`](../c.py) | paper | 70.47 | 81.6 |  |',
        '| [`lavt_refcoco`](../configs/lavt/refcoco.py) | paper | 74.46 |  | 72.73 |',
        '',
    ]


def test_small_models_are_one_table(zoo, root):
    file = root / 'configs/lavt/metafile.yml'
    result = '{Dataset: RefShapes small val, Source: trained here, Metrics: {mIoU: 71.6}, Seeds: 1, Hours: 0.32}'
    file.write_text(f'{METAFILE}    Results: [{result}]\n')
    assert zoo['zoo_small'](zoo['read_metafiles'](root)).splitlines() == [
        '| model | mIoU | P@0.5 | gIoU | N-acc | F1 | J@1_strict | CPU minutes | seeds |',
        '| --- | --- | --- | --- | --- | --- | --- | --- | --- |',
        '| [`lavt_tiny`](../configs/lavt/tiny.py) | 71.6 |  |  |  |  |  | 19 | 1 |',
    ]


def test_the_page_has_the_table_of_small_models_that_the_metafiles_give(zoo):
    page = (SITE.parents[1] / 'docs/model_zoo.md').read_text(encoding='utf-8')
    table = page.split('<!-- small models -->')[1].split('<!-- end of small models -->')[0]
    assert table.strip() == zoo['zoo_small'](zoo['read_metafiles']())


@pytest.mark.parametrize(
    ('old', 'new', 'message'),
    [
        ('Collections:', 'Collection:', "no list 'Collections'"),
        ('Config: configs/lavt/tiny.py', '', "'lavt_tiny' lacks Config"),
        ('- Name: LAVT', '- Name: LAWT', "'lavt_refcoco' is in the collection 'LAVT', not here"),
    ],
)
def test_a_metafile_with_a_mistake_is_named(zoo, root, old, new, message):
    file = root / 'configs/lavt/metafile.yml'
    file.write_text(METAFILE.replace(old, new))
    with pytest.raises(ValueError, match=message) as error:
        zoo['read_metafiles'](root)
    assert str(file) in str(error.value)


def test_configs_are_listed_with_the_first_paragraph_of_their_docstrings(zoo, root):
    (root / 'configs/_base_').mkdir()
    (root / 'configs/_base_/runtime.py').write_text('"""Shared."""')
    (root / 'configs/lavt/refcoco.py').write_text('"""LAVT on RefCOCO,\n480 x 480 | Swin.\n\nMore."""')
    assert zoo['config_list'](root).splitlines()[2:] == [
        '| [lavt/refcoco.py](../configs/lavt/refcoco.py) | LAVT on RefCOCO, 480 x 480 \\| Swin. |'
    ]


@pytest.fixture(scope='module')
def pages():
    pytest.importorskip('properdocs')
    sys.path.insert(0, str(SITE))
    try:
        return runpy.run_path(str(SITE / 'pages.py'))
    finally:
        sys.path.remove(str(SITE))


@pytest.mark.parametrize(
    ('page', 'link', 'expected'),
    [
        ('faq.md', 'metrics.md#protocols', 'metrics.md#protocols'),
        ('faq.md', '../README.md', 'index.md'),
        ('faq.md', '../data/README.md', 'data.md'),
        ('faq.md', '../mmvg/registry.py', 'source/mmvg/registry.py.md'),
        ('faq.md', '../configs/instancevg/README.md', 'papers/instancevg.md'),
        ('index.md', '../docs/images/demo.jpg', 'images/demo.jpg'),
        ('papers/instancevg.md', 'tiny.py', '../source/configs/instancevg/tiny.py.md'),
        ('papers/instancevg.md', '../../docs/metrics.md', '../metrics.md'),
        ('papers/instancevg.md', '../../docs/images/demo.jpg', '../images/demo.jpg'),
        ('contributing.md', 'docs/architecture.md', 'architecture.md'),
        ('faq.md', 'https://arxiv.org/abs/2509.13747', 'https://arxiv.org/abs/2509.13747'),
        ('faq.md', '#scores', '#scores'),
    ],
)
def test_links_lead_to_the_same_thing_on_the_site(pages, page, link, expected):
    code = f'\n```text\n[code]({link})\n```\n'
    assert pages['rewrite_links'](f'See [this]({link}).{code}', page) == f'See [this]({expected}).{code}'


def test_a_link_to_nothing_stops_the_build(pages):
    from properdocs.exceptions import PluginError

    with pytest.raises(PluginError, match=r'docs/faq.md: the link .* leads to docs/nowhere.md, which is no file'):
        pages['rewrite_links']('[x](nowhere.md)', 'faq.md')


def test_a_source_page_shows_the_file_whatever_it_contains(pages):
    text = pages['source_page']('tests/test_docs.py')  # which has ``` in it
    assert '\n````python\n' in text
    assert text.endswith('\n````\n')
    assert (SITE.parents[1] / 'tests/test_docs.py').read_text().rstrip() in text
