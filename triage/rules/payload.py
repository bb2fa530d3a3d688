"""From a JSON object to typed inputs, or to the refusals that name what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from pydantic import ValidationError

from triage.errors import Unprocessable
from triage.rules.inputs import Input, reasons_of
from triage.rules.result import Reason

InputT = TypeVar("InputT", bound=Input)


def read(payload: object, model: type[InputT]) -> InputT | list[Reason]:
    """Validate `payload` against `model`.

    Returns
    -------
    Input or list of Reason
        The typed input, or every reason why it cannot be read.

    Raises
    ------
    Unprocessable
        `payload` is not a JSON object at all.
    """
    if not isinstance(payload, Mapping):
        message = f"the input is not a JSON object but {type(payload).__name__}"
        raise Unprocessable(message, code="rules_not_an_object")
    try:
        return model.model_validate(dict(payload))
    except ValidationError as error:
        return reasons_of(error)
