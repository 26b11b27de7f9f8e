"""Telemetry on S3: what fails is one sentence, nobody waits for long, and nobody else's files are touched."""

import http.client
import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import sqlalchemy as sa
from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends

from core.errors import StoreError
from core.settings import StoreSettings
from store import schema
from store.bucket import Bucket, price_usd
from store.cache import Cache
from store.s3 import HOLD_OFF_S, LOOK_S, S3
from store.store import Store

HOUR = timedelta(hours=1)
PATH = "kind=metrics/account=1/region=eu-west-1/date=2026-07-01/05-aaaaaaaaaaaa.parquet"
OTHER = PATH.replace("05-", "06-")


@pytest.fixture
def database():
    """What is tried here does not depend on where state is kept."""
    return


class Proxy(ThreadingHTTPServer):
    """In front of moto; `fault` may answer in its place."""

    daemon_threads = True

    def __init__(self, url):
        super().__init__(("127.0.0.1", 0), Handler)
        self.target = url.removeprefix("http://")
        self.fault = None
        self.asked = []

    @property
    def url(self):
        return "http://{}:{}".format(*self.server_address)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def forward(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append(f"{self.command} {self.path}")
        if self.server.fault and self.server.fault(self):
            return
        status, headers, data = self.upstream(body)
        self.answer(status, data, headers)

    def upstream(self, body=b""):
        connection = http.client.HTTPConnection(self.server.target)
        connection.request(self.command, self.path, body, dict(self.headers))
        answer = connection.getresponse()
        found = answer.status, answer.getheaders(), answer.read()
        connection.close()
        return found

    def answer(self, status, data, headers=(), *, sent=None):
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data if sent is None else data[:sent])

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = forward  # noqa: N815

    def log_message(self, *_):
        pass


@pytest.fixture
def proxy(s3_url):
    server = Proxy(s3_url)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def telemetry(prefix, proxy):
    return {"telemetry": f"s3://fleet/{prefix}", "telemetry_endpoint_url": proxy.url}


@pytest.fixture
def shelves(prefix, proxy, tmp_path, clock):
    """Makes shelves of machines that share nothing but the bucket."""
    made = []

    def make(machine="one", *, patience_s=20.0, owner=None, **given):
        bucket = Bucket(f"s3://fleet/{prefix}", proxy.url, **{"answer_s": 10.0, "attempts": 1, **given})
        made.append(S3(bucket, Cache(tmp_path / machine, 10**9), owner, patience_s=patience_s, clock=clock))
        return made[-1]

    yield make
    for shelf in made:
        shelf.close()


def put(shelf, path=PATH, data=b"content"):
    draft = shelf.draft(path)
    draft.write_bytes(data)
    shelf.place(draft, path)


def error(code, status=400):
    def fault(request):
        text = f"<Error><Code>{code}</Code><Message>as told</Message></Error>"
        request.answer(status, text.encode(), [("Content-Type", "application/xml")])
        return True

    return fault


# --- reading ------------------------------------------------------------------------------------------------


def test_what_this_machine_wrote_is_read_without_a_request(shelves, proxy):
    shelf = shelves()
    put(shelf)
    proxy.asked.clear()

    assert shelf.fetch([PATH]).files[PATH].read_bytes() == b"content"
    assert proxy.asked == []


def test_another_machine_downloads_a_file_once_with_one_request(shelves, proxy):
    put(shelves())
    other = shelves("two")
    proxy.asked.clear()

    for _ in range(3):
        assert other.fetch([PATH]).files[PATH].read_bytes() == b"content"

    assert len(proxy.asked) == 1


def test_threads_that_want_the_same_file_share_its_download(shelves, proxy):
    put(shelves())
    other, started = shelves("two"), threading.Barrier(6)
    proxy.asked.clear()

    def read():
        started.wait()
        other.fetch([PATH])

    threads = [threading.Thread(target=read) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(proxy.asked) == 1


def test_a_body_that_breaks_off_is_asked_for_again(shelves, proxy):
    put(shelves(), data=bytes(range(256)) * 40)
    cut = [True]

    def fault(request):
        if cut and request.command == "GET":
            cut.pop()
            _, headers, data = request.upstream()
            request.answer(200, data, headers, sent=100)
            request.close_connection = True
            return True
        return False

    proxy.fault = fault

    assert shelves("two").fetch([PATH]).files[PATH].read_bytes() == bytes(range(256)) * 40


def test_a_body_that_always_breaks_off_is_not_taken_for_the_file(shelves, proxy):
    put(shelves(), data=bytes(10_000))

    def fault(request):
        if request.command != "GET":
            return False
        _, headers, data = request.upstream()
        request.answer(200, data, headers, sent=100)
        request.close_connection = True
        return True

    proxy.fault = fault
    fetched = shelves("two").fetch([PATH])

    assert fetched.files == {}
    assert "its answers break off" in fetched.lacking[PATH]


SENTENCES = [
    (error("SlowDown", 503), "it asks to slow down"),
    (error("AccessDenied", 403), "the role lacks s3:GetObject on it"),
    (error("NoSuchBucket", 404), "there is no such bucket; create it, or correct store.telemetry"),
    (error("ExpiredToken", 400), "the credentials have expired"),
    (error("Whatever", 400), "as told"),
]


@pytest.mark.parametrize(("fault", "said"), SENTENCES)
def test_why_a_file_cannot_be_read_is_one_sentence(shelves, proxy, prefix, fault, said):
    put(shelves())
    proxy.fault = fault

    why = shelves("two").fetch([PATH]).lacking[PATH]

    assert why.startswith(f"cannot read {PATH} from s3://fleet/{prefix}: {said}")
    assert "\n" not in why


def test_an_s3_that_does_not_answer_is_given_up(shelves, proxy):
    put(shelves())
    silent = threading.Event()
    proxy.fault = lambda _: silent.wait(20)

    why = shelves("two", answer_s=0.2).fetch([PATH]).lacking[PATH]
    silent.set()

    assert "it does not answer" in why


def test_an_s3_that_is_not_there_is_told(prefix, tmp_path):
    shelf = S3(Bucket(f"s3://fleet/{prefix}", "http://127.0.0.1:9", attempts=1), Cache(tmp_path, 10**9))

    assert "it does not answer" in shelf.fetch([PATH]).lacking[PATH]
    shelf.close()


def test_a_reader_waits_for_a_slow_file_only_so_long_and_the_next_one_has_it(shelves, proxy):
    put(shelves())
    arrives = threading.Event()
    proxy.fault = lambda _: not arrives.wait(20)
    other = shelves("two", patience_s=0.05, answer_s=30.0)

    assert "still on its way" in other.fetch([PATH]).lacking[PATH]
    arrives.set()

    assert list(other.fetch([PATH], wait=True).files) == [PATH]


def test_readers_wait_no_longer_together_than_one_alone(shelves, proxy, clock):
    put(shelves())
    arrives = threading.Event()
    proxy.fault = lambda _: not arrives.wait(20)
    other = shelves("two", patience_s=0.05, answer_s=30.0)
    other.fetch([PATH])
    other._patience_s = 15.0
    clock.now += 15.0

    assert "still on its way" in other.fetch([PATH]).lacking[PATH]  # at once, or the proxy would answer
    arrives.set()


def test_a_failure_is_not_asked_about_again_for_a_while(shelves, proxy, clock):
    put(shelves())
    other = shelves("two")
    proxy.fault = error("SlowDown", 503)
    first = other.fetch([PATH])
    proxy.asked.clear()

    assert other.fetch([PATH]).lacking == first.lacking
    assert list(other.fetch([OTHER]).lacking) == [OTHER]  # nor is the rest of a bucket that cannot answer
    assert proxy.asked == []
    proxy.fault = None
    clock.now += HOLD_OFF_S

    assert list(other.fetch([PATH]).files) == [PATH]


def test_one_file_that_is_gone_holds_no_other_back(shelves):
    put(shelves())
    other = shelves("two")

    assert list(other.fetch([OTHER]).lacking) == [OTHER]
    assert list(other.fetch([PATH]).files) == [PATH]


def test_a_copy_that_cannot_be_read_is_fetched_anew(shelves):
    shelf = shelves()
    put(shelf)
    shelf.fetch([PATH]).files[PATH].write_bytes(b"rotten")

    assert shelf.again(PATH).read_bytes() == b"content"


# --- writing ------------------------------------------------------------------------------------------------


@pytest.fixture
def filled(store, a_run, a_point, noon):
    store.commit(a_run(), [a_point(ts=noon - 5 * HOUR, invocations=1.0)], now=noon)
    return store


def is_a_file(request):
    return request.command == "PUT" and "kind" in request.path


def hot_rows(store):
    with store.engine.connect() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(schema.hot)).scalar()


def test_a_pack_that_cannot_write_leaves_the_rows_and_succeeds_the_next_time(
    filled, proxy, kept, read, noon, monkeypatch
):
    monkeypatch.setattr("store.s3.HOLD_OFF_S", 0.0)
    before = repr(read(filled))
    proxy.fault = lambda request: is_a_file(request) and error("AccessDenied", 403)(request)

    with pytest.raises(StoreError, match=r"s3:PutObject on it"):
        filled.pack(now=noon)

    assert hot_rows(filled) == 1
    assert repr(read(filled)) == before
    proxy.fault = None
    filled.pack(now=noon)
    assert hot_rows(filled) == 0
    assert len(kept.paths()) == 1
    assert repr(read(filled)) == before


def test_a_role_that_may_not_delete_still_packs(filled, proxy, kept, a_run, a_point, read, noon):
    filled.pack(now=noon)
    filled.commit(a_run(), [a_point("late", noon - 5 * HOUR, invocations=1.0)], now=noon)
    filled.pack(now=noon)
    filled.commit(a_run(), [a_point("later", noon - 4 * HOUR, invocations=1.0)], now=noon)
    proxy.fault = lambda request: request.command == "DELETE" and error("AccessDenied", 403)(request)

    with pytest.raises(StoreError, match="s3:DeleteObject"):
        filled.pack(now=noon + HOUR)

    assert hot_rows(filled) == 0
    proxy.fault = None
    filled.pack(now=noon + HOUR)
    assert len(kept.paths()) == 2
    assert len(read(filled)) == 3


def test_nothing_is_left_of_a_draft_that_was_not_placed(filled, proxy, noon):
    proxy.fault = lambda request: is_a_file(request) and error("SlowDown", 503)(request)

    with pytest.raises(StoreError, match="it asks to slow down; its rows stay"):
        filled.pack(now=noon)

    assert list((filled.path / "cache" / "drafts").iterdir()) == []


# --- whose files ------------------------------------------------------------------------------------------


def aged(prefix, path, age):
    bucket = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets["fleet"]
    key = bucket.keys[f"{prefix}/{path}"]
    key.last_modified = datetime.now(UTC).replace(tzinfo=None) - age


def test_what_a_killed_process_left_goes_when_it_is_old_enough(shelves, prefix, clock):
    shelf = shelves()
    put(shelf)
    put(shelf, OTHER)

    assert shelf.orphans({OTHER}) == []
    aged(prefix, PATH, timedelta(minutes=11))
    aged(prefix, OTHER, timedelta(minutes=11))
    assert shelf.orphans({OTHER}) == []  # listing is paid: not each time
    clock.now += LOOK_S

    assert shelf.orphans({OTHER}) == [PATH]


def test_files_of_another_store_are_never_swept(shelves, prefix, clock):
    put(shelves())
    assert shelves(owner="mine").orphans({PATH}) == []
    aged(prefix, PATH, timedelta(days=1))

    with pytest.raises(StoreError, match="has files of another store"):
        shelves(owner="theirs").orphans(set())
    with pytest.raises(StoreError, match="restore its state from a backup"):
        shelves(owner="theirs").orphans(set())


def test_files_without_an_owner_of_which_nothing_is_known_are_not_taken_over(shelves, prefix):
    put(shelves())
    aged(prefix, PATH, timedelta(days=1))

    with pytest.raises(StoreError, match="has files of another store"):
        shelves(owner="mine").orphans({OTHER})


def test_a_store_whose_state_was_lost_touches_nothing(filled, settings, kept, tmp_path, a_run, noon):
    filled.pack(now=noon)
    before = kept.paths()
    new = Store.open(settings.model_copy(update={"path": tmp_path / "new"}))
    new.commit(a_run(), [], now=noon)

    with pytest.raises(StoreError, match="has files of another store"):
        new.pack(now=noon)

    new.close()
    assert kept.paths() == before


PLACER = """
import sys, pathlib
from store.bucket import Bucket
from store.cache import Cache
from store.s3 import S3

shelf = S3(Bucket(sys.argv[1], sys.argv[2]), Cache(pathlib.Path(sys.argv[3]), 10**9))
draft = shelf.draft(sys.argv[4])
draft.write_bytes(bytes(100 * 2**20))
print("placing", flush=True)
shelf.place(draft, sys.argv[4])
"""


def test_a_process_killed_while_it_places_leaves_nothing_half_visible(shelves, proxy, prefix, tmp_path):
    arrived, go_on = threading.Event(), threading.Event()

    def fault(request):
        if request.command != "PUT":
            return False
        arrived.set()
        go_on.wait(30)
        return True

    proxy.fault = fault
    given = [f"s3://fleet/{prefix}", proxy.url, str(tmp_path / "one"), PATH]
    child = subprocess.Popen([sys.executable, "-c", PLACER, *given], stdout=subprocess.PIPE)
    assert arrived.wait(60)
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()
    go_on.set()
    proxy.fault = None

    shelf = shelves()
    assert list(shelf.listed()) == []
    assert PATH in shelf.fetch([PATH]).lacking


# --- what it costs --------------------------------------------------------------------------------------


def bill(store):
    with store.engine.connect() as connection:
        rows = connection.execute(sa.select(schema.usage)).all()
    return {(row.collector, row.service, row.operation): (row.calls, row.cost_usd) for row in rows}


def test_requests_are_on_the_bill(filled, noon):
    filled.pack(now=noon)

    found = bill(filled)

    assert found["store", "s3", "PutObject"] == (2, None)  # the owner and a file; this S3 is not AWS's
    assert ("store", "s3", "ListObjectsV2") in found


def test_what_a_process_only_read_is_on_the_bill_when_it_ends(filled, settings, tmp_path, read, noon):
    filled.pack(now=noon)
    with filled.transaction() as connection:
        connection.execute(sa.delete(schema.usage))
    for file in (settings.path / "cache").rglob("*.parquet"):
        file.unlink()
    other = Store.open(settings)

    assert len(read(other)) == 1
    other.close()

    assert bill(filled) == {("store", "s3", "GetObject"): (1, None)}


def test_each_attempt_is_counted(shelves, proxy):
    put(shelves())
    other = shelves("two", attempts=2)
    proxy.fault = error("InternalError", 500)

    other.fetch([PATH])

    assert [(u.operation, u.calls) for u in other.take_usage()] == [("GetObject", 2)]
    assert other.take_usage() == ()


AWS = "https://fleet.s3.eu-west-1.amazonaws.com/key"


@pytest.mark.parametrize(
    ("operation", "url", "usd"),
    [
        ("GetObject", AWS, "0.0000004"),
        ("PutObject", AWS, "0.000005"),
        ("UploadPart", AWS, "0.000005"),
        ("ListObjectsV2", "https://s3.eu-west-1.amazonaws.com/fleet", "0.000005"),
        ("GetObject", "https://s3.amazonaws.com/fleet/key", "0.0000004"),
        ("DeleteObject", AWS, "0"),
        ("GetObject", AWS.replace("eu-west-1", "sa-east-1"), None),
        ("GetObject", "http://minio.example.com:9000/fleet/key", None),
    ],
)
def test_a_request_has_the_price_of_its_region(operation, url, usd):
    assert price_usd(operation, url) == (None if usd is None else Decimal(usd))


# --- settings -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url", ["fleet/quarterdeck", "https://fleet.s3.amazonaws.com", "s3://", "s3://A_B/x"]
)
def test_what_is_no_s3_url_is_refused(url):
    with pytest.raises(ValueError, match="telemetry"):
        StoreSettings(telemetry=url)
    with pytest.raises(StoreError, match="such as s3://bucket/prefix"):
        Bucket(url)


@pytest.mark.parametrize("url", ["s3://fleet", "s3://fleet/", "s3://fleet/a/b/"])
def test_the_prefix_may_be_empty_and_may_end_with_a_slash(url):
    assert Bucket(url).where == url.rstrip("/")


def test_the_endpoint_of_the_watched_account_is_not_where_files_are_kept(monkeypatch, prefix):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")

    client = Bucket("s3://fleet/x")._client

    assert client.meta.endpoint_url.endswith(".amazonaws.com")


def test_the_endpoint_of_s3_alone_may_come_from_the_environment(settings, proxy, monkeypatch, read, noon):
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", proxy.url)
    store = Store.open(settings.model_copy(update={"telemetry_endpoint_url": None}))

    store.pack(now=noon)

    store.close()
    assert any("store-id" in asked for asked in proxy.asked)


def test_nothing_is_written_to_a_place_that_nobody_chose(settings):
    assert not (Path(settings.path) / "telemetry" / "kind=metrics").exists()


# --- the doctor ---------------------------------------------------------------------------------------------


def test_all_is_tried_and_nothing_is_left(store, s3_client, prefix):
    assert store.telemetry_troubles() == []
    assert s3_client.list_objects_v2(Bucket="fleet", Prefix=prefix)["KeyCount"] == 0


@pytest.mark.parametrize(
    ("method", "part", "permission"),
    [
        ("GET", "list-type", "s3:ListBucket"),
        ("PUT", "probe-", "s3:PutObject"),
        ("GET", "probe-", "s3:GetObject"),
        ("DELETE", "probe-", "s3:DeleteObject"),
    ],
)
def test_each_missing_permission_is_named(store, proxy, prefix, method, part, permission):
    denied = error("AccessDenied", 403)
    proxy.fault = lambda r: r.command == method and part in r.path and denied(r)

    [trouble] = store.telemetry_troubles()

    assert f"s3://fleet/{prefix}" in trouble
    assert permission in trouble
