"""HumanRef: expressions that mean any number of persons."""

from collections.abc import Mapping
from typing import Any

from mmvg.datasets.readers import CocoInstances, DataError, Ref, RefBuilder, read_lines, record_shape
from mmvg.datasets.referring_dataset import ReferringDataset
from mmvg.foreign_files import shown
from mmvg.registry import DATASETS

DOMAINS = ('attribute', 'position', 'interaction', 'reasoning', 'celebrity', 'rejection')
#: What is read of a line -> its key.
FIELDS = dict(id='id', image='image_name', text='referring', boxes='answer_boxes', persons='candidate_boxes')


@DATASETS.register_module()
class HumanRefDataset(ReferringDataset):
    """The HumanRef benchmark (arXiv:2503.08507): 6,000 expressions, of which 1,000 mean nobody.

    Reads ``annotations.jsonl``, a line per expression: the image, the expression, the boxes ``[x1, y1, x2, y2]`` of
    the persons that are meant, the boxes of all persons, and ``domain``, of which ``'rejection'`` means nobody. There
    are no masks here. ``ref_id`` is the number of the line, ``sent_id`` a running number. For the items see
    :class:`ReferringDataset`; they have ``expression_type``, the domain, and ``num_persons``, how many there are in the
    image, too. Score it with :class:`mmvg.evaluation.HumanRefMetric`, or as GREC.

    Args:
        split: ``'test'``, the only one.
        ann_file: The file, below ``data_root``.
        img_prefix: Image folder.
        fields: What differs from ``FIELDS``, if the file names its keys in another way.
        common: Arguments of all datasets, see :class:`ReferringDataset`.

    Example:
        >>> import json, tempfile
        >>> from pathlib import Path
        >>> from PIL import Image
        >>> root = Path(tempfile.mkdtemp())
        >>> (root / 'humanref/images').mkdir(parents=True)
        >>> Image.new('RGB', (80, 60)).save(root / 'humanref/images/a.jpg')
        >>> persons = [[0, 0, 20, 60], [30, 0, 50, 60]]
        >>> line = dict(id=0, image_name='a.jpg', referring='the person on the left', domain='position')
        >>> line.update(answer_boxes=persons[:1], candidate_boxes=persons)
        >>> _ = (root / 'humanref/annotations.jsonl').write_text(json.dumps(line))
        >>> item = HumanRefDataset(data_root=str(root))[0]
        >>> item['instances'][0]['bbox'], item['num_persons'], item['expression_type']
        ([0.0, 0.0, 20.0, 60.0], 2, 'position')
    """

    with_mask = False

    def __init__(
        self,
        split: str = 'test',
        *,
        ann_file: str = 'humanref/annotations.jsonl',
        img_prefix: str = 'humanref/images',
        fields: Mapping[str, str] | None = None,
        **common: Any,
    ) -> None:
        if unknown := set(fields or ()) - set(FIELDS):
            raise ValueError(f'fields must name some of {", ".join(FIELDS)}, not {sorted(unknown)[0]!r}')
        self.fields = {**FIELDS, **(fields or {})}
        super().__init__('humanref', split, dict(lines=ann_file), img_prefix, **common)

    def read_annotations(self) -> tuple[list[Ref], CocoInstances]:
        file, report = self.files['lines'], self.load_report
        builder = RefBuilder(file, self.image_folder, report, self.outside_images)
        for number, record in read_lines(file, report):
            where = f'line {number}'
            with record_shape(report, file, where):
                if missing := [key for what, key in self.fields.items() if key not in record and what != 'id']:
                    hint = 'name its keys with fields=dict(...) if they are other ones'
                    report.fail(f'line without {missing[0]}', file, f'{where} has {sorted(record)}; {hint}')
                domain = record.get('domain')
                boxes = {position: box for position, box in enumerate(record[self.fields['boxes']] or ()) if box}
                if (domain == 'rejection') != (not boxes):
                    report.fail(
                        'domain that contradicts the boxes', file, f'{where}: {shown(domain)}, {len(boxes)} boxes'
                    )
                sizes = (record.get('width'), record.get('height'))
                picture = builder.picture(record[self.fields['image']], None if None in sizes else sizes, where)
                if picture is None:
                    continue
                ids = [builder.target(picture, box, f'{where}, box {position}') for position, box in boxes.items()]
                persons = len(record[self.fields['persons']] or ())
                builder.ref(
                    picture,
                    ids,
                    [record[self.fields['text']]],
                    where,
                    self.split,
                    ref_id=number,
                    record=dict(expression_type=domain, num_persons=persons),
                )
        if not builder.refs:
            raise DataError(f'{file}: no usable line')
        return builder.refs, builder.coco

    def item_fields(self, ref: Ref) -> dict:
        return ref.record
