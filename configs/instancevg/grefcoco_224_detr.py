"""Table 9 of InstanceVG, "DETR": learned queries and DETR's decoder on the map of stride 16; the paper: F1 67.87."""

from mmengine.config import read_base

from mmvg.models.necks import DETRDecoder, LearnedQueries

with read_base():
    from .grefcoco_224 import (
        custom_hooks,
        default_hooks,
        default_scope,
        env_cfg,
        log_processor,
        model,
        optim_wrapper,
        param_scheduler,
        randomness,
        test_cfg,
        test_dataloader,
        test_evaluator,
        test_pipeline,
        train_cfg,
        train_dataloader,
        train_pipeline,
        val_cfg,
        val_dataloader,
        val_evaluator,
        visualizer,
    )

model.neck.query_generator = dict(type=LearnedQueries, num_queries=10, channels=256)
model.neck.query_decoder = dict(type=DETRDecoder, embed_dims=256, num_layers=3)
model.neck_order = ['projection', 'query_generator', 'query_decoder', 'pyramid', 'pixel_decoder']
# without a map and points, there is no minimap loss, no cost of points ...
model.head.minimap_loss = None
model.head.matcher.assigner.match_costs = model.head.matcher.assigner.match_costs[:3]
# ... and no points to score
val_evaluator = val_evaluator[:2]
test_evaluator = test_evaluator[:2]
find_unused_parameters = True  # nothing reads the text behind the encoder
