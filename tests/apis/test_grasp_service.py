"""Sentences about a box 600 mm below a camera with 60 pixels of focal length: 1 pixel there is 10 mm."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from camera_messages import FRAME, HEIGHT, WIDTH, KnowingModel, camera_info, colours, depths, header, image

from mmvg.apis.answer_records import answer_of
from mmvg.apis.grasp_sensor import colour_image, depth_image, pinhole_camera, seconds_of
from mmvg.apis.grasp_service import GraspService, GraspSettings, NotReadyError, transform_matrix


def service_of(model=None, **settings):
    service = GraspService(model or KnowingModel(), GraspSettings(**settings))
    service.on_image(colours())
    service.on_depth(depths())
    service.on_camera_info(camera_info())
    return service


def test_a_sentence_is_answered_with_poses_in_the_frame_of_the_image():
    reply = service_of().ask('the box', now=10.5)
    best, second = reply.poses
    assert (best.score, second.score) == pytest.approx((0.8, 0.7))
    assert best.position == pytest.approx([0, 0, 0.6])
    assert (best.opening, second.opening) == pytest.approx((0.06, 0.12))
    assert best.frame == reply.frame == FRAME
    assert reply.pose()['header'] == dict(stamp=dict(sec=10, nanosec=0), frame_id=FRAME)
    assert [found['results'][0]['hypothesis']['class_id'] for found in reply.grasps()['detections']] == ['the box'] * 2
    (box,) = reply.detections()['detections']
    assert box['bbox'] == dict(center=dict(position=dict(x=32, y=24), theta=0), size_x=10, size_y=20)
    summary = reply.summary()
    assert (summary['sentence'], summary['no_target'], len(summary['grasps'])) == ('the box', False, 2)
    assert reply.doubts == []


def test_a_sentence_that_means_nothing_gets_an_answer_without_grasps():
    reply = service_of().ask('the zebra')
    assert reply.pose() is None
    assert reply.grasps()['detections'] == reply.detections()['detections'] == []
    assert reply.summary()['no_target']


def test_a_model_without_grasps_is_asked_for_its_mask():
    (pose,) = service_of(KnowingModel('mask')).ask('the box').poses
    assert pose.opening == pytest.approx(0.11)  # ten pixels and a tenth of margin
    assert abs(pose.angle) < 0.01  # across the upright box
    assert pose.position[:2] == pytest.approx([0, 0], abs=0.006)


def test_an_exported_model_is_asked_as_well():
    class Exported(KnowingModel):
        """Answers as an ``ExportedInferencer`` does."""

        def __call__(self, *arguments, **options):
            return dict(predictions=[answer_of(super().__call__(*arguments, **options)['predictions'][0])])

    reply = service_of(Exported()).ask('the box')
    assert [pose.score for pose in reply.poses] == pytest.approx([0.8, 0.7])


def test_a_model_with_boxes_alone_cannot_grasp():
    with pytest.raises(ValueError, match='boxes alone'):
        service_of(KnowingModel('boxes')).ask('the box')


def test_settings_reach_the_poses():
    down = np.array([[1, 0, 0, 0.4], [0, -1, 0, 0.1], [0, 0, -1, 1.0], [0, 0, 0, 1]])
    asked = []
    reply = service_of(
        min_score=0.75, reach=0.01, base_frame='base', to_base=lambda *about: asked.append(about) or down
    ).ask('the box')
    (pose,) = reply.poses
    assert pose.position == pytest.approx([0.4, 0.1, 0.39])
    assert pose.frame == reply.grasps()['header']['frame_id'] == 'base'
    assert reply.detections()['header']['frame_id'] == FRAME  # boxes are in pixels
    assert asked == [(FRAME, (10, 0))]
    assert service_of(max_opening=0.05).ask('the box').poses == []


@pytest.mark.parametrize(
    ('settings', 'problem'),
    [
        (dict(approach='vertical'), "'vertical' needs"),
        (dict(approach='top', to_base=np.eye), 'approach'),
        (dict(max_opening=85.0), 'max_opening=85'),
        (dict(max_opening=-0.085), 'opens by more than 0 m'),
        (dict(max_opening=0.0), 'opens by more than 0 m'),
        (dict(min_score=90), r'min_score must be a number in \[0, 1\], not 90'),
        (dict(min_score=float('nan')), r'min_score must be a number in \[0, 1\]'),
        (dict(reach=20.0), 'reach=20'),
        (dict(max_age=float('nan')), 'max_age=nan'),
        (dict(max_age=-1.0), 'max_age=-1'),
        (dict(max_skew=-0.1), 'max_skew=-0.1'),
    ],
)
def test_settings_that_can_answer_nothing_are_refused_at_once(settings, problem):
    with pytest.raises(ValueError, match=problem):
        GraspService(KnowingModel(), GraspSettings(**settings))


def test_what_has_not_come_is_named():
    service = GraspService(KnowingModel())
    service.on_image(colours())
    with pytest.raises(NotReadyError, match='no depth and no camera_info has come'):
        service.ask('the box')


def test_the_newest_image_with_a_depth_of_its_time_is_taken():
    service = service_of()
    service.on_image(colours(10.1))
    service.on_depth(depths(10.12, metres=0.5))
    service.on_image(colours(10.2))  # its depth has not come yet
    reply = service.ask('the box', now=10.3)
    assert reply.stamp == (10, 100000000)
    assert reply.poses[0].position[2] == pytest.approx(0.5)


def test_an_image_waits_for_its_own_depth_rather_than_take_that_of_the_frame_before():
    service = service_of()
    for number, time in enumerate((10.0333, 10.0667), 1):
        service.on_image(colours(time))
        if number == 1:
            service.on_depth(depths(time, metres=0.5))
    assert service.newest() == pytest.approx(10.0333)
    service.on_depth(depths(10.0667, metres=0.4))
    assert service.newest() == pytest.approx(10.0667)
    service._depths.popleft()
    service._depths.popleft()
    service._images.clear()
    service.on_image(colours(10.09))  # nothing else will do
    assert service.newest() == pytest.approx(10.09)


def test_images_of_a_clock_that_is_ahead_are_refused():
    with pytest.raises(NotReadyError, match=r'5\.0 s in the future.*another clock'):
        service_of().ask('the box', now=5.0)
    assert service_of().ask('the box', now=9.5).poses


def test_images_without_a_depth_of_their_time_and_old_images_are_refused():
    service = service_of()
    with pytest.raises(NotReadyError, match=r'5\.0 s old'):
        service.ask('the box', now=15.0)
    service.on_image(colours(12.0))
    for _ in range(10):
        service.on_image(colours(12.0))
    with pytest.raises(NotReadyError, match=r'within 0.05 s .* -2.000 s from'):
        service.ask('the box', now=12.0)


def test_an_image_of_another_size_than_its_camera_info_is_refused():
    service = service_of()
    service.on_camera_info(camera_info(width=128, height=96, k=[120.0, 0, 64, 0, 120, 48, 0, 0, 1]))
    with pytest.raises(ValueError, match='64 x 48, its camera_info 128 x 96'):
        service.ask('the box')


def test_doubts_are_told_or_in_strict_mode_refused():
    nothing = depths(metres=0)
    service = service_of()
    service.on_depth(nothing)
    service._depths.popleft()
    reply = service.ask('the box')
    assert reply.poses == []
    assert 'no pixel of the depth image' in reply.doubts[0]
    assert reply.summary()['doubts'] == reply.doubts
    strict = service_of(strict=True)
    strict._depths.clear()
    strict.on_depth(nothing)
    with pytest.raises(ValueError, match='no pixel of the depth image'):
        strict.ask('the box')


PICTURE = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)  # blue, green, red


@pytest.mark.parametrize('padding', [0, 5])
@pytest.mark.parametrize(
    ('encoding', 'array'),
    [
        ('bgr8', PICTURE),
        ('rgb8', PICTURE[..., ::-1]),
        ('rgba8', np.concatenate([PICTURE[..., ::-1], PICTURE[..., :1]], 2)),
        ('bgra8', np.concatenate([PICTURE, PICTURE[..., :1]], 2)),
    ],
)
def test_colours_are_read_in_every_order(encoding, array, padding):
    assert np.array_equal(colour_image(image(np.ascontiguousarray(array), encoding, padding=padding)), PICTURE)


def test_grey_and_compressed_images_are_read():
    grey = colour_image(image(PICTURE[..., 0], 'mono8'))
    assert np.array_equal(grey, np.repeat(PICTURE[..., :1], 3, 2))
    packed = SimpleNamespace(header=header(), format='bgr8; png', data=cv2.imencode('.png', PICTURE)[1].reshape(-1))
    assert np.array_equal(colour_image(packed), PICTURE)


@pytest.mark.parametrize('big', [False, True])
def test_depth_is_read_in_millimetres_and_metres_of_either_byte_order(big):
    values = np.arange(HEIGHT * WIDTH, dtype=np.uint16).reshape(HEIGHT, WIDTH)
    assert np.array_equal(depth_image(image(values, '16UC1', big=big, padding=2)), values)
    metres = depth_image(image((values / 1000).astype(np.float32), '32FC1', big=big))
    assert metres == pytest.approx(values / 1000)
    assert metres.dtype == np.float32


def test_compressed_depth_is_read():
    values = np.arange(HEIGHT * WIDTH, dtype=np.uint16).reshape(HEIGHT, WIDTH)
    png = cv2.imencode('.png', values)[1].tobytes()
    for form, data in (('16UC1; png', png), ('16UC1; compressedDepth png', bytes(12) + png)):
        assert np.array_equal(depth_image(SimpleNamespace(format=form, data=data)), values)
    # 32FC1 is a / depth + b in whole numbers
    a, b = 1000.0, 3.0
    numbers = np.array([[0, 1003, 2003]], np.uint16)
    data = bytes(4) + np.array([a, b], '<f4').tobytes() + cv2.imencode('.png', numbers)[1].tobytes()
    read = depth_image(SimpleNamespace(format='32FC1; compressedDepth png', data=data))
    assert read == pytest.approx(np.array([[np.nan, 1.0, 0.5]]), nan_ok=True)
    with pytest.raises(ValueError, match='no PNG of 16 bits'):
        depth_image(SimpleNamespace(format='16UC1; compressedDepth rvl', data=bytes(20)))


@pytest.mark.parametrize(
    ('read', 'message', 'problem'),
    [
        (colour_image, image(PICTURE[..., 0], 'bayer_rggb8'), 'image_proc turns a raw Bayer image'),
        (depth_image, image(PICTURE, 'rgb8'), 'is this a depth topic'),
        (depth_image, SimpleNamespace(**(vars(depths()) | dict(data=b'123'))), 'has 3 bytes'),
        (depth_image, SimpleNamespace(**(vars(depths()) | dict(step=3))), '3 bytes a row'),
    ],
)
def test_images_that_cannot_be_read_are_refused(read, message, problem):
    with pytest.raises(ValueError, match=problem):
        read(message)


def test_intrinsics_are_k_or_of_rectified_images_p():
    assert pinhole_camera(camera_info()).fx == 60
    assert (pinhole_camera(camera_info(), rectified=True).fx, pinhole_camera(camera_info(), True).cy) == (50, 25)
    assert pinhole_camera(camera_info(p=[0.0] * 12), rectified=True).fx == 60


@pytest.mark.parametrize(
    ('fields', 'problem'),
    [
        (dict(k=[0.0] * 9), 'no calibration'),
        (dict(binning_x=2), 'part of the sensor'),
        (dict(roi=SimpleNamespace(width=20, height=20)), 'part of the sensor'),
        (dict(d=[0.5, 0.0, 0, 0, 0]), r'bends the image by \d+\.\d pixels'),
        (dict(d=[0.1] * 4, distortion_model='equidistant'), 'bends the image by inf'),
        (dict(d=[0.1] * 6), 'd of plumb_bob has 6 numbers; 4, 5, 8, 12 or 14 are read'),
        (dict(width=0, height=0), 'more than 0'),
    ],
)
def test_a_camera_that_is_no_pinhole_is_refused(fields, problem):
    with pytest.raises(ValueError, match=problem):
        pinhole_camera(camera_info(**fields))


def test_a_lens_that_bends_by_less_than_a_pixel_is_a_pinhole():
    assert pinhole_camera(camera_info(d=[0.01, 0, 0, 0, 0])).fx == 60


def test_a_transform_is_a_matrix():
    turn = SimpleNamespace(x=0.0, y=0.0, z=np.sqrt(0.5), w=np.sqrt(0.5))  # a quarter about z
    matrix = transform_matrix(SimpleNamespace(translation=SimpleNamespace(x=1.0, y=2.0, z=3.0), rotation=turn))
    assert matrix @ [1, 0, 0, 1] == pytest.approx([1, 3, 3, 1])


def test_a_stamp_is_seconds():
    assert seconds_of(colours(10.25)) == 10.25
