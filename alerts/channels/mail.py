"""E-mail by SMTP: plain text, one thread per incident.

Source: RFC 5322 (Message-ID, In-Reply-To, References), RFC 3207 (STARTTLS)
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, SecretStr, StringConstraints, model_validator

from alerts.channels.base import Channel, Edge, Rate, Receipt, Ref
from alerts.channels.posting import one_line_of
from alerts.channels.text import cut, one_line, plain
from alerts.notice import Notice
from core.errors import DeliveryError

MAX_SUBJECT, TEXT = 150, 30_000
LOOPBACK = ("127.0.0.1", "::1", "localhost")
Address = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+$")]


class Email(Channel):
    """A mail that was sent twice has the same Message-ID, by which most readers show it once."""

    rate: ClassVar[Rate] = Rate(30, 60)
    takes_duplicates: ClassVar[bool] = False

    kind: Literal["email"]
    host: str
    port: int = Field(587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    ca_file: Path | None = Field(None, description="trust this instead of the system's certificates")
    username: str | None = None
    password: SecretStr | None = None
    sender: Address
    to: list[Address] = Field(min_length=1, max_length=50)

    @model_validator(mode="after")
    def _keeps_its_password(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("needs both username and password, or neither")
        if self.password is not None and self.security == "none" and self.host not in LOOPBACK:
            raise ValueError("would send its password in clear: use security starttls or tls")
        return self

    def message(self, notice: Notice, edge: Edge) -> EmailMessage:
        mail, domain = EmailMessage(), self.sender.rpartition("@")[2]
        first = f"<incident.{_token(notice.incident)}@{domain}>"
        mail["Subject"] = cut(f"[{notice.severity}] {one_line(notice.title)}", MAX_SUBJECT)
        mail["From"], mail["To"] = self.sender, ", ".join(self.to)
        mail["Date"] = format_datetime(edge.now)
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Quarterdeck-Notice"] = _token(notice.id)
        if notice.reason == "firing":
            mail["Message-ID"] = first
        else:
            mail["Message-ID"] = f"<{_token(notice.id)}@{domain}>"
            mail["In-Reply-To"] = mail["References"] = first
        mail.set_content(plain(notice, TEXT))
        return mail

    def send(self, notice: Notice, edge: Edge, thread: Ref | None = None) -> Receipt:
        mail = self.message(notice, edge)
        try:
            with self._server() as server:
                refused = server.send_message(mail)
        except smtplib.SMTPAuthenticationError as error:
            raise self._failed(error.smtp_code, error.smtp_error, target="refuses") from None
        except smtplib.SMTPResponseException as error:
            raise self._failed(error.smtp_code, error.smtp_error) from None
        except smtplib.SMTPRecipientsRefused as error:
            code, said = next(iter(error.recipients.values()))
            raise self._failed(code, said) from None
        except smtplib.SMTPNotSupportedError as error:
            raise DeliveryError(f"{self.host}: {error}", retryable=False, target="refuses") from None
        except ssl.SSLCertVerificationError as error:
            why = f"{self.host}: its certificate is not trusted: {error.verify_message}"
            raise DeliveryError(why, retryable=True) from None
        except (smtplib.SMTPException, OSError) as error:
            raise DeliveryError(f"no answer: {type(error).__name__}", retryable=True) from None
        return Receipt(250, f"refused: {', '.join(refused)}" if refused else "accepted")

    @contextmanager
    def _server(self) -> Iterator[smtplib.SMTP]:
        """A connection that is signed in. What goes wrong as it closes is no matter: the mail was taken."""
        context = ssl.create_default_context(cafile=self.ca_file) if self.security != "none" else None
        server = (
            smtplib.SMTP_SSL(self.host, self.port, timeout=self.timeout_s, context=context)
            if self.security == "tls"
            else smtplib.SMTP(self.host, self.port, timeout=self.timeout_s)
        )
        try:
            if self.security == "starttls":
                server.starttls(context=context)
            if self.username is not None and self.password is not None:
                server.login(self.username, self.password.get_secret_value())
            yield server
        finally:
            with suppress(smtplib.SMTPException, OSError):
                server.quit()
            server.close()

    def _failed(
        self, code: int, said: bytes | str, *, target: Literal["refuses"] | None = None
    ) -> DeliveryError:
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
        line = self.without_secrets(one_line_of(text))[:200]
        retryable = target is None and not 500 <= code < 600
        return DeliveryError(f"answered {code}: {line}", retryable=retryable, target=target)


def _token(id: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "-" for c in id)[:120]
