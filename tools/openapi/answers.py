"""What the models of answers share: their base, and words with a form of their own."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

ID_PATTERN = "^vid_[a-z0-9]{24,64}$"
UPLOAD_PATTERN = "^upload_[a-z2-7]{26}$"
TaskId = Annotated[
    str, Field(pattern=ID_PATTERN, description="Unguessable; the same task in both dialects.")
]
Instant = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$",
        json_schema_extra={"format": "date-time"},
    ),
]
Progress = Annotated[int, Field(ge=0, le=100, description="Per cent; never goes back.")]
ProgressSource = Literal["provider", "estimate"]
Url = Annotated[str, Field(json_schema_extra={"format": "uri"})]
Size = Annotated[str, Field(pattern="^[0-9]+x[0-9]+$")]


class Answer(BaseModel):
    """Every key is always there and no other is, unless a field says otherwise."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)
