"""PhraseCut (arXiv:2008.01187): masks of phrases, over all tasks and over subsets of them."""

from collections.abc import Mapping, Sequence

from mmvg.evaluation.functional.percent import mean_percent, percent
from mmvg.evaluation.functional.res import mask_iou


def phrasecut_scores(
    intersections: Sequence[int], unions: Sequence[int], thresholds: Sequence[float] = (0.5, 0.6, 0.7, 0.8, 0.9)
) -> dict[str, float]:
    """Compute mIoU (mean_mask_iou), cIoU (cum_mask_iou) and P@X (pred_mask_acc) in percent.

    A task passes at X if its IoU is more than X, unlike in RES. NaN where nothing can be divided.

    Args:
        intersections: Pixels in both masks, for each of N tasks.
        unions: Pixels in either mask, for each of N tasks.
        thresholds: The X of P@X.

    Example:
        >>> phrasecut_scores([10, 0], [20, 20], thresholds=[0.4, 0.5])
        {'mIoU': 25.0, 'cIoU': 25.0, 'P@0.4': 50.0, 'P@0.5': 0.0}
    """
    ious = [mask_iou(i, u) for i, u in zip(intersections, unions, strict=True)]
    return {
        'mIoU': mean_percent(ious),
        'cIoU': percent(sum(intersections), sum(unions)),
        **{f'P@{threshold:g}': mean_percent(iou > threshold for iou in ious) for threshold in thresholds},
    }


def phrasecut_subsets(instances: int, area_share: float, structure: Mapping | None = None) -> list[str]:
    """Name the subsets that a task belongs to, by the official code (whose comments say otherwise on ``i_*``).

    - ``i_single``, ``i_multi``, ``i_many``: 1, 2 to 4, 5 or more instances.
    - ``s_small``, ``s_mid``, ``s_large``: less than 2 %, 2 to 20 %, more than 20 % of the image.
    - With the structure of the phrase: ``p_name``, ``p_att``, ``p_rel``, ``p_verbose`` by its type; ``p_att+`` and
      ``p_rel+``, any attribute or relation; ``p_attm`` and ``p_relm``, several; ``p_att_rel``, both.

    Args:
        instances: Number of instances of the task.
        area_share: Area of the true mask as a fraction of the image.
        structure: ``phrase_structure`` of the task.

    Example:
        >>> phrasecut_subsets(2, 0.05, dict(type='attribute', attributes=['red']))
        ['i_multi', 's_mid', 'p_att', 'p_att+']
    """
    names = ['i_single' if instances <= 1 else 'i_multi' if instances <= 4 else 'i_many']
    names.append('s_small' if area_share < 0.02 else 's_large' if area_share > 0.2 else 's_mid')
    if structure:
        kinds = dict(name='p_name', attribute='p_att', relation='p_rel', verbose='p_verbose')
        if structure.get('type') in kinds:
            names.append(kinds[structure['type']])
        attributes, relations = (len(structure.get(key) or ()) for key in ('attributes', 'relation_descriptions'))
        conditions = {
            'p_att+': attributes > 0,
            'p_rel+': relations > 0,
            'p_attm': attributes > 1,
            'p_relm': relations > 1,
            'p_att_rel': attributes > 0 and relations > 0,
        }
        names += [name for name, holds in conditions.items() if holds]
    return names
