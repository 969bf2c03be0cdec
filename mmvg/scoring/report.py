"""Score a file of answers, and say how: protocol, unit, rule, unparsed answers, and hashes of data and answers."""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mmvg.checks import check_choice
from mmvg.scoring.answer_file import EXAMPLES, AnswerFile
from mmvg.scoring.declaration import Declaration, DeclarationError
from mmvg.scoring.findings import Findings
from mmvg.scoring.per_sample import PerSampleWriter
from mmvg.scoring.scorer import ChunkScores, Scorer, score_chunks
from mmvg.scoring.text_formats import TEXT_FORMATS
from mmvg.scoring.truth import Truth, TruthSample

#: What does not fit between data and answers -> how the report calls one.
MISFITS = {'missing': 'missing answer', 'double': 'double answer', 'unknown': 'unknown id'}
_CURES = {
    'missing': 'the test did not run to its end, or on other data; --allow missing scores them as wrong',
    'double': 'the file was written twice or by several processes; --allow double counts the first',
    'unknown': 'the answers belong to other data or another split; --allow unknown leaves them out',
}


class MisfitError(ValueError):
    """Answers and data do not fit together."""


@dataclass(frozen=True)
class ScoreReport:
    """Scores, and all that has to be known to compare them.

    Args:
        scores: In percent, by name.
        protocol: ``name``, ``metric`` and every choice that changes the numbers.
        declaration: How the numbers of the answers were read.
        data: ``name`` and ``sha256`` of the truth: ids, sentences, boxes and masks in order.
        answers: ``file`` and ``sha256``.
        counts: ``expressions``, ``answers``, and how often each oddity was met.
        examples: The first of each oddity.
        warnings: What should be looked at before the numbers are believed.
    """

    scores: dict[str, float]
    protocol: dict[str, Any]
    declaration: dict[str, Any]
    data: dict[str, str]
    answers: dict[str, str]
    counts: dict[str, int]
    examples: dict[str, list[str]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Describe everything, a line each."""
        described = ', '.join(f'{name}={value}' for name, value in self.protocol.items())
        declared = ', '.join(f'{name}={value}' for name, value in self.declaration.items())
        made = [
            f'protocol: {described}',
            f'declared: {declared}',
            f'data:     {self.data["name"]}, {self.counts["expressions"]} expressions, {_short(self.data)}',
            f'answers:  {self.answers["file"]}, {self.counts["answers"]} answers, {_short(self.answers)}',
        ]
        for kind, count in self.counts.items():
            if kind not in ('expressions', 'answers'):
                examples = '; '.join(self.examples.get(kind, [])[:2])
                made.append(f'{kind}: {count}' + (f' (such as {examples})' if examples else ''))
        made += [f'WARNING: {warning}' for warning in self.warnings]
        return made + [f'{name}: {value:.4f}' for name, value in self.scores.items()]


def score_answers(
    truth: Truth,
    answers: str | Path,
    protocol: str,
    declared: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    allow: Collection[str] = (),
    processes: int = 1,
    per_sample: str | Path | None = None,
) -> ScoreReport:
    """Score the answers of a file.

    Memory does not grow with the answers but for 30 bytes each, unless the protocol is one that needs all records in
    the end (``rref``, ``grasp_anything``).

    Args:
        truth: What is scored against.
        answers: JSON lines, see docs/scoring.md.
        protocol: See :data:`mmvg.scoring.protocols.PROTOCOLS`.
        declared: Settings of :class:`mmvg.scoring.declaration.Declaration`; the first line of the file may hold them
            instead.
        settings: Arguments of the metric that replace those of the protocol.
        allow: Of ``'missing'``, ``'double'`` and ``'unknown'``, what may be; else it is an error.
        processes: How many processes score; the digits do not depend on it.
        per_sample: Write the table of single expressions to this file (:mod:`mmvg.scoring.per_sample`).

    Raises:
        AnswerError: If an answer cannot be used; names file and line.
        DeclarationError: If something is not declared, or twice and differently.
        MisfitError: If answers are missing, double or unknown, and that is not allowed.
    """
    for name in allow:
        check_choice('allow', name, tuple(MISFITS))
    file = AnswerFile(answers)
    declaration = Declaration.of(_agreed(file, declared or {}))
    scorer = Scorer(file, declaration, protocol, settings, with_rows=per_sample is not None)
    _refuse(
        'double', len(file.doubles), [f'{file.where(p)}: {file.question_at(p)}' for p in file.doubles[:EXAMPLES]], allow
    )
    total, used, digest = ChunkScores(), np.zeros(len(file), dtype=bool), hashlib.sha256()
    pictures = np.zeros(len(file) if file.by_image else 0, dtype=np.int64)
    with PerSampleWriter(per_sample) as table:
        for chunk in score_chunks(scorer, _digested(truth, digest), processes):
            _check_pictures(pictures, chunk, file)
            _mark(used, chunk, file)
            table.add(chunk.rows)
            total.add(chunk)
        findings = total.findings
        _refuse('missing', findings.counts['missing answer'], findings.examples.get('missing answer', []), allow)
        used[file.doubles] = True
        stray = np.flatnonzero(~used)
        strays = [f'{file.where(place)}: {file.question_at(place)}' for place in stray[:EXAMPLES].tolist()]
        _refuse('unknown', len(stray), strays, allow)
        findings.count('unknown id', number=len(stray))
        findings.count('double answer', number=len(file.doubles))
        findings.examples |= {'unknown id': strays} if strays else {}
        report = ScoreReport(
            scores=scorer.results(total),
            protocol=dict(name=protocol, metric=type(scorer.metric).__name__, **scorer.metric.protocol),
            declaration=_declared(declaration),
            data=dict(name=truth.name, sha256=digest.hexdigest()),
            answers=dict(file=file.path.name, sha256=file.sha256),
            counts=dict(expressions=total.count + total.boxes_only, answers=len(file), **_reported(findings)),
            examples=findings.examples,
            warnings=_warnings(findings, declaration, scorer.uncounted(total)),
        )
        about = {name: getattr(report, name) for name in ('protocol', 'declaration', 'data', 'answers', 'scores')}
        table.finish(about)
    return report


def _agreed(file: AnswerFile, declared: Mapping[str, Any]) -> dict[str, Any]:
    """Join what the command line and the first line of the file declare."""
    given = {name: value for name, value in declared.items() if value is not None}
    for name in given.keys() & file.declaration.keys():
        if given[name] != file.declaration[name]:
            raise DeclarationError(
                f'{name} is declared as {given[name]!r}, but the first line of {file.path} says '
                f'{file.declaration[name]!r}: leave one of them out'
            )
    return file.declaration | given


def _declared(declaration: Declaration) -> dict[str, Any]:
    """Return the declaration, with the unit that a text format fixes."""
    made = declaration.as_dict()
    if declaration.text_format is not None and (unit := TEXT_FORMATS[declaration.text_format].unit):
        made['unit'] = unit
    return made


def _digested(truth: Truth, digest: Any) -> Iterator[TruthSample]:
    """Pass expressions on, and add what they are to the hash of the data."""
    for sample in truth:
        masks = None if sample.masks is None else [_plain(mask) for mask in sample.masks]
        grasps = None if sample.grasps is None else sample.grasps.tolist()
        content = [dict(sample.ids), sample.sentence, sample.size, sample.boxes.tolist(), masks, grasps]
        digest.update(json.dumps(content, separators=(',', ':')).encode())
        yield sample


def _short(hashed: Mapping[str, str]) -> str:
    return f'sha256 {hashed["sha256"][:16]}'


def _plain(mask: Any) -> Any:
    return mask if isinstance(mask, dict) else [np.asarray(polygon).tolist() for polygon in mask]


def _mark(used: np.ndarray, chunk: ChunkScores, file: AnswerFile) -> None:
    """Note which answers were asked for; by ids, each may be but once."""
    if not file.by_image:
        seen = set()
        for place in chunk.used:
            if used[place] or place in seen:
                raise MisfitError(
                    f'{file.where(place)}: {file.question_at(place)} is the id of several expressions of the data: '
                    'write all of dataset, img_id, ref_id and sent_id'
                )
            seen.add(place)
    used[chunk.used] = True


def _check_pictures(pictures: np.ndarray, chunk: ChunkScores, file: AnswerFile) -> None:
    """Check that each answer is asked for by expressions about one picture.

    Args:
        pictures: Of each answer, a hash of the path of the picture that it was asked for; 0 if it was not yet.
        chunk: Expressions that were scored.
        file: The answers.

    Raises:
        MisfitError: If an answer would count for two pictures of one name.
    """
    for place, image in zip(chunk.used, chunk.images, strict=file.by_image):
        code = hash(image) or 1
        if pictures[place] not in (0, code):
            name = Path(image).name
            raise MisfitError(
                f'{file.where(place)}: two pictures of the data are called {name}, one of them {image}, and this '
                'answer would count for both: write ids or full paths, and an answer for each'
            )
        pictures[place] = code


def _refuse(misfit: str, count: int, examples: list[str], allow: Collection[str]) -> None:
    """Raise if something does not fit that is not allowed to."""
    if count and misfit not in allow:
        plural = f'{count} {MISFITS[misfit]}{"s" if count > 1 else ""}'
        raise MisfitError(f'{plural}, such as {"; ".join(examples[:EXAMPLES])}: {_CURES[misfit]}')


def _reported(findings: Findings) -> dict[str, int]:
    """Return the counts that a report names; the number of unparsed texts always."""
    unparsed = findings.counts['unparsed text'] + findings.counts['empty text']
    hidden = ('box', 'box within one unit', 'unparsed text')
    return dict(unparsed=unparsed) | {
        kind: count for kind, count in sorted(findings.counts.items()) if kind not in hidden and count
    }


def _warnings(findings: Findings, declaration: Declaration, uncounted: list[str]) -> list[str]:
    """Say what makes the declared unit doubtful, and which numbers say nothing."""
    boxes, beyond, tiny = (findings.counts[kind] for kind in ('box', 'box beyond the frame', 'box within one unit'))
    made = []
    unit = _declared(declaration).get('unit')
    if beyond:
        example = findings.examples['box beyond the frame'][0]
        made.append(
            f'{beyond} of {boxes} boxes lie beyond the frame by more than a tenth, which {unit} in frame '
            f'{declaration.frame} makes impossible, such as {example}: are unit, frame and layout declared as they are?'
        )
    if boxes and tiny == boxes:
        made.append(f'every number lies between 0 and 1, which are fractions: {unit} is declared')
    if uncounted:
        made.append(f'no expression of the data counts for {", ".join(uncounted)}')
    return made
