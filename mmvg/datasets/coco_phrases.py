"""Object detection in COCO's or LVIS's format, with "the <category>" as the expression."""

from collections import defaultdict
from typing import Any

from mmvg.checks import check_choice
from mmvg.datasets.readers import CocoInstances, Ref, read_coco_instances, read_json, record_shape
from mmvg.datasets.referring_dataset import ReferringDataset
from mmvg.foreign_files import shown
from mmvg.registry import DATASETS


@DATASETS.register_module()
class COCOPhraseDataset(ReferringDataset):
    """All objects of one category in an image are what "the <category>" means there.

    Reads a file of COCO (``images``, ``annotations``, ``categories``) or of LVIS, whose images name categories that are
    not there (``neg_category_ids``: no target) or not annotated to the end (``not_exhaustive_category_ids``: left
    out). A category with a crowd region in an image is left out there as well, for what is meant is not counted.
    ``ref_id`` is the position among the pairs of image and category, in the order of the images. For the items see
    :class:`ReferringDataset`; they have ``category`` too.

    Args:
        ann_file: The file, below ``data_root``.
        split: Name of the split, which is the whole file.
        img_prefix: Image folder. LVIS names images by ``coco_url`` alone; its last two parts are taken then.
        phrase: Template of the expression; by default ``info.phrase`` of the file, which our writer sets, or
            ``'the {}'``. LVIS writes ``alarm_clock`` and ``bow_(weapon)``: underscores become blanks, brackets go.
        crowd: ``'drop'`` as above, or ``'keep'``: a crowd region is one more object.
        name: Value of ``dataset`` in every item.
        with_mask: Whether to read masks; by default those that there are.
        common: Arguments of all datasets, see :class:`ReferringDataset`.

    Example:
        >>> dataset = COCOPhraseDataset('refcoco/instances.json', 'train', data_root='data/refshapes',
        ...                             img_prefix='images/train2014')
        >>> dataset[0]['text'], len(dataset[0]['instances'])
        ('the mug', 1)
    """

    def __init__(
        self,
        ann_file: str,
        split: str = 'train',
        *,
        img_prefix: str = 'images/train2014',
        phrase: str | None = None,
        crowd: str = 'drop',
        name: str = 'coco',
        with_mask: bool | None = None,
        **common: Any,
    ) -> None:
        if phrase is not None and phrase.count('{}') != 1:
            raise ValueError(f"phrase must hold '{{}}' once, where the category goes, not {phrase!r}")
        self.phrase = phrase
        self.drop_crowds = check_choice('crowd', crowd, ('drop', 'keep')) == 'drop'
        self.with_mask = with_mask
        super().__init__(name, split, dict(instances=ann_file), img_prefix, **common)

    def read_annotations(self) -> tuple[list[Ref], CocoInstances]:
        file, report = self.files['instances'], self.load_report
        content = read_json(file, dict)
        coco = read_coco_instances(file, report)
        with record_shape(report, file, 'images, annotations or categories'):
            refs = self._pairs(content, coco)
        return refs, coco

    def _pairs(self, content: dict, coco: CocoInstances) -> list[Ref]:
        """Return a ref per image and category in it."""
        file, report = self.files['instances'], self.load_report
        names = _category_names(content, file, report)
        info = content.get('info')
        written = info.get('phrase') if isinstance(info, dict) else None
        phrase = self.phrase or (written if isinstance(written, str) and written.count('{}') == 1 else 'the {}')
        groups: dict[Any, dict[Any, list[int]]] = defaultdict(lambda: defaultdict(list))
        for ann_id, annotation in coco.annotations.items():
            groups[annotation.get('image_id')][annotation.get('category_id')].append(ann_id)
        refs: list[Ref] = []
        for image_id, image in coco.images.items():
            if 'file_name' not in image and isinstance(image.get('coco_url'), str):
                image['file_name'] = '/'.join(image['coco_url'].split('/')[-2:])
            uncounted = set(image.get('not_exhaustive_category_ids') or ())
            present = groups.pop(image_id, {})
            absent = [key for key in image.get('neg_category_ids') or () if key not in present]
            for key in [*present, *absent]:
                where = f'image_id {image_id}, category_id {key}'
                if key not in names:
                    report.fail('category_id that is not in categories', file, where)
                found = present.get(key, [])
                crowded = self.drop_crowds and any(coco.annotations[ann_id].get('iscrowd') for ann_id in found)
                if key in uncounted or crowded:
                    what = 'category with a crowd region' if crowded else 'category that is not annotated to the end'
                    report.note(what, file, where, 'left out in that image')
                    continue
                sentence = dict(sent_id=len(refs) + 1, text=phrase.format(names[key]))
                fields = dict(category=names[key])
                refs.append(Ref(len(refs) + 1, image_id, tuple(found), self.split, [sentence], fields))
        for image_id, left in groups.items():
            first = next(iter(left.values()))[0]
            where = f'annotation id {first}: image_id {shown(image_id)}'
            report.problem('annotation of an image that is not in images', file, where, 'it is left out')
        return refs

    def item_fields(self, ref: Ref) -> dict:
        return dict(category=ref.record['category'])


def _category_names(content: dict, file, report) -> dict[int, str]:
    categories = content.get('categories')
    if not isinstance(categories, list) or not categories:
        report.fail("no list 'categories'", file, 'the categories are what the expressions say')
    names = {}
    for position, category in enumerate(categories):
        name = category.get('name') if isinstance(category, dict) else None
        if not isinstance(name, str) or not name.strip() or 'id' not in category:
            report.fail('category without id and name', file, f'categories[{position}] is {shown(category)}')
        names[category['id']] = _words(name) if 'synset' in category else name
    return names


def _words(name: str) -> str:
    """Write a name of LVIS as words: ``bow_(weapon)`` becomes ``bow weapon``."""
    return ' '.join(name.replace('_', ' ').replace('(', ' ').replace(')', ' ').split())
