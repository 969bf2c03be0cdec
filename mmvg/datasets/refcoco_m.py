"""RefCOCO-M: the val split of RefCOCO with pixel-accurate masks."""

from pathlib import Path
from typing import Any

from mmvg.datasets.readers import CocoInstances, Ref
from mmvg.datasets.readers.parquet import ParquetImages, read_rows
from mmvg.datasets.referring_dataset import ReferringDataset
from mmvg.registry import DATASETS

#: Images, masks and expressions of the released files.
RELEASED_COUNTS = (1190, 2080, 5598)


@DATASETS.register_module()
class RefCOCOMDataset(ReferringDataset):
    """RefCOCO-M (huggingface.co/datasets/moondream/refcoco-m): RefCOCO's val (UNC) with new masks.

    Reads its Parquet files, a row per image with ``file_name`` (of COCO 2014) and ``samples``, each with ``sentences``,
    ``bbox`` ``[x, y, w, h]`` and ``mask``, an RLE. Images are read from the image folder, or where that is not there
    from the files themselves. ``ref_id`` is the ``id`` of the sample, ``sent_id`` a running number. For the items see
    :class:`ReferringDataset`; they have ``category`` too. It is scored as its authors do, by the mean IoU over all
    pairs of image and sentence: mIoU of :class:`mmvg.evaluation.RESMetric`.

    Args:
        split: ``'validation'``, the only one.
        ann_files: The files below ``data_root``.
        img_prefix: Folder of the COCO train2014 images.
        common: Arguments of all datasets, see :class:`ReferringDataset`.

    Example:
        >>> import io, tempfile
        >>> import pyarrow
        >>> import pyarrow.parquet
        >>> from PIL import Image
        >>> root, picture = Path(tempfile.mkdtemp()), io.BytesIO()
        >>> Image.new('RGB', (80, 60)).save(picture, 'JPEG')
        >>> mask = dict(size=[60, 80], counts=[600, 30, 4170])
        >>> sample = dict(id=5, sentences=['left dog'], bbox=[10.0, 0.0, 1.0, 30.0], mask=mask, category='dog')
        >>> row = dict(image=dict(bytes=picture.getvalue()), image_id=9, file_name='9.jpg', samples=[sample])
        >>> pyarrow.parquet.write_table(pyarrow.Table.from_pylist([row]), root / 'a.parquet')
        >>> item = RefCOCOMDataset(ann_files=('a.parquet',), data_root=str(root))[0]
        >>> item['text'], item['instances'][0]['bbox'], len(item['img_bytes']) > 0
        ('left dog', [10.0, 0.0, 11.0, 30.0], True)
    """

    def __init__(
        self,
        split: str = 'validation',
        *,
        ann_files: tuple[str, ...] = tuple(f'refcoco-m/data/validation-{i:05d}-of-00002.parquet' for i in range(2)),
        img_prefix: str = 'images/train2014',
        **common: Any,
    ) -> None:
        self.packed: ParquetImages | None = None
        self.rows: dict[int, int] = {}
        files = {f'part {number}': file for number, file in enumerate(ann_files)}
        super().__init__('refcoco-m', split, files, img_prefix, **common)

    def _require_data(self) -> None:
        missing = [file for file in self.files.values() if not file.is_file()]
        if missing or self.image_folder.is_dir():
            super()._require_data()

    def read_annotations(self) -> tuple[list[Ref], CocoInstances]:
        report, first = self.load_report, next(iter(self.files.values()))
        images: list[dict] = []
        annotations: list[dict] = []
        refs: list[Ref] = []
        sentences = 0
        for file in self.files.values():
            for row in read_rows(file, ('image_id', 'file_name', 'samples')):
                for sample in row['samples'] or ():
                    annotation = dict(sample, id=len(annotations) + 1, image_id=row['image_id'])
                    annotation['segmentation'] = sample['mask']
                    annotations.append(annotation)
                    texts = [
                        dict(sent_id=sentences + i, text=text) for i, text in enumerate(sample['sentences'] or (), 1)
                    ]
                    sentences += len(texts)
                    key = sample['id']
                    refs.append(Ref(key, row['image_id'], (annotation['id'],), self.split, texts, sample))
                sizes = [s['mask']['size'] for s in row['samples'] or () if s.get('mask')]
                if not sizes:
                    report.fail('image without a mask, which has its size', file, f'image_id {row["image_id"]}')
                image = dict(id=row['image_id'], file_name=row['file_name'], height=sizes[0][0], width=sizes[0][1])
                self.rows[row['image_id']] = len(images)
                images.append(image)
        if not self.image_folder.is_dir():
            self.packed = ParquetImages(list(self.files.values()))
        return refs, CocoInstances(first, images, annotations, report)

    def item_fields(self, ref: Ref) -> dict:
        return dict(category=ref.record.get('category'))

    @property
    def is_packed(self) -> bool:
        return self.packed is not None or super().is_packed

    def packed_picture(self, item: dict) -> bytes:
        """Return the picture of an item that lies in the Parquet files, or else in the pack."""
        return super().packed_picture(item) if self.packed is None else self.packed[self.rows[item['img_id']]]

    def _has_picture(self, path: str) -> bool:
        return self.packed is not None or super()._has_picture(path)

    def get_data_info(self, idx: int) -> dict:
        """Return the item ``idx``, with ``img_bytes`` where there is no image folder."""
        item = super().get_data_info(idx)
        if self.packed is not None:
            item['img_bytes'] = self.packed_picture(item)
            item['img_path'] = str(Path(item['img_path']))
        return item
