"""One image with one expression, and later the answer to it."""

from mmdet.structures import DetDataSample


class GroundingSample(DetDataSample):
    """One image, one expression, 0..N targets, and the predictions made for them.

    Text:
        - ``text`` (str): the expression as cleaned for the model.
        - ``input_ids`` (L,) int64 and ``text_mask`` (L,) bool, True = a real token.

    Ground truth, in the frame that ``gt_frame`` names:
        - ``gt_instances``: ``bboxes`` (N, 4) xyxy pixels and, where the data has them, ``masks``
          (:class:`mmdet.structures.mask.BitmapMasks`), N >= 0.
        - ``gt_sem_seg.sem_seg`` (1, H, W) uint8: union of all target masks.
        - ``gt_grasps`` (M, 5): ``[x, y, w, h, theta]`` in pixels and radians.
        - ``no_target`` (bool): the expression means nothing in the image.

    Predictions, in original pixels unless ``pred_frame`` says ``'input'``:
        - ``pred_instances``: ``bboxes`` (Q, 4), ``scores`` (Q,) in [0, 1], ``masks`` (Q, H, W) bool, ``points`` (Q, 2).
        - ``pred_sem_seg.sem_seg`` (1, H, W) bool: the mask that metrics score; ``pred_global_mask`` (1, H, W) bool: the
          part of it that no instance decides about, ``mask_output`` how the one is made of the other
          (:func:`mmvg.structures.union_mask`).
        - ``target_score`` in [0, 1] that anything is meant, and ``pred_no_target`` (bool): it is not more than
          ``score_thr``.
        - ``pred_grasps``: ``grasps`` (M, 5) and ``scores`` (M,).
        - ``pred_grasp_maps`` (4, H, W): quality, cos and sin of twice the angle, and opening in pixels, where the model
          keeps them; to look at.
        - ``pred_attention`` (h, w): where the sentence looks in the input, 0 or more, at any resolution; to look at.

    Metainfo:
        - ``dataset``, ``img_id``, ``ref_id``, ``sent_id``: together unique, so metrics can de-duplicate and group.
        - ``img_path``, ``ori_shape`` (H, W), ``img_shape`` (H, W), ``homography_matrix`` (3, 3) from original to
          input pixels, ``gt_frame`` and ``pred_frame`` in ``{'original', 'input'}``.
          :mod:`mmvg.structures.sample_contract` lists them.
        - ``unknown_words`` and ``unread_text``: what the tokenizer had no id for, and what it cut off, if anything.

    Example:
        >>> import torch
        >>> from mmengine.structures import InstanceData
        >>> sample = GroundingSample(metainfo=dict(img_path='scene.jpg', ori_shape=(480, 640)))
        >>> sample.text = 'the red ring'
        >>> sample.gt_instances = InstanceData(bboxes=torch.tensor([[10.0, 20.0, 50.0, 60.0]]))
        >>> sample.ori_shape, sample.gt_instances.bboxes.shape
        ((480, 640), torch.Size([1, 4]))
    """
