"""Table 9 of InstanceVG, "MS Def. DETR": learned queries with learned reference points; the paper: F1 70.98."""

from mmengine.config import read_base

from mmvg.models.necks import LearnedQueries

with read_base():
    from .grefcoco_224 import *

model.neck.query_generator = dict(
    type=LearnedQueries, num_queries='${num_queries}', channels='${channels}', points=True
)
model.neck.query_decoder.point_reference = 'point'
# learned points are no prior: no minimap to supervise, and the matcher looks at classes and boxes
model.head.minimap_loss = None
match_costs = ['${class_cost}', '${box_cost}', '${giou_cost}']
find_unused_parameters = True  # nothing reads the text behind the encoder
