import numpy as np

from mmvg.webpage.scenes import draw_example


def test_a_number_gives_one_scene_and_different_sentences_about_it():
    image, sentences = draw_example(1)
    again, same = draw_example(1)
    assert (image == again).all()
    assert sentences == same
    assert image.dtype == np.uint8
    assert image.shape[2] == 3
    for number in range(5):
        _, sentences = draw_example(number)
        assert 2 <= len(set(sentences)) == len(sentences) <= 4
    assert draw_example(2)[0].shape != image.shape or (draw_example(2)[0] != image).any()


def test_what_is_nowhere_in_the_picture_is_asked_last():
    from mmvg.refshapes import SIZES, make_record
    from mmvg.webpage.scenes import FIRST_SEED

    denied = 0
    for number in range(8):
        record, _ = make_record(SIZES['small'], FIRST_SEED + number, 'val', number, ['grefcoco'])
        kinds = {s.sent: s.kind for reference in record.references['grefcoco'] for s in reference.sentences}
        asked = [kinds[sentence] for sentence in draw_example(number)[1]]
        assert 'no_target' not in asked[:-1]
        assert (asked[-1] == 'no_target') == ('no_target' in kinds.values())
        denied += asked[-1] == 'no_target'
    assert denied
