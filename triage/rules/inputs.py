"""Typed inputs of the guidelines (clinical rules, section 5), as pydantic models.

Every clinical input may be null, and null means "not known": no field has a clinical default.
Whether a null matters is decided where a rule needs it. Unknown field names, unknown words and
quantities that are not quantities are refused while reading, each with the path of the field.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    StrictBool,
    StrictInt,
    StrictStr,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from triage.rules.quantity import UNITS, Dimension, Quantity, QuantityError, quantity
from triage.rules.result import Reason
from triage.rules.words import (
    AirwayChange,
    AirwayLevel,
    Calcification,
    CystChange,
    CystWall,
    Feature,
    FindingStatus,
    JuxtapleuralShape,
    Kind,
    Locularity,
    LungRads,
    Margin,
    NoduleType,
    PriorCt,
    Purpose,
    Risk,
)


def _as_quantity(
    raw: object, *, dimension: Dimension, zero_allowed: bool = False
) -> Quantity | None:
    if raw is None or isinstance(raw, Quantity):
        return raw
    try:
        return quantity(raw, dimension, zero_allowed=zero_allowed)
    except QuantityError as error:
        raise PydanticCustomError(error.code, "{because}", {"because": error.message}) from error


# Before Hounsfield and far ahead: a slip, and month arithmetic stays inside the calendar.
CT_YEARS = range(1970, 2200)


def _as_date(raw: object) -> date | None:
    if raw is None or type(raw) is date:
        return raw
    try:
        day = date.fromisoformat(raw if isinstance(raw, str) else "")
    except ValueError:
        day = None
    if day is None or day.year not in CT_YEARS:
        because = f"the date {raw!r:.20} is not a date YYYY-MM-DD on which a CT was made"
        raise PydanticCustomError("date_wrong", "{because}", {"because": because})
    return day


def _schema(dimension: Dimension) -> WithJsonSchema:
    units = [name for name, (kind, _) in UNITS.items() if kind is dimension]
    value = {"type": ["number", "string"], "description": "as typed; text keeps every digit"}
    properties = {"value": value, "unit": {"enum": units}}
    both = ["value", "unit"]
    amount = {"type": "object", "properties": properties, "required": both}
    text = {"type": "string", "examples": [f"6.2 {units[0]}"]}
    closed = amount | {"additionalProperties": False}
    return WithJsonSchema({"anyOf": [closed, text, {"type": "null"}]})


def _reader(dimension: Dimension, *, zero_allowed: bool = False) -> Callable[[Any], Any]:
    return partial(_as_quantity, dimension=dimension, zero_allowed=zero_allowed)


Length = Annotated[
    Quantity | None, PlainValidator(_reader(Dimension.LENGTH)), _schema(Dimension.LENGTH)
]
Volume = Annotated[
    Quantity | None, PlainValidator(_reader(Dimension.VOLUME)), _schema(Dimension.VOLUME)
]
TimeSpan = Annotated[
    Quantity | None, PlainValidator(_reader(Dimension.TIME)), _schema(Dimension.TIME)
]
LengthOrZero = Annotated[
    Quantity | None,
    PlainValidator(_reader(Dimension.LENGTH, zero_allowed=True)),
    _schema(Dimension.LENGTH),
]
VolumeOrZero = Annotated[
    Quantity | None,
    PlainValidator(_reader(Dimension.VOLUME, zero_allowed=True)),
    _schema(Dimension.VOLUME),
]
Day = Annotated[
    date | None,
    PlainValidator(_as_date),
    WithJsonSchema({"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]}),
]


class Input(BaseModel):
    """Base of all inputs: unknown fields are refused, values do not change afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Size(Input):
    """Size of a whole nodule: long and short axis, or their mean, or a segmented volume."""

    long: Length = None
    short: Length = None
    mean: Length = None
    volume: Volume = None
    at_most_3_mm: StrictBool | None = None


class ComponentSize(Input):
    """Size of the solid part, ground glass left out; zero says that there is none."""

    long: LengthOrZero = None
    short: LengthOrZero = None
    mean: LengthOrZero = None
    volume: VolumeOrZero = None


class Prior(Input):
    """The same finding on the exam before."""

    size: Size | None = None
    solid_component: ComponentSize | None = None
    type: NoduleType | None = None
    date: Day = None
    interval: TimeSpan = None
    category: LungRads | None = None
    proven_benign: StrictBool | None = None


class Airway(Input):
    """An endobronchial or endotracheal finding."""

    level: AirwayLevel | None = None
    air_favours_secretions: StrictBool | None = None
    change: AirwayChange | None = None


class Cyst(Input):
    """An (atypical) pulmonary cyst; an empty `changes` list says "no change"."""

    wall: CystWall | None = None
    locularity: Locularity | None = None
    fluid_containing: StrictBool | None = None
    multiple_cysts: StrictBool | None = None
    changes: list[CystChange] | None = None


class Finding(Input):
    """One radiologist-confirmed finding."""

    id: StrictStr | None = Field(default=None, min_length=1, max_length=200)
    kind: Kind | None = None
    type: NoduleType | None = None
    status: FindingStatus | None = None
    size: Size | None = None
    solid_component: ComponentSize | None = None
    calcification: Calcification | None = None
    fat_containing: StrictBool | None = None
    margin: Margin | None = None
    juxtapleural_shape: JuxtapleuralShape | None = None
    airway: Airway | None = None
    cyst: Cyst | None = None
    features: list[Feature] | None = None
    slow_growth: StrictBool | None = None
    favours_malignancy: StrictBool | None = None
    most_suspicious: StrictBool | None = None
    prior: Prior | None = None


class Exam(Input):
    """The exam that is read."""

    purpose: Purpose | None = None
    prior_ct: PriorCt | None = None
    lungs_fully_evaluable: StrictBool | None = None
    inflammatory_infectious_suspected: StrictBool | None = None
    known_lung_cancer: StrictBool | None = None
    date: Day = None
    slice_thickness: Length = None
    significant_other_finding: StrictBool | None = None
    significant_other_finding_known: StrictBool | None = None


class Patient(Input):
    """What Fleischner 2017 needs to know of the patient."""

    age_years: Annotated[StrictInt, Field(ge=0, le=130)] | None = None
    known_cancer: StrictBool | None = None
    immunosuppressed: StrictBool | None = None
    risk: Risk | None = None


class Reading(Input):
    """One exam with its findings: input of `lungrads2022` and `fleischner2017`."""

    exam: Exam = Field(default_factory=Exam)
    patient: Patient = Field(default_factory=Patient)
    findings: Annotated[list[Finding], Field(max_length=1000)] | None = None


class TimePoint(Input):
    """One nodule on one exam."""

    size: Size | None = None
    date: Day = None
    slice_thickness: Length = None
    kernel: StrictStr | None = None
    vendor: StrictStr | None = None


class GrowthPair(Input):
    """One nodule on two exams: input of `growth`."""

    current: TimePoint = Field(default_factory=TimePoint)
    prior: TimePoint = Field(default_factory=TimePoint)
    interval: TimeSpan = None
    type: NoduleType | None = None


# pydantic's error types in our words; a quantity or date error carries its own.
_WORDS: dict[str, tuple[str, str]] = {
    "extra_forbidden": ("unknown_field", "the field {field} is not known here"),
    "enum": ("unknown_value", "{field} is not one of {expected}"),
    "bool_type": ("not_true_or_false", "{field} is neither true, false nor null"),
    "int_type": ("not_a_whole_number", "{field} is not a whole number"),
    "string_type": ("not_a_text", "{field} is not a text"),
    "model_type": ("not_an_object", "{field} is not an object"),
    "list_type": ("not_a_list", "{field} is not a list"),
    "too_long": ("too_many", "{field} has too many entries"),
}


def path_of(loc: tuple[int | str, ...]) -> str:
    """``("findings", 0, "size")`` as ``findings[0].size``."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)
    return "".join(parts).lstrip(".")


def reasons_of(error: ValidationError, limit: int = 50) -> list[Reason]:
    """Every input that could not be read, as refusals that name the field."""
    return [_reason(item) for item in error.errors(include_url=False, include_input=False)[:limit]]


def _reason(item: Mapping[str, Any]) -> Reason:
    field = path_of(item["loc"])
    context = item.get("ctx", {})
    if "because" in context:
        because = f"{context['because']}: {field}"
        return Reason(item["type"], field, f"cannot categorise, because {because}")
    code, words = _WORDS.get(item["type"], ("out_of_range", "{field} is out of range"))
    because = words.format(field=field, expected=context.get("expected"))
    return Reason(code, field, f"cannot categorise, because {because}")
