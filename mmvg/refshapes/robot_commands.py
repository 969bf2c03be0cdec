"""Draw commands to a robot: sentences that mean one object by its class, colour, place or relation to another one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from .evaluator import evaluate
from .expression_sampler import ExpressionSampler
from .expressions import Expression, Noun, Place, Rank, Relation, Single
from .layout import choose
from .wording import SentenceWriter

_KINDS = {'attribute': 0.5, 'place': 0.25, 'relation': 0.25}
_COLOURLESS = 0.5  # share of the sentences that do without colours, where they can
_TRIES = 6  # per wanted command


@dataclass(frozen=True)
class Command:
    """A sentence about one object, and how to find it.

    Args:
        text: The sentence.
        target: Index of the object.
        program: Symbolic program that finds it, as OCID-VLG writes it.
        part: What of it is to be taken, ``'handle'``; None says nothing about that.
    """

    text: str
    target: int
    program: tuple[dict, ...]
    part: str | None = None


def draw_commands(
    sampler: ExpressionSampler, number: int, kinds: Mapping[str, float] = MappingProxyType(_KINDS)
) -> list[Command]:
    """Draw different sentences, each of which means exactly one object beyond doubt.

    Args:
        sampler: Of the picture; its random numbers are the source of every choice.
        number: At most so many.
        kinds: Kind of expression with a single target -> weight.

    Example:
        >>> import numpy as np
        >>> from mmvg.refshapes import SIZES, make_record
        >>> from mmvg.refshapes.records import visible_scene
        >>> record, _ = make_record(SIZES['tiny'], seed=0, split='train', index=0, styles=[])
        >>> sampler = ExpressionSampler(visible_scene(record), np.random.default_rng(0))
        >>> [command.text for command in draw_commands(sampler, 3)]
        ['the blue star', 'the blue ellipse', 'mug']
    """
    rng, writer = sampler.rng, SentenceWriter(sampler.rng)
    found: dict[str, Command] = {}
    for _ in range(_TRIES * number):
        if len(found) == number:
            break
        target = int(rng.integers(len(sampler.scene.objects)))
        sampled = sampler.sample(choose(rng, kinds), target)
        if sampled is None:
            continue
        expression, plain = sampled[0], _without_colours(sampled[0])
        if rng.random() < _COLOURLESS:
            answer = evaluate(plain, sampler.scene)
            expression = plain if answer.certain and answer.targets == (target,) else expression
        if _named_by_class_and_colour(expression):
            text = writer.write(expression)
            found.setdefault(text, Command(text, target, tuple(_program(expression)), expression.part))
    return list(found.values())


def _nouns(expression: Expression) -> list[Noun]:
    """List the nouns of an expression: of its object and, in a relation, of the other one."""
    referent = expression.referent
    return [referent.noun] + ([referent.where.anchor] if isinstance(referent.where, Relation) else [])


def _without_colours(expression: Single) -> Single:
    """Copy an expression without its colours."""
    referent = expression.referent
    where = referent.where
    if isinstance(where, Relation):
        where = replace(where, anchor=replace(where.anchor, colour=None))
    return replace(expression, referent=replace(referent, noun=replace(referent.noun, colour=None), where=where))


def _named_by_class_and_colour(expression: Expression) -> bool:
    """Tell whether every noun names a class, and nothing but a colour beside it."""
    return all(noun.shape and not noun.size and not noun.pattern for noun in _nouns(expression))


def _program(expression: Expression) -> list[dict]:
    """List the nodes by which OCID-VLG's expressions are evaluated, from the anchor to the object."""
    where = expression.referent.where
    nodes: list[dict] = [{'type': 'scene'}]
    if isinstance(where, Relation):
        nodes += [*_filters(where.anchor), {'type': 'unique'}, {'type': 'relate', 'value_inputs': [where.direction]}]
    nodes += _filters(expression.referent.noun)
    if isinstance(where, Place | Rank):
        side = where.name if isinstance(where, Place) else where.side
        nodes.append({'type': 'locate', 'value_inputs': [side]})
    return [*nodes, {'type': 'unique'}, {'type': 'ground'}, {'type': 'return'}]


def _filters(noun: Noun) -> list[dict]:
    """List the nodes that filter by class and colour."""
    filters = [{'type': 'filter_category', 'value_inputs': [noun.shape]}]
    return filters + ([{'type': 'filter_color', 'value_inputs': [noun.colour]}] if noun.colour else [])
