import numpy as np

from mmvg.apis.answering import Question, answer_questions
from mmvg.structures import Candidates


class Exported:
    """Gives answers with candidates, as exported models do, and no samples."""

    score_thr = 0.5

    def __call__(self, images, texts, **options):
        made = Candidates(boxes=np.eye(4, dtype=np.float32), scores=np.array([0.2, 0.9, 0.6, 0.4], dtype=np.float32))
        answers = [made.at(0.1, expression=text, image=number, size=(4, 4)) for number, text in enumerate(texts)]
        return dict(predictions=answers)


def test_answers_of_exported_models_get_the_threshold_and_name_of_their_question():
    picture = np.zeros((4, 4, 3), np.uint8)
    asked = [Question(picture, 'x', 'a.png'), Question(picture, 'y', score_thr=0.7, whole=True)]
    first, second = answer_questions(Exported(), asked)
    assert (len(first['boxes']), first['image'], first['score_thr']) == (2, 'a.png', 0.5)
    assert (len(second['boxes']), second['score_thr'], 'image' in second) == (1, 0.7, False)
    assert len(second['candidates']['boxes']) == 4
