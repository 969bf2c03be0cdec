"""The JSON of requests and answers, from which the OpenAPI description is made."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Box = Annotated[list[float], Field(min_length=4, max_length=4)]
Point = Annotated[list[float], Field(min_length=2, max_length=2)]
Grasp = Annotated[list[float], Field(min_length=5, max_length=5)]


class GroundRequest(BaseModel):
    """A picture and what to look for in it."""

    model_config = ConfigDict(extra='forbid', strict=True)

    image: Annotated[
        str | None, Field(description='The file of the picture in base64, bare or as a data: address.')
    ] = None
    path: Annotated[
        str | None, Field(description='Instead: a picture below the folder that the server was started with.')
    ] = None
    sentences: Annotated[list[str], Field(min_length=1, description='What to look for.')]
    model: Annotated[str | None, Field(description='Which of /v1/models; by default the first.')] = None
    score_thr: Annotated[
        float | None, Field(ge=0, le=1, description='What scores more is there; by default that of the model.')
    ] = None
    whole: Annotated[bool, Field(description='Give all candidates too, whatever their score.')] = False


class UploadForm(BaseModel):
    """The same as a form: a file, and a field for each sentence."""

    image: Annotated[str, Field(description='The file.', json_schema_extra=dict(format='binary'))]
    sentences: list[str]
    model: str | None = None
    score_thr: float | None = None
    whole: bool = False


class MaskRLE(BaseModel):
    """A mask in COCO's compressed run-length code."""

    size: Annotated[list[int], Field(min_length=2, max_length=2)]
    counts: str


class AnswerRecord(BaseModel):
    """The answer to one sentence, in pixels of the upright picture; a model gives the keys that it has answers for."""

    version: int
    image: str | None = None
    expression: str
    size: Annotated[list[int], Field(min_length=2, max_length=2, description='Height and width.')]
    frame: str
    score_thr: float
    no_target: bool
    target_score: float | None = None
    boxes: list[Box] | None = None
    scores: list[float] | None = None
    masks: list[MaskRLE] | None = None
    points: list[Point] | None = None
    mask: MaskRLE | None = None
    grasps: list[Grasp] | None = None
    grasp_scores: list[float] | None = None
    unknown_words: list[str] | None = None
    unread_text: str | None = None
    candidates: dict[str, Any] | None = None


class GroundResponse(BaseModel):
    """The answers, in the order of the sentences: the same form as a file of answers."""

    version: int
    model: str
    predictions: list[AnswerRecord]


class ErrorContent(BaseModel):
    """A word for programs, and a sentence for people."""

    code: str
    message: str


class ErrorResponse(BaseModel):
    """What comes in place of an answer."""

    error: ErrorContent
