"""What the datasets and the data check share: reading files that may be damaged, and turning records into targets.

A file is read (``safe_reading``, ``json_lines``), its records become refs (``refs``) and COCO images and annotations
(``coco_instances``), and annotations become targets with boxes ``[x1, y1, x2, y2]`` and masks (``targets``). What is
wrong on the way goes to a :class:`LoadReport`, which raises or counts. The rest reads what only one dataset has.
"""

from mmvg.datasets.readers.access_random import AccessRandom
from mmvg.datasets.readers.coco_instances import CocoInstances, read_coco_instances
from mmvg.datasets.readers.data_files import KNOWN_IMAGE_FOLDERS, first_existing, require_data
from mmvg.datasets.readers.distractors import DistractorCounts
from mmvg.datasets.readers.grasp_anything import (
    GRASP_ANYTHING_SIDE,
    PartId,
    file_stems,
    folder_or_doubled,
    match_part_id,
    parse_part_id,
    part_name,
    read_id_list,
    read_instruction,
    read_label,
    read_part_mask,
)
from mmvg.datasets.readers.grasp_lists import read_corner_lists, read_grasp_list, read_grasp_rows, read_line_grasps
from mmvg.datasets.readers.grec_file import read_grec_file
from mmvg.datasets.readers.instance_images import InstanceReader, read_instance_image
from mmvg.datasets.readers.instancevg_records import InstanceVGRecord, read_instancevg_entry
from mmvg.datasets.readers.json_lines import LineReader, parse_line, read_lines, split_lines
from mmvg.datasets.readers.kinds import add_kinds
from mmvg.datasets.readers.load_report import DataError, LoadReport, SampleError
from mmvg.datasets.readers.pack_targets import check_pack_target
from mmvg.datasets.readers.packed_pictures import PACKS, PackedPictures, pack_pictures
from mmvg.datasets.readers.phrasecut import (
    PhraseCutTargetReader,
    draw_polygons,
    images_of_tasks,
    read_images,
    read_tasks,
)
from mmvg.datasets.readers.phrasecut_lmdb import PhraseCutLMDB, write_phrasecut_lmdb
from mmvg.datasets.readers.pictures import PictureError, open_picture
from mmvg.datasets.readers.record_shape import record_shape
from mmvg.datasets.readers.ref_builder import RefBuilder
from mmvg.datasets.readers.refs import (
    Ref,
    as_id,
    as_ids,
    is_usable_text,
    read_records,
    read_refs,
    read_refs_file,
    real_target_ids,
    require_one_target,
    select_split,
)
from mmvg.datasets.readers.safe_reading import parse_json, read_array, read_data_file, read_json, read_pickle
from mmvg.datasets.readers.segmentations import check_segmentation, is_finite_number
from mmvg.datasets.readers.targets import BOX_ACROSS_BORDER, TargetReader, check_box

__all__ = [
    'BOX_ACROSS_BORDER',
    'GRASP_ANYTHING_SIDE',
    'KNOWN_IMAGE_FOLDERS',
    'PACKS',
    'AccessRandom',
    'CocoInstances',
    'DataError',
    'DistractorCounts',
    'InstanceReader',
    'InstanceVGRecord',
    'LineReader',
    'LoadReport',
    'PackedPictures',
    'PartId',
    'PhraseCutLMDB',
    'PhraseCutTargetReader',
    'PictureError',
    'Ref',
    'RefBuilder',
    'SampleError',
    'TargetReader',
    'add_kinds',
    'as_id',
    'as_ids',
    'check_box',
    'check_pack_target',
    'check_segmentation',
    'draw_polygons',
    'file_stems',
    'first_existing',
    'folder_or_doubled',
    'images_of_tasks',
    'is_finite_number',
    'is_usable_text',
    'match_part_id',
    'open_picture',
    'pack_pictures',
    'parse_json',
    'parse_line',
    'parse_part_id',
    'part_name',
    'read_array',
    'read_coco_instances',
    'read_corner_lists',
    'read_data_file',
    'read_grasp_list',
    'read_grasp_rows',
    'read_grec_file',
    'read_id_list',
    'read_images',
    'read_instance_image',
    'read_instancevg_entry',
    'read_instruction',
    'read_json',
    'read_label',
    'read_line_grasps',
    'read_lines',
    'read_part_mask',
    'read_pickle',
    'read_records',
    'read_refs',
    'read_refs_file',
    'read_tasks',
    'real_target_ids',
    'record_shape',
    'require_data',
    'require_one_target',
    'select_split',
    'split_lines',
    'write_phrasecut_lmdb',
]
