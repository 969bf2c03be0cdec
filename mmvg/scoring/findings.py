"""What is odd in a file of answers and is counted rather than refused."""

from collections import Counter
from dataclasses import dataclass, field

#: Examples that are kept per kind.
MAX_EXAMPLES = 5


@dataclass
class Findings:
    """Counts by kind, with the first examples of each.

    Example:
        >>> findings = Findings()
        >>> findings.count('empty text', 'a.jsonl, line 3')
        >>> findings.counts['empty text'], findings.examples['empty text']
        (1, ['a.jsonl, line 3'])
    """

    counts: Counter = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def count(self, kind: str, example: str | None = None, number: int = 1) -> None:
        """Count ``number`` of a kind, and keep the example if there are few."""
        if number:
            self.counts[kind] += number
            if example is not None:
                self._keep(kind, [example])

    def add(self, other: 'Findings') -> None:
        """Count what ``other`` has counted as well."""
        self.counts.update(other.counts)
        for kind, examples in other.examples.items():
            self._keep(kind, examples)

    def _keep(self, kind: str, examples: list[str]) -> None:
        kept = self.examples.setdefault(kind, [])
        kept += examples[: MAX_EXAMPLES - len(kept)]
