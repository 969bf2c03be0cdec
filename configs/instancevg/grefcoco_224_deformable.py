"""Table 9 of InstanceVG, "MS Def. DETR": learned queries with learned reference points; the paper: F1 70.98."""

from mmengine.config import read_base

from mmvg.models.necks import LearnedQueries

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

model.neck.query_generator = dict(type=LearnedQueries, num_queries=10, channels=256, points=True)
model.neck.query_decoder.point_reference = 'point'
# learned points are no prior: no minimap to supervise, and the matcher looks at classes and boxes
model.head.minimap_loss = None
model.head.matcher.assigner.match_costs = model.head.matcher.assigner.match_costs[:3]
find_unused_parameters = True  # nothing reads the text behind the encoder
