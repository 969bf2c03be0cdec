"""Table 9 of InstanceVG, "DETR": learned queries and DETR's decoder on the map of stride 16; the paper: F1 67.87."""

from mmengine.config import read_base

from mmvg.models.necks import DETRDecoder, LearnedQueries

with read_base():
    from .grefcoco_224 import *

model.neck.query_generator = dict(type=LearnedQueries, num_queries='${num_queries}', channels='${channels}')
model.neck.query_decoder = dict(type=DETRDecoder, embed_dims='${channels}', num_layers=3)
model.neck_order = ['projection', 'query_generator', 'query_decoder', 'pyramid', 'pixel_decoder']
# without a map and points, there is no minimap loss, no cost of points ...
model.head.minimap_loss = None
match_costs = ['${class_cost}', '${box_cost}', '${giou_cost}']
# ... and no points to score
evaluator = ['${grec_metric}', '${gres_metric}']
find_unused_parameters = True  # nothing reads the text behind the encoder
