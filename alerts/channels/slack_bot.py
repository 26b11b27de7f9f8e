"""Slack by a bot's token: one thread per incident, whose first message always says how it stands.

Source: https://docs.slack.dev/reference/methods/chat.postMessage and
https://docs.slack.dev/reference/methods/chat.update
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, SecretStr, field_validator

from alerts.channels.base import Edge, Rate, Receipt, Ref
from alerts.channels.posting import JSON, Answer, HttpChannel, as_json
from alerts.channels.slack import brief, message
from alerts.notice import Notice, Reason
from core.errors import DeliveryError

PASSING = frozenset(
    {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "ratelimited", "rate_limited",
     "team_added_to_org"}
)  # fmt: skip
GONE = frozenset(
    {"account_inactive", "token_revoked", "token_expired", "invalid_auth", "not_authed", "channel_not_found",
     "is_archived", "not_in_channel", "org_login_required", "team_access_not_granted"}
)  # fmt: skip
REFUSED = frozenset(
    {"missing_scope", "no_permission", "access_denied", "restricted_action", "ekm_access_denied"}
)


class SlackBot(HttpChannel):
    """Needs the scope `chat:write`, and the bot in the channel. Slack recognises no message that it has."""

    rate: ClassVar[Rate] = Rate(1, 1)
    also: ClassVar[frozenset[Reason]] = frozenset({"acknowledged"})

    kind: Literal["slack-bot"]
    token: SecretStr
    channel: str = Field(pattern=r"^[A-Z0-9]{2,}$", description="its id (C0123ABC), which renaming keeps")
    api_url: str = Field(
        default="https://slack.com/api", pattern=r"^https?://", description="GovSlack has one of its own"
    )

    @field_validator("token")
    @classmethod
    def _is_a_bots(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().startswith(("xoxb-", "xoxe.")):
            raise ValueError("must be a bot's token: it begins with xoxb-")
        return value

    def send(self, notice: Notice, edge: Edge, thread: Ref | None = None) -> Receipt:
        if thread is None:
            return self._ask("chat.postMessage", message(notice) | {"channel": self.channel}, edge)
        place = {"channel": thread["channel"], "ts": thread["ts"]}
        if notice.reason == "acknowledged":
            return self._ask("chat.update", message(notice) | place, edge)
        if notice.reason == "approval":  # what it asks stands beside how things stand, with its button
            asked = message(notice) | {"channel": thread["channel"], "thread_ts": thread["ts"]}
            return self._ask("chat.postMessage", asked, edge)
        try:  # first what may be repeated without harm
            self._ask("chat.update", message(notice) | place, edge)
        except DeliveryError as error:
            if error.retryable or error.target:
                raise
        reply = brief(notice) | {"channel": thread["channel"], "thread_ts": thread["ts"]}
        return self._ask("chat.postMessage", reply, edge)

    def _ask(self, method: str, payload: Mapping[str, Any], edge: Edge) -> Receipt:
        headers = {**JSON, "Content-Type": "application/json; charset=utf-8"}
        headers["Authorization"] = f"Bearer {self.token.get_secret_value()}"
        url = f"{self.api_url.rstrip('/')}/{method}"
        answer = self.call("POST", url, as_json(payload), edge, headers=headers)
        said = answer.json()
        if said.get("ok") is True:
            ref = {name: str(said[name]) for name in ("channel", "ts") if name in said}
            return self.receipt(Answer(answer.status, {}, "ok"), ref=ref if len(ref) == 2 else None)
        raise self._refused(method, said.get("error"))

    def _refused(self, method: str, error: Any) -> DeliveryError:
        """Slack says what is wrong in a 200."""
        code = error if isinstance(error, str) else ""
        said = (
            self.without_secrets("".join(c for c in code if c.isprintable())[:80])
            or "no answer that is Slack's"
        )
        return DeliveryError(
            f"{method} answered {said}",
            retryable=not code or code in PASSING,
            target="gone" if code in GONE else "refuses" if code in REFUSED else None,
        )
