"""Files by their address: which addresses pass, what is asked once, and which failures another try may mend."""

from collections.abc import Iterator
from threading import Barrier, Lock, Thread
from typing import Any

import pytest

from tests.support.bsp import Answer, Bsp, Request, refusing_url
from tests.support.resolver import hanging
from whatsapp_bridge.media import fetch as files
from whatsapp_bridge.media.addresses import address
from whatsapp_bridge.media.fetch import File, Files, Source, SourceDead, SourceUnavailable
from whatsapp_bridge.net.http import AnswerLost, HttpClient, NotReached
from whatsapp_bridge.net.limits import Patience

SECRET = "canary-in-the-url"
MAX = 1024


# --- addresses ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "full"),
    [
        pytest.param("https://h.example/a.png", "https://h.example/a.png", id="https"),
        pytest.param("http://h.example/a.png", "http://h.example/a.png", id="http"),
        pytest.param("HTTPS://H.example/A.png", "HTTPS://H.example/A.png", id="capitals"),
        pytest.param("h.example/a.png", "https://h.example/a.png", id="no scheme"),
        pytest.param("h.example", "https://h.example", id="host alone"),
        pytest.param("//h.example/a.png", "https://h.example/a.png", id="no scheme, two slashes"),
        pytest.param("h.example:8443/a.png", "https://h.example:8443/a.png", id="no scheme, port"),
        pytest.param("h.example?a=http://b/", "https://h.example?a=http://b/", id="no scheme, another in its query"),
        pytest.param(" https://h.example/a.png\n", "https://h.example/a.png", id="space around it"),
        pytest.param("h.example/a b.png", "https://h.example/a%20b.png", id="space in it"),
        pytest.param(
            "münchen.example/ä.png?v=ł#ü",
            "https://xn--mnchen-3ya.example/%C3%A4.png?v=%C5%82#%C3%BC",
            id="not ASCII",
        ),
        pytest.param("https://h.example/a|b.png", "https://h.example/a%7Cb.png", id="bar"),
        pytest.param(
            'https://h.example/"<>^`{}\\[].png',
            "https://h.example/%22%3C%3E%5E%60%7B%7D%5C%5B%5D.png",
            id="all else that no address has",
        ),
        pytest.param("https://h.example/100% off.png", "https://h.example/100%25%20off.png", id="percent sign"),
        pytest.param(
            "https://h.example/a%20b%2fc%7e.png?X-Amz-Signature=ab%2Fcd&q=a+b&e=&f",
            "https://h.example/a%20b%2fc%7e.png?X-Amz-Signature=ab%2Fcd&q=a+b&e=&f",
            id="encoded already",
        ),
        pytest.param(
            "https://h.example:443/a;b=1/-._~!$&'()*+,=:@?a=/?#",
            "https://h.example:443/a;b=1/-._~!$&'()*+,=:@?a=/?#",
            id="all that an address has",
        ),
        pytest.param("https://h.example?", "https://h.example?", id="empty query"),
        pytest.param("https://straße.example/a", "https://xn--strae-oqa.example/a", id="host of IDNA 2008"),
        pytest.param("https://MÜNCHEN.Example/A", "https://xn--mnchen-3ya.Example/A", id="umlaut in capitals"),
        pytest.param("https://my_files.ü.example:8443/a", "https://my_files.xn--tda.example:8443/a", id="host with _"),
        pytest.param("https://\uff48\uff0eexample/a", "https://h.example/a", id="full-width host"),
        pytest.param("\ufeffhttps://h.example/a.png\u200b\r\n", "https://h.example/a.png", id="unseen around it"),
        pytest.param("https://h.example/a\r\n\tb.png", "https://h.example/ab.png", id="broken into lines"),
        pytest.param("https://h.\u200bexample/a\u200cb.png", "https://h.example/a%E2%80%8Cb.png", id="unseen in it"),
        pytest.param("https://u:p ü@h.example/a", "https://u:p%20%C3%BC@h.example/a", id="odd credentials"),
        pytest.param("https://u:p@h.example/a", "https://u:p@h.example/a", id="with credentials"),
        pytest.param("https://[2001:db8::1]:444/a", "https://[2001:db8::1]:444/a", id="IPv6"),
    ],
)
def test_address(written: str, full: str) -> None:
    assert address(written) == full


@pytest.mark.parametrize(
    "written",
    [
        pytest.param("", id="empty"),
        pytest.param(" ", id="space"),
        pytest.param("https://", id="no host"),
        pytest.param("https:///a", id="empty host"),
        pytest.param("/a.png", id="path alone"),
        pytest.param("?a=b", id="query alone"),
        pytest.param("ftp://h.example/a", id="ftp"),
        pytest.param("file:///etc/passwd", id="file"),
        pytest.param("file:/etc/passwd", id="file, one slash"),
        pytest.param("http:/h.example/a", id="one slash"),
        pytest.param("data:image/png;base64,AAAA", id="data"),
        pytest.param("javascript:alert(1)", id="script"),
        pytest.param("mailto:somebody@h.example", id="mail address"),
        pytest.param("user:password@h.example/a", id="credentials without a scheme"),
        pytest.param("s3://bucket/a", id="s3"),
        pytest.param("https://h.example:0/a", id="port 0"),
        pytest.param("https://h.example:99999/a", id="no port"),
        pytest.param("h.example:x/a", id="no number"),
        pytest.param("https://[::1/a", id="half an IPv6 address"),
        pytest.param("h.example\\@other.example", id="backslash"),
        pytest.param("https://h .example/a", id="space in the host"),
        pytest.param("https://h|i.example/a", id="bar in the host"),
        pytest.param("https://h%2e.example/a", id="escape in the host"),
        pytest.param("https://-ü.example/a", id="no host of IDNA"),
        pytest.param("https://a\u2100b.example/a", id="slash in disguise"),
        pytest.param(f"https://{'ü' * 64}.example/a", id="host too long"),
    ],
)
def test_no_address(written: str) -> None:
    with pytest.raises(ValueError, match=r"^is not an http or https address$"):
        address(written)


# --- fetching -------------------------------------------------------------------------------------------------------


@pytest.fixture
def host() -> Iterator[Bsp]:
    with Bsp(Answer(200, b"content")) as bsp:
        yield bsp


def fetch(url: str, validator: str | None = None, max_bytes: int = MAX) -> Source | None:
    return Files(HttpClient(patience=Patience(read=0.2))).fetch(url, max_bytes, loopback=True, validator=validator)


@pytest.mark.parametrize("loopback", [False, True], ids=["somewhere", "for a stack on one machine"])
def test_a_look_up_that_hangs_is_tried_again_later(loopback: bool) -> None:
    files = Files(HttpClient(patience=Patience(connect=0.2)))
    with hanging() as resolver:
        for _ in range(2):
            with pytest.raises(SourceUnavailable, match=r"^cannot be fetched: ConnectionError$"):
                files.fetch(f"https://{SECRET}.example/a.png", MAX, loopback=loopback)
    assert resolver.asked == 1


HASH = "sha256:ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73"
DATE = "Wed, 21 Oct 2026 07:28:00 GMT"


@pytest.mark.parametrize(
    ("headers", "validator", "asked"),
    [
        pytest.param({"etag": '"1"', "last-modified": DATE}, 'etag:"1"', ("if-none-match", '"1"'), id="ETag"),
        pytest.param({"etag": 'W/"1:2"'}, 'etag:W/"1:2"', ("if-none-match", 'W/"1:2"'), id="weak ETag"),
        pytest.param({"last-modified": DATE}, f"last-modified:{DATE}", ("if-modified-since", DATE), id="date"),
        pytest.param({}, HASH, None, id="neither"),
        pytest.param({"etag": ""}, HASH, None, id="empty ETag"),
    ],
)
def test_validator(host: Bsp, headers: dict[str, str], validator: str, asked: tuple[str, str] | None) -> None:
    host.script[0] = Answer(200, b"content", headers)
    assert fetch(host.url) == Source(b"content", validator)
    # The same file again: by the host's word, or by what it is.
    host.script[0] = Answer(304, b"") if asked else host.script[0]
    assert fetch(host.url, validator) is None
    conditions = {"if-none-match", "if-modified-since"}
    assert [{n: v for n, v in r.headers.items() if n in conditions} for r in host.requests] == [
        {},
        dict([asked]) if asked else {},
    ]


@pytest.mark.parametrize(
    ("validator", "answer"),
    [
        pytest.param('etag:"0"', Answer(200, b"new", {"etag": '"1"'}), id="another ETag"),
        pytest.param("sha256:00", Answer(200, b"new"), id="another hash"),
        pytest.param('etag:"0"', Answer(200, b"new"), id="no ETag any more"),
    ],
)
def test_a_file_that_has_changed(host: Bsp, validator: str, answer: Answer) -> None:
    host.script[0] = answer
    found = fetch(host.url, validator)
    assert found is not None
    assert found.content == b"new"
    assert found.validator != validator


def test_the_same_although_the_host_sends_it_again(host: Bsp) -> None:
    host.script[0] = Answer(200, b"content", {"etag": '"1"'})
    assert fetch(host.url, 'etag:"1"') is None


@pytest.mark.parametrize(
    ("answer", "kind", "reason"),
    [
        pytest.param(Answer(404), SourceDead, "answers HTTP 404", id="not found"),
        pytest.param(Answer(401), SourceDead, "answers HTTP 401", id="not for us"),
        pytest.param(Answer(403), SourceDead, "answers HTTP 403", id="forbidden"),
        pytest.param(Answer(410), SourceDead, "answers HTTP 410", id="gone"),
        pytest.param(Answer(302), SourceDead, "answers HTTP 302", id="a redirect to nowhere"),
        pytest.param(Answer(304), SourceDead, "answers HTTP 304", id="unchanged, without having been asked"),
        pytest.param(Answer(204), SourceDead, "answers HTTP 204", id="no content"),
        pytest.param(Answer(200, b""), SourceDead, "is empty", id="empty"),
        pytest.param(Answer(200, b"x" * 1025), SourceDead, "is larger than 1 KB", id="too large"),
        pytest.param(
            Answer(302, b"", {"location": "ftp://h/"}),
            SourceDead,
            "is not an http or https address",
            id="another scheme",
        ),
        pytest.param(
            Answer(302, b"", {"location": "http://10.0.0.1/"}), SourceDead, "is not a public address", id="private"
        ),
        pytest.param(Answer(302, b"", {"location": "/"}), SourceDead, "is redirected too often", id="in circles"),
        pytest.param(Answer(202), SourceUnavailable, "answers HTTP 202", id="not made yet"),
        pytest.param(Answer(408), SourceUnavailable, "answers HTTP 408", id="timed out"),
        pytest.param(Answer(409), SourceUnavailable, "answers HTTP 409", id="changed at this moment"),
        pytest.param(Answer(423), SourceUnavailable, "answers HTTP 423", id="locked"),
        pytest.param(Answer(499), SourceUnavailable, "answers HTTP 499", id="given up"),
        pytest.param(Answer(425), SourceUnavailable, "answers HTTP 425", id="too early"),
        pytest.param(Answer(429), SourceUnavailable, "answers HTTP 429", id="too fast"),
        pytest.param(Answer(500), SourceUnavailable, "answers HTTP 500", id="failed"),
        pytest.param(Answer(503, b"x" * 5000), SourceUnavailable, "answers HTTP 503", id="down, at length"),
    ],
)
def test_no_file(host: Bsp, answer: Answer, kind: type[SourceDead | SourceUnavailable], reason: str) -> None:
    host.script[0] = answer
    with pytest.raises(kind) as raised:
        fetch(f"{host.url}/{SECRET}")
    assert str(raised.value) == raised.value.reason == reason


@pytest.mark.parametrize("error", [NotReached("ConnectTimeout"), AnswerLost("ReadTimeout")], ids=lambda e: str(e))
def test_out_of_reach(error: Exception) -> None:
    class Http:
        def fetch(self, *_: Any, **__: Any) -> Any:
            raise error

    with pytest.raises(SourceUnavailable, match=f"^cannot be fetched: {error}$"):
        Files(Http()).fetch("https://h.example/", MAX)  # type: ignore[arg-type]


def test_nobody_listens() -> None:
    with pytest.raises(SourceUnavailable, match=r"^cannot be fetched: ConnectionError$"):
        fetch(refusing_url())


def test_this_machine_is_not_the_internet(host: Bsp) -> None:
    with pytest.raises(SourceDead, match=r"^is not a public address$"):
        Files(HttpClient()).fetch(host.url, MAX)
    assert host.requests == []


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        pytest.param(100 * 1024, "100 KB", id="a sticker's"),
        pytest.param(5 * 1024 * 1024, "5 MB", id="an image's"),
        pytest.param(100 * 1024 * 1024, "100 MB", id="a document's"),
    ],
)
def test_a_limit_in_words(host: Bsp, limit: int, words: str) -> None:
    host.script[0] = Answer(200, b"", {"content-length": str(limit + 1)})
    with pytest.raises(SourceDead, match=f"^is larger than {words}$"):
        fetch(host.url, max_bytes=limit)


# --- once for a batch -----------------------------------------------------------------------------------------------


def together(number: int, work: Any) -> list[Any]:
    """What each of so many threads, all started at once, got or was refused with."""
    barrier, lock, results = Barrier(number), Lock(), []

    def run() -> None:
        barrier.wait(10)
        try:
            got: Any = work()
        except (SourceDead, SourceUnavailable) as error:
            got = error
        with lock:
            results.append(got)

    threads = [Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


def test_many_who_want_one_file_at_the_same_time(host: Bsp) -> None:
    kept = Files(HttpClient())
    results = together(8, lambda: kept.fetch(host.url, MAX, loopback=True))
    assert results == [Source(b"content", HASH)] * 8
    assert len(host.requests) == 1


@pytest.mark.parametrize("status", [404, 503])
def test_a_failure_is_kept_as_well(host: Bsp, status: int) -> None:
    host.script.appendleft(Answer(status))
    kept = Files(HttpClient())
    results = together(8, lambda: kept.fetch(host.url, MAX, loopback=True))
    assert [str(error) for error in results] == [f"answers HTTP {status}"] * 8
    assert len(host.requests) == 1
    # Threads that raise one and the same would write to its traceback.
    assert len({id(error) for error in results}) == 8
    # The next batch asks again.
    assert Files(HttpClient()).fetch(host.url, MAX, loopback=True) is not None


def test_unchanged_is_kept_as_well(host: Bsp) -> None:
    host.script[0] = Answer(304)
    kept = Files(HttpClient())
    assert [kept.fetch(host.url, MAX, loopback=True, validator='etag:"1"') for _ in range(3)] == [None] * 3
    assert len(host.requests) == 1


def test_different_files_do_not_wait_for_each_other() -> None:
    barrier = Barrier(2)

    def answer(request: Request) -> Answer:
        # Passes only if both requests are under way at once.
        barrier.wait(10)
        return Answer(200, request.path.encode())

    with Bsp(answer) as host:
        kept, paths = Files(HttpClient()), iter(["/a", "/b"])
        results = together(2, lambda: kept.fetch(host.url + next(paths), MAX, loopback=True))
    assert sorted(source.content for source in results) == [b"/a", b"/b"]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"max_bytes": 500}, id="another limit"),
        pytest.param({"validator": 'etag:"1"'}, id="another validator"),
        pytest.param({"url": "/b"}, id="another address"),
    ],
)
def test_what_makes_another_question(host: Bsp, other: dict[str, Any]) -> None:
    kept = Files(HttpClient())
    for changes in ({}, other, {}, other):
        question: dict[str, Any] = {"url": "/a", "max_bytes": MAX, **changes}
        kept.fetch(host.url + question.pop("url"), loopback=True, **question)
    assert len(host.requests) == 2


def test_the_oldest_goes_when_there_is_too_much(host: Bsp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_MAX_KEPT_BYTES", 1000)
    host.script[0] = lambda request: Answer(404) if request.path == "/404" else Answer(200, b"x" * 400)
    kept = Files(HttpClient())

    def ask(path: str) -> bool:
        """Whether the host was asked."""
        before = len(host.requests)
        try:
            kept.fetch(host.url + path, MAX, loopback=True)
        except SourceDead:
            assert path == "/404"
        return len(host.requests) > before

    assert [ask(path) for path in ("/404", "/a", "/b")] == [True] * 3
    assert [ask(path) for path in ("/404", "/a", "/b")] == [False] * 3
    assert ask("/c")
    assert [ask(path) for path in ("/b", "/c")] == [False, False]
    assert ask("/a")


def test_one_larger_than_all_that_may_be_kept_serves_its_batch(host: Bsp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_MAX_KEPT_BYTES", 5)
    kept = Files(HttpClient())
    for _ in range(2):
        assert kept.fetch(host.url, MAX, loopback=True) == Source(b"content", HASH)
    assert len(host.requests) == 1


def test_nothing_private_shows() -> None:
    assert repr(File(b"content", "image/png", "name.png")) == "File(content_type='image/png')"
    assert repr(Source(b"content", "etag:1")) == "Source(validator='etag:1', content_type=None)"
