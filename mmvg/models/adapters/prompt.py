"""How a sentence is put to a model."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Prompt:
    """Turns an expression into what a model was trained to read.

    Args:
        template: With ``{text}`` where the expression goes.
        lower: Whether the expression is lower-cased.
        drop: Marks that are taken out of the expression, because they mean something to the model: Grounding DINO
            takes what stands between two full stops or question marks for a phrase of its own.

    Raises:
        ValueError: If the template does not say where the expression goes.

    Example:
        >>> Prompt('{text}.', lower=True, drop='.?')('The man in St. Pauli?')
        'the man in st pauli.'
    """

    template: str = '{text}'
    lower: bool = False
    drop: str = ''

    def __post_init__(self) -> None:
        if self.template.count('{text}') != 1:
            raise ValueError(f'prompt.template must have {{text}} once, where the expression goes: {self.template!r}')

    def __call__(self, text: str) -> str:
        """Return the prompt for an expression."""
        text = text.lower() if self.lower else text
        text = ' '.join(text.translate(dict.fromkeys(map(ord, self.drop), ' ')).split())
        return self.template.replace('{text}', text)
