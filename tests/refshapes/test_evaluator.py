import pytest

from mmvg.refshapes.evaluator import evaluate
from mmvg.refshapes.expressions import Conjunction, Count, Group, Noun, Place, Rank, Referent, Relation, Single, kind_of
from mmvg.refshapes.visible_scene import VisibleObject, VisibleScene

# a picture of 160 x 120: 1.333 x 1 in units of its short side
VIEW = VisibleScene(
    4 / 3,
    1.0,
    (
        VisibleObject('star', 'red', 'small', 'plain', 0.20, 0.20, False),  # 0
        VisibleObject('star', 'blue', 'large', 'striped', 0.65, 0.50, False),  # 1
        VisibleObject('star', 'blue', 'small', 'plain', 1.10, 0.85, False),  # 2
        VisibleObject('mug', 'red', 'large', 'plain', 0.60, 0.15, True),  # 3
        VisibleObject('pan', 'green', 'large', 'plain', 0.25, 0.80, False),  # 4: its handle is hidden
    ),
)
STAR, MUG, BLUE_STAR = Noun('star'), Noun('mug'), Noun('star', 'blue')


def one(noun, where=None, part=None):
    return Single(Referent(noun, where), part)


@pytest.mark.parametrize(
    ('expression', 'targets'),
    [
        (one(MUG), (3,)),
        (one(Noun(colour='green')), (4,)),
        (one(Noun('star', 'blue', size='small')), (2,)),
        (one(Noun('star', 'blue', pattern='striped')), (1,)),
        (one(Noun('mug', 'blue')), ()),
        (one(STAR, Place('top left')), (0,)),
        (one(STAR, Place('middle')), (1,)),
        (one(MUG, Place('bottom')), ()),
        (one(STAR, Rank(1, 'right')), (2,)),
        (one(STAR, Rank(2, 'top')), (1,)),
        (one(Noun('ring'), Rank(2, 'top')), ()),
        (one(STAR, Relation('left of', MUG)), (0,)),  # star 1 is 0.05 on the other side
        (one(STAR, Relation('above', MUG)), ()),
        (one(MUG, part='handle'), (3,)),
        (Group(Referent(STAR)), (0, 1, 2)),
        (Group(Referent(BLUE_STAR), both=True), (1, 2)),
        (Count(Referent(STAR), 3), (0, 1, 2)),
        (Conjunction(one(MUG), one(Noun('star', 'red'))), (0, 3)),
        (Conjunction(one(Noun('ring')), one(Noun('mug', 'blue'))), ()),
    ],
)
def test_certain_answers(expression, targets):
    answer = evaluate(expression, VIEW)
    assert (answer.targets, answer.certain) == (targets, True)


@pytest.mark.parametrize(
    'expression',
    [
        one(STAR),  # three of them
        one(BLUE_STAR, Place('left')),  # star 1 at 0.488 of the width: neither left nor clearly not
        one(MUG, Rank(1, 'left')),  # the only one
        one(Noun(), Rank(1, 'left')),  # 0.20 and 0.25 are level
        one(STAR, Relation('left of', BLUE_STAR)),  # of which one?
        one(Noun('pan'), Relation('left of', MUG)),  # 0.35 to the left, but 0.65 below
        one(Noun('pan'), part='handle'),
        Group(Referent(MUG)),
        Group(Referent(STAR), both=True),
        Count(Referent(STAR), 2),
        Conjunction(one(MUG), one(Noun('mug', 'red'))),  # twice the same
        Conjunction(one(MUG), one(Noun('ring'))),  # half of it is missing
    ],
)
def test_uncertain_answers(expression):
    assert not evaluate(expression, VIEW).certain


@pytest.mark.parametrize(
    ('expression', 'kind'),
    [
        (one(STAR), 'attribute'),
        (one(STAR, Place('left')), 'place'),
        (one(STAR, Rank(1, 'left')), 'place'),
        (one(STAR, Rank(2, 'left')), 'ordinal'),
        (one(STAR, Relation('above', MUG)), 'relation'),
        (one(MUG, part='handle'), 'part'),
        (Group(Referent(STAR)), 'group'),
        (Count(Referent(STAR), 3), 'count'),
        (Conjunction(one(MUG), one(STAR)), 'conjunction'),
    ],
)
def test_every_expression_has_a_kind(expression, kind):
    assert kind_of(expression) == kind
