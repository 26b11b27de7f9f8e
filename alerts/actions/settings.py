"""The `alerts.actions` section of the settings: whether anything may be changed, and how much."""

from __future__ import annotations

from datetime import timedelta

from pydantic import ConfigDict, Field, SecretStr, field_validator

from core.settings import Duration, Section

KEY_CHARACTERS = 32


class ActionSettings(Section):
    """The master switch and the caps over all rules. What is off is only planned and audited."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    enabled: bool = Field(default=False, description="off: whatever rules say is a dry run")
    max_per_hour: int = Field(default=10, ge=0, description="over all rules")
    max_per_function_per_hour: int = Field(default=3, ge=0, description="of changes to one function")
    max_chain: int = Field(default=1, ge=0, description="changes that our own changes may lead to")
    approve_within: Duration = Field(
        default=timedelta(minutes=30), description="then what waits for a person is void"
    )
    approval_key: SecretStr | None = Field(
        default=None, description="signs links in chat; default: a file in the store, for one machine"
    )

    @field_validator("approval_key")
    @classmethod
    def _is_long(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < KEY_CHARACTERS:
            raise ValueError(f"must have at least {KEY_CHARACTERS} characters")
        return value
