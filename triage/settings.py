"""All settings of the product: one frozen object, and the only reader of the environment.

Order of precedence: arguments, environment (``TRIAGE_*``), ``triage.toml`` in the data folder,
defaults. Unknown names are refused wherever they stand, so that a typing error never silently
means "default".
"""

from __future__ import annotations

import os
import tomllib
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from triage.errors import ConfigurationError

PREFIX = "TRIAGE_"
# Read by tests and tools of this project, not by the product.
_NOT_SETTINGS = frozenset({"TRIAGE_SHARED_DATA"})


class Profile(StrEnum):
    """Where this installation stands."""

    HOSPITAL = "hospital"
    EDGE = "edge"


class RuntimeChoice(StrEnum):
    """Which runtime serves the model; AUTO takes the fastest that passes its self-test."""

    AUTO = "auto"
    OPENVINO = "openvino"
    ONNX = "onnx"
    TORCH = "torch"
    LITERT = "litert"
    TENSORRT = "tensorrt"


class PacsNode(BaseModel):
    """Another system, one ``[[pacs]]`` block of ``triage.toml``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,32}$")
    ae_title: str = Field(min_length=1, max_length=16)
    host: str
    port: int = Field(ge=1, le=65535)
    tls: bool = False
    dicomweb_url: str | None = None
    roles: frozenset[Literal["source", "destination", "commitment", "priors"]] = frozenset()
    outputs: tuple[Literal["sr3d", "sr", "seg", "gsps", "kos", "sc"], ...] = ()
    quiet_s: float = Field(default=15.0, ge=0.0, le=3600.0)


class ContextRule(BaseModel):
    """Procedure code or study description to exam purpose: one ``[[context_rule]]`` block."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    procedure_code: str | None = None
    study_description: str | None = None
    purpose: Literal["screening_ldct", "incidental", "other"]


class Settings(BaseSettings):
    """The settings of contract.md; see docs/admin.md for each."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    data: Path = Path("data")
    database_url: str = ""
    bind: str = "127.0.0.1"
    http_port: int = Field(default=8000, ge=0, le=65535)
    dicom_bind: str = "127.0.0.1"
    dicom_port: int = Field(default=11112, ge=0, le=65535)
    ae_title: str = Field(default="TRIAGE", min_length=1, max_length=16)
    profile: Profile = Profile.HOSPITAL
    auth: Literal["on", "off"] = "on"
    runtime: RuntimeChoice = RuntimeChoice.AUTO
    model: str = ""
    sealed: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    trusted_proxy: str = ""
    demo: Literal["on", "off"] = "on"
    quiet_s: float = Field(default=15.0, ge=0.0, le=3600.0)
    lease_s: float = Field(default=15.0, ge=1.0, le=600.0)
    disk_reserve_mb: int = Field(default=1024, ge=0)
    pacs: tuple[PacsNode, ...] = ()
    context_rule: tuple[ContextRule, ...] = ()

    @model_validator(mode="after")
    def _open_doors_need_a_lock(self) -> Settings:
        if self.auth == "off" and not is_loopback(self.bind):
            raise ValueError("TRIAGE_AUTH=off is for loopback only; set TRIAGE_BIND=127.0.0.1")
        locked = (self.tls_cert and self.tls_key) or self.trusted_proxy
        if not is_loopback(self.bind) and not locked:
            raise ValueError(
                "a bind beyond loopback needs TRIAGE_TLS_CERT and TRIAGE_TLS_KEY, "
                "or TRIAGE_TRUSTED_PROXY"
            )
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments and environment only; `load` merges the file below them."""
        return init_settings, env_settings

    @property
    def url(self) -> str:
        """SQLAlchemy URL of the database; SQLite in the data folder unless set."""
        if self.database_url:
            return self.database_url
        return f"sqlite:///{(self.data / 'triage.sqlite').absolute()}"

    @property
    def loopback_only(self) -> bool:
        """True when the DICOM door is reachable from this machine only."""
        return is_loopback(self.dicom_bind)


def is_loopback(host: str) -> bool:
    """Whether an address names this machine only (``localhost`` or a loopback IP)."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def load(**overrides: Any) -> Settings:
    """Read environment and ``triage.toml``.

    Parameters
    ----------
    **overrides
        Fields of `Settings` that win over both.

    Returns
    -------
    Settings

    Raises
    ------
    ConfigurationError
        An unknown name, a bad value, or an unreadable file; the message names it.
    """
    known = {PREFIX + name.upper() for name in Settings.model_fields} | _NOT_SETTINGS
    unknown = sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)
    if unknown:
        raise ConfigurationError(f"unknown settings in the environment: {', '.join(unknown)}")
    try:
        data = Path(overrides.get("data") or os.environ.get("TRIAGE_DATA") or "data")
        from_file = _read_file(data / "triage.toml")
        # The environment wins over the file: hand the file's values over only where it is silent.
        given = {k for k in Settings.model_fields if PREFIX + k.upper() in os.environ}
        merged = {k: v for k, v in from_file.items() if k not in given} | overrides
        return Settings(**merged)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "settings"
        raise ConfigurationError(f"setting {where}: {first['msg']}") from error


def _read_file(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path.name} cannot be read: {error}") from error
