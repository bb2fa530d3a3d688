"""Everything that can go wrong, as one tree.

::

    TriageError
    ├── IntakeError                 an object at the door
    │   ├── NotDicom                0xC000  400
    │   ├── CannotUnderstand        0xC000  422
    │   ├── IdentityMismatch        0xA900  409
    │   ├── ClassNotSupported       0x0122  415
    │   └── OutOfResources          0xA700  507
    ├── ReadingError                a series that cannot be turned into a volume
    │   ├── PixelsUnreadable
    │   └── GeometryRefused
    ├── ModelError                  a model file or a runtime
    │   ├── ModelRefused            wrong digest, shape, opset, pickle
    │   └── RuntimeDown             a runtime that is missing or fails its self-test
    ├── RequestError                a caller of the API
    │   ├── NotSignedIn             401
    │   ├── Forbidden               403
    │   ├── NotFound                404
    │   ├── Conflict                409
    │   └── Unprocessable           422
    ├── PeerError                   another system (PACS, RIS)
    │   ├── PeerUnreachable
    │   └── PeerRefused
    ├── DataRefused                 data to learn from or test on: missing, damaged
    ├── ConfigurationError          a setting, a port, a missing program
    └── NotBuiltYet                 501, CLI exit 3

Each class says what helps next (`remedy`), the DIMSE status (PS3.4 Annex B.2.3, PS3.7 Annex C)
and the HTTP status it becomes at a door, and a stable `code` that scripts may rely on.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar


class Remedy(StrEnum):
    """What helps after an error: try again, another tool, or a person."""

    RETRY = "retry"
    OTHER_TOOL = "other_tool"
    HUMAN = "human"


class TriageError(Exception):
    """Base of every error of this product.

    Parameters
    ----------
    message : str
        One sentence a person can act on: what happened, and what mends it.
    code : str, optional
        A finer stable code than the class's own, e.g. ``no_pixel_spacing``.
    """

    code: ClassVar[str] = "error"
    remedy: ClassVar[Remedy] = Remedy.HUMAN
    dimse_status: ClassVar[int] = 0xC000
    http_status: ClassVar[int] = 500

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.detail_code = code or type(self).code


class IntakeError(TriageError):
    """An object that cannot be taken in as it is."""

    code = "intake"
    http_status = 422


class NotDicom(IntakeError):
    """The bytes are not a DICOM object."""

    code = "not_dicom"
    http_status = 400


class CannotUnderstand(IntakeError):
    """A DICOM object whose header breaks a rule we rely on; kept in quarantine."""

    code = "cannot_understand"


class IdentityMismatch(IntakeError):
    """The object says it is something else than the message that carried it."""

    code = "identity_mismatch"
    dimse_status = 0xA900
    http_status = 409


class ClassNotSupported(IntakeError):
    """A SOP Class that is neither read nor stored here."""

    code = "class_not_supported"
    dimse_status = 0x0122
    http_status = 415


class OutOfResources(IntakeError):
    """Disk or another resource is exhausted; the sender keeps its copy and tries again."""

    code = "out_of_resources"
    remedy = Remedy.RETRY
    dimse_status = 0xA700
    http_status = 507


class ReadingError(TriageError):
    """A series that cannot be turned into one volume."""

    code = "reading"
    remedy = Remedy.OTHER_TOOL
    http_status = 422


class PixelsUnreadable(ReadingError):
    """Pixel data that ends early, does not decode, or has the wrong size."""

    code = "pixels_unreadable"


class GeometryRefused(ReadingError):
    """Slices that do not form one regular volume."""

    code = "geometry_refused"


class ModelError(TriageError):
    """A model or its runtime."""

    code = "model"
    remedy = Remedy.OTHER_TOOL


class ModelRefused(ModelError):
    """A model file that must not be used: digest, format, input or output differ."""

    code = "model_refused"


class RuntimeDown(ModelError):
    """A runtime that is not installed, does not start, or fails its self-test."""

    code = "runtime_down"


class RequestError(TriageError):
    """A request to the API that cannot be served as asked."""

    code = "request"
    http_status = 400


class NotSignedIn(RequestError):
    """No valid session or token."""

    code = "not_signed_in"
    http_status = 401


class Forbidden(RequestError):
    """The role does not allow it."""

    code = "forbidden"
    http_status = 403


class NotFound(RequestError):
    """No such thing, or not for this caller."""

    code = "not_found"
    http_status = 404


class Conflict(RequestError):
    """The thing has changed since the caller looked."""

    code = "conflict"
    http_status = 409


class Unprocessable(RequestError):
    """Well-formed, but against a rule; the message names the field."""

    code = "unprocessable"
    http_status = 422


class PeerError(TriageError):
    """Another system."""

    code = "peer"
    remedy = Remedy.RETRY
    http_status = 502


class PeerUnreachable(PeerError):
    """No connection, or it broke."""

    code = "peer_unreachable"


class PeerRefused(PeerError):
    """The peer answered, and said no."""

    code = "peer_refused"
    remedy = Remedy.HUMAN


class DataRefused(TriageError):
    """Data to learn from or to test on: missing, damaged, or against themselves."""

    code = "data_refused"
    http_status = 422


class ConfigurationError(TriageError):
    """A setting, a port or a program on this machine; the message names the mend."""

    code = "configuration"


class NotBuiltYet(TriageError):
    """A part of the contract whose turn has not come: HTTP 501, CLI exit 3."""

    code = "not_built_yet"
    http_status = 501
