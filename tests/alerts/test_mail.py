"""Mail by a real SMTP server: taken, threaded, refused, cut, and no password anywhere."""

import logging
import socket
from email import message_from_bytes

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from pydantic import ValidationError

from core.errors import DeliveryError
from tests.alerts.kinds import SECRET, answering, channel_of, given


class Post:
    """A mail server that keeps what it gets and says to RCPT and DATA what it is told to."""

    def __init__(self):
        self.mails, self.rcpt, self.data = [], None, "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        if self.rcpt is not None:
            return self.rcpt
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        self.mails.append(message_from_bytes(envelope.content))
        return self.data


@pytest.fixture
def post():
    server = Post()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def signed_in(_, session, envelope, mechanism, data):
        right = data.password == SECRET.encode()
        return AuthResult(success=right, handled=right)

    controller = Controller(
        server, hostname="127.0.0.1", port=port, authenticator=signed_in, auth_require_tls=False
    )
    controller.start()
    server.port = port
    yield server
    controller.stop()


@pytest.fixture
def mail(post):
    def make(**more):
        return channel_of("email").model_copy(update={"port": post.port} | more)

    return make


def test_a_mail_arrives(mail, post, message):
    receipt = mail().send(message(), answering(200))

    [got] = post.mails
    assert receipt.status == 250
    assert got["Subject"] == "[critical] checkout: error rate 34.2 %"
    assert got["To"] == "on-call@example.com, boss@example.com"
    assert "Account: prod" in got.get_payload(decode=True).decode()


def test_what_follows_is_in_the_thread_of_the_first(mail, post, message):
    for reason in ("firing", "repeat", "resolved"):
        mail().send(message(reason=reason, id=f"i1-{reason}-chat"), answering(200))

    first, repeat, resolved = post.mails
    assert repeat["References"] == resolved["In-Reply-To"] == first["Message-ID"]
    assert len({got["Message-ID"] for got in post.mails}) == 3


def test_a_mail_that_is_sent_again_has_the_same_id(mail, post, message):
    for _ in range(2):
        mail().send(message(), answering(200))

    assert len({got["Message-ID"] for got in post.mails}) == 1


@pytest.mark.parametrize(
    ("rcpt", "data", "retryable"),
    [
        ("450 busy", "250 OK", True),
        ("550 unknown", "250 OK", False),
        (None, "451 later", True),
        (None, "554 spam", False),
    ],
)
def test_says_whether_a_retry_can_help(mail, post, message, rcpt, data, retryable):
    post.rcpt, post.data = rcpt, data

    with pytest.raises(DeliveryError) as failure:
        mail().send(message(), answering(200))

    assert failure.value.retryable is retryable


def test_a_wrong_password_is_a_refusal_that_tells_nothing(mail, post, message, caplog):
    from pydantic import SecretStr

    caplog.set_level(logging.DEBUG)
    with pytest.raises(DeliveryError) as failure:
        mail(password=SecretStr("wrong-verysecret")).send(message(), answering(200))

    assert failure.value.target == "refuses"
    assert "wrong-verysecret" not in f"{failure.value}{caplog.text}{failure.value.__cause__}"


def test_nobody_there_is_worth_a_retry(mail, message):
    with pytest.raises(DeliveryError) as failure:
        mail(port=9).send(message(), answering(200))

    assert failure.value.retryable


def test_a_server_without_tls_gets_no_password(mail, post, message):
    with pytest.raises(DeliveryError, match="STARTTLS"):
        mail(security="starttls").send(message(), answering(200))

    assert post.mails == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"host": "smtp.example.com"}, "would send its password in clear"),
        ({"password": None}, "needs both username and password"),
        ({"to": []}, "at least 1 item"),
        ({"sender": "x\nBcc: evil@example.com"}, "should match pattern"),
    ],
)
def test_refuses_settings_that_leak_or_lead_nowhere(wrong, said):
    with pytest.raises(ValidationError, match=said):
        type(channel_of("email")).model_validate(given("email") | wrong)
