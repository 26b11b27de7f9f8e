"""The time range and Live of a page, in process."""

from datetime import datetime

import pytest

from dashboard import time_range

PAST = {"from": "2026-11-20T09:00:00Z", "to": "2026-11-20T10:00:00Z"}


def times(app) -> dict[str, str]:
    asked = {name: app.query_params[name] for name in ("from", "to", "range") if name in app.query_params}
    return {name: value if isinstance(value, str) else value[0] for name, value in asked.items()}


def typed(app, start: datetime | None, end: datetime | None):
    app.datetime_input(key=time_range.FROM).set_value(start)
    app.datetime_input(key=time_range.TO).set_value(end)
    return next(button for button in app.button if button.label == "Show this window").click().run()


def press(app, label: str):
    return app.button(key=f"exact-{label}").click().run()


def test_typed_times_are_in_the_address_in_utc(open_page, filled):
    app = typed(open_page(), datetime(2026, 11, 20, 9, 15), datetime(2026, 11, 20, 9, 45))  # noqa: DTZ001

    assert times(app) == {"from": "2026-11-20T09:15:00Z", "to": "2026-11-20T09:45:00Z"}


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        (datetime(2026, 11, 20, 10), datetime(2026, 11, 20, 9), "at least a minute before"),  # noqa: DTZ001
        (datetime(2026, 11, 21), datetime(2026, 11, 22), "lies in the future"),  # noqa: DTZ001
        (None, datetime(2026, 11, 20, 9), "Both times are needed"),  # noqa: DTZ001
    ],
)
def test_times_that_are_no_window_change_nothing_and_say_why(open_page, filled, start, end, said):
    app = typed(open_page(), start, end)

    assert said in app.error[0].value
    assert times(app) == {}
    assert app.datetime_input(key=time_range.FROM).value == start


def test_the_windows_beside_an_exact_one_are_a_click_away(open_page, filled):
    app = press(open_page(**PAST), "Earlier")
    assert times(app) == {"from": "2026-11-20T08:00:00Z", "to": "2026-11-20T09:00:00Z"}

    app = press(app, "Wider")
    assert times(app) == {"from": "2026-11-20T07:30:00Z", "to": "2026-11-20T09:30:00Z"}

    assert times(press(app, "Up to now")) == {}


def test_an_address_that_names_no_window_says_so(open_page, filled):
    app = open_page(**PAST | {"to": "tomorrow"})

    assert any("no window that can be shown" in caption.value for caption in app.caption)


def test_live_pauses_on_a_window_of_the_past_and_goes_on_after_it(open_page, filled):
    app = open_page(**PAST)
    assert (app.toggle(key="live").value, app.toggle(key="live").disabled) == (False, True)

    app = press(app, "Up to now")
    assert (app.toggle(key="live").value, app.toggle(key="live").disabled) == (True, False)


def test_live_stays_off_on_the_next_page(open_page, filled):
    app = open_page()
    app.toggle(key="live").set_value(False).run()

    assert app.switch_page("views/cost.py").run().toggle(key="live").value is False
