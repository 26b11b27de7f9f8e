from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.signatures import LONGEST_MESSAGE, LONGEST_SIGNATURE, keepable, mask, signature


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("order 17 not found", "order 90210 not found"),
        ("took 1.5 s", "took 22,300.75 s"),
        (
            "user 0b1c2d3e-0000-4000-8000-000000000001 denied",
            "user ffffffff-0000-4000-8000-0000000000aa denied",
        ),
        ("cannot reach 10.0.3.7:5432", "cannot reach 192.168.0.250:5432"),
        ("Pool@6d06d69c closed", "Pool@1b2c3d4e closed"),
        ("at 0x7ffd5e8e", "at 0x0000001f"),
        ("mail to ann@example.com failed", "mail to bob.b@mail.example.org failed"),
        ("capture pi_3QK81 refused", "capture pi_9ZZ0012 refused"),
        ("cart 5f0c is empty", "cart 17aa9b is empty"),
        ("since 2026-11-21T10:00:00.123Z", "since 2025-01-01 00:00:00"),
        ("trace 1-6ac7c67a-dc4b7c435e930451b9f3d413", "trace 1-6ac7c67c-19fba6a7da44178778821389"),
        ("key 9f86d081884c7d659a2feaa0c55ad015 gone", "key 60303ae22b998861bce3b28f33eec1be gone"),
        (
            "[ERROR]\t2026-11-21T10:00:00.123Z\t0b1c2d3e-0000-4000-8000-000000000001\tdisk full",
            "[ERROR]\t2026-11-22T11:30:10.777Z\t1b1c2d3e-0000-4000-8000-000000000009\tdisk full",
        ),
        ("KeyError: 'x'\n  at line 3", "KeyError: 'x'\n  at line 4711"),
    ],
)
def test_messages_that_differ_by_chance_have_one_signature(one, other):
    assert signature(one) == signature(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("KeyError: 'total'", "KeyError: 'name'"),
        ("disk full", "disk slow"),
        ("Task timed out after 3.00 seconds", "Runtime exited with error: signal: killed"),
        ("ConnectionError: deadbeef", "ConnectionError: refused"),
    ],
)
def test_messages_that_differ_in_words_do_not(one, other):
    assert signature(one) != signature(other)


def test_a_bare_traceback_is_named_after_its_exception():
    text = 'Traceback (most recent call last):\n  File "app.py", line 3\nValueError: no such order 17'

    assert signature(text) == "ValueError: no such order <n>"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("password=hunter2 rejected", "hunter2"),
        ('{"password": "hun ter2", "user": "ann"}', "hun ter2"),
        ('{\\"db_password\\": \\"hunter2\\"}', "hunter2"),
        ("DB_PASSWORD: 'hunter2'", "hunter2"),
        ("Authorization: Bearer abc.def-ghi_jkl", "abc.def-ghi_jkl"),
        ("postgres://app:hunter2@db:5432/shop", "hunter2"),
        ("key AKIAIOSFODNN7EXAMPLE used", "AKIAIOSFODNN7EXAMPLE"),
        ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "wJalrXUtnFEMI"),
        ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-DEF", "eyJzdWIiOiIxIn0"),
        ("GET https://x.example/a?X-Amz-Signature=0a1b2c3d4e5f&x=1", "0a1b2c3d4e5f"),
        ("https://hooks.slack.com/services/T00/B00/XXXX failed", "T00/B00/XXXX"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", "MIIE"),
        ("token ghp_0123456789abcdefghij leaked", "ghp_0123456789abcdefghij"),
        ("api-key: 12345-abc", "12345-abc"),
        ("client_secret=>s3cr3t", "s3cr3t"),
    ],
)
def test_secrets_are_hidden(text, secret):
    assert secret in text
    assert secret not in mask(text)
    assert secret not in keepable(text)
    assert secret not in signature(text)


@pytest.mark.parametrize(
    "text",
    [
        "token count 17 of 20",
        "JsonWebTokenError: jwt expired",
        "max_tokens: 512",
        "the secret garden",
        "user ann logged in",
        "a: b",
    ],
)
def test_other_text_is_left_alone(text):
    assert mask(text) == text


def test_a_long_message_is_cut_and_says_so():
    kept = keepable("word " * 2000)

    assert len(kept) <= LONGEST_MESSAGE
    assert kept.endswith("…")


def test_control_characters_are_not_kept():
    assert "\x1b" not in keepable("\x1b[31mred\x1b[0m\x00")


@given(st.text())
def test_any_text_has_a_short_signature(text):
    assert len(signature(text)) <= LONGEST_SIGNATURE
    assert len(keepable(text)) <= LONGEST_MESSAGE


@given(st.text(alphabet="abc ", min_size=1), st.integers(0, 10**12), st.integers(0, 10**12))
def test_a_number_never_makes_a_difference(text, one, other):
    assert signature(f"{text} {one} {text}") == signature(f"{text} {other} {text}")


@pytest.mark.parametrize(
    "text", ["a=" * 5000, "eyJ" * 5000, "password" * 2000, "1." * 5000, "a:" * 5000, "x@" * 5000]
)
def test_hostile_text_takes_no_time(text):
    import time

    began = time.perf_counter()
    signature(text)
    keepable(text)

    assert time.perf_counter() - began < 1
