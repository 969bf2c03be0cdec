"""By what an expression tells its target from others, read off its words by lists that anybody can check.

Data that know better say so (RefShapes writes the kind of every sentence); for all others the rule is this: an
expression is of **each** kind of which a word or phrase of the lists below stands in it, and of kind ``name`` if none
does. Longer phrases come first and use up their words: "to the left of the sofa" is a relation, "on the left" a place.
The rule knows English spelling, not meaning; it is for averages over many expressions.
"""

import re

#: All kinds, in the order in which they are reported.
KINDS = ('name', 'attribute', 'place', 'relation', 'ordinal', 'count', 'part', 'negation')

#: Kinds that RefShapes tells apart -> ours. Two objects joined by "and" and expressions without a target have none.
DATA_KINDS = {'group': 'count', 'conjunction': None, 'no_target': None}


def _listed(words: str) -> tuple[str, ...]:
    return tuple(words.split())


COLOURS = _listed(
    """red orange yellow green blue purple violet pink brown black white grey gray silver gold golden beige tan maroon
    navy teal turquoise cyan magenta cream khaki blond blonde brunette dark light bright pale colored coloured
    colorful colourful reddish greenish bluish"""
)
SIZES = _listed(
    """big bigger biggest large larger largest small smaller smallest tiny little huge giant tall taller tallest short
    shorter shortest long longer longest wide wider widest narrow thick thin thinner fat skinny slim"""
)
LOOKS = _listed(
    """striped stripes stripy dotted dots plain checkered chequered plaid floral flowered patterned spotted polka shiny
    blurry blurred wooden wood metal metallic plastic glass leather stone brick ceramic paper round square
    rectangular oval curly bald bearded beard mustache moustache young younger youngest old older oldest elderly
    open opened closed empty full broken dirty clean wet bare naked shirtless barefoot smiling laughing sleeping
    sitting standing lying kneeling squatting crouching bending running walking jumping"""
)
CLOTHES = _listed(
    """hat hats cap helmet shirt tshirt tee sweater jacket coat vest suit tie dress skirt pants trousers jeans shorts
    shoes boots sneakers socks gloves scarf glasses sunglasses goggles uniform jersey apron hoodie robe backpack
    stripes plaid costume clothes outfit bikini swimsuit wetsuit headband"""
)
PARTS = _listed(
    """handle handles leg legs arm arms hand hands finger fingers thumb foot feet head heads face hair ear ears eye
    eyes nose mouth neck shoulder knee elbow tail tails trunk wing wings beak paw paws hoof horn horns wheel wheels
    tire tyre door doors window windows windshield headlight mirror roof hood lid cap blade stem leaf crust sleeve"""
)
NUMBERS = _listed('two three four five six seven eight nine ten eleven twelve')
QUANTITIES = _listed('both all every each several many few pair pairs couple trio everyone everybody everything')
ORDINALS = _listed('first second third fourth fifth sixth seventh eighth ninth tenth last')
SIDES = _listed('left right top bottom')
PLACES = _listed(
    """left right top bottom middle center centre central corner edge upper lower background foreground front back rear
    side far leftmost rightmost topmost bottommost uppermost lowermost lefthand righthand lefty righty"""
)
RELATIONS = _listed(
    """behind beside besides between above below beneath under underneath over among amongst amid inside outside within
    opposite against around across along near nearby nearest closest closer nearer farthest furthest facing touching
    holding carrying riding pulling pushing leaning hugging chasing following surrounding covering overlapping
    adjacent atop beyond past towards toward"""
)
NEGATIONS = _listed(
    """not no none never without neither nor except excluding isn't aren't doesn't don't didn't hasn't haven't wasn't
    weren't can't cannot isnt arent doesnt dont"""
)

_ENDINGS = {word + ending for word in SIDES for ending in ('most', 'ward', 'wards', 'side', 'hand')}
_PICTURE = r'(?:the |this )?(?:picture|image|photo|photograph|pic|frame|screen|scene|shot|view|row|group)\b'
_PLACE = '|'.join(sorted({*PLACES, *_ENDINGS}, key=len, reverse=True))
_PART = '|'.join(PARTS)
_COLOUR = '|'.join(COLOURS)
_AT = r'(?:(?:on|to|at|in|near|by|from|toward|towards) )?'


def _words(*lists: tuple[str, ...]) -> str:
    """Return a pattern of any of the words of several lists."""
    return rf'(?:{"|".join(re.escape(word) for words in lists for word in words)})'


#: Kind and pattern, tried in this order; what a pattern finds is used up. A rule of no kind only uses up.
RULES: tuple[tuple[str, re.Pattern], ...] = tuple(
    (kind, re.compile(rf'\b(?:{pattern})(?!\w)'))
    for kind, pattern in (
        ('negation', rf'{_words(NEGATIONS)}|other than|apart from|instead of'),
        ('part', rf'(?:held )?by (?:its|his|her|their|the) (?:\w+ )?(?:{_PART})'),
        ('part', rf"(?:(?<='s )|(?<=s' ))(?:\w+ )?(?:{_PART})"),
        ('part', rf'(?:{_PART}) of|parts? of|half of|piece of|end of'),
        ('', r'right(?= (?:next|behind|beside|above|below|under|in front|by|on top|near)\b)'),  # it only stresses
        # a side of the picture is a place, a side of a thing a relation
        ('place', rf'{_AT}(?:the )?(?:(?:{_PLACE}) )+(?:(?:hand )?(?:side|corner|part|half|edge) )?of {_PICTURE}'),
        ('place', rf'{_AT}(?:the )?(?:middle|center|centre|leftmost|rightmost|topmost|bottommost) of'),
        (
            'relation',
            r'(?:(?:on|to|at) )?(?:the )?(?:(?:far|immediate) )?(?:left|right)(?: hand)?(?: side)? (?:of|from)',
        ),
        ('relation', r'(?:(?:on|in|at) )?(?:the )?(?:top|front|back|rear|side|bottom|corner|edge) of'),
        (
            'relation',
            r'next to|(?:close|closest|nearest|attached|connected) to|(?:farthest|furthest|away|out) (?:of|from)',
        ),
        ('count', r'(?:one|a pair|a couple|pair|couple|all|both|each) of'),
        ('place', rf'{_AT}(?:the )?(?:(?:very|far|extreme) )?(?:{_PLACE})'),
        ('ordinal', rf'{_words(ORDINALS)}|\d+(?:st|nd|rd|th)'),
        ('attribute', r'(?:number|no|jersey|#) ?#?\d+|that (?:reads|says)|reading|saying|labell?ed|named|numbered'),
        ('attribute', rf'in (?:all )?(?:{_COLOUR})(?: and (?:{_COLOUR}))?'),
        ('count', rf'{_words(NUMBERS, QUANTITIES)}|\d{{1,2}}(?= [a-z])'),
        # what somebody wears, and what belongs to a thing
        ('attribute', rf'wearing|wears?|dressed|with(?= \w)|in (?:(?:\w+ ){{0,3}}){_words(CLOTHES)}'),
        ('relation', rf'{_words(RELATIONS)}|(?:on|in|at|by|from|into|onto)(?= \w)'),
        ('attribute', _words(COLOURS, SIZES, LOOKS)),
    )
)


def expression_kinds(text: str) -> tuple[str, ...]:
    """Read off its words by what an expression tells its target from others.

    Args:
        text: English, of any case and punctuation.

    Returns:
        Some of :data:`KINDS`, in their order.

    Example:
        >>> expression_kinds('the yellow van behind the bus')
        ('attribute', 'relation')
        >>> [expression_kinds(text)[0] for text in ('man on the left', 'to the left of the sofa', 'the mug')]
        ['place', 'relation', 'name']
    """
    rest = ' '.join(re.findall(r"[\w'#-]+", text.lower().replace('\u2019', "'")))
    found = set()
    for kind, pattern in RULES:
        rest, count = pattern.subn('|', rest)
        if count and kind:
            found.add(kind)
    return tuple(kind for kind in KINDS if kind in found) or ('name',)
