"""CleverTap's import: what is in the list, in which form, and its pages while the list changes."""

import json
from collections import Counter
from random import Random
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from tests.templates.samples import (
    DYNAMIC,
    IMPORT_SAMPLES,
    PHONE,
    STATIC,
    Json,
    body,
    buttons,
    card,
    carousel,
    entry,
    footer,
    header,
    media,
    named_body,
    offer,
    reply,
    template,
    url,
)
from whatsapp_bridge.clevertap import template_import
from whatsapp_bridge.clevertap.template_import import (
    LeftOut,
    Unreadable,
    cursor,
    listing,
    lost,
    page,
    read_cursor,
    read_limit,
)
from whatsapp_bridge.providers.cloud_api.templates import of_entry
from whatsapp_bridge.templates.news import merged
from whatsapp_bridge.templates.statuses import STATUSES
from whatsapp_bridge.templates.template import Template

ADDRESS = "https://bridge.example/acme/templates"
IMAGE = "https://shop.example/sample.png"
SAMPLES = {"IMAGE": IMAGE}


def registered(made: Json) -> Template:
    news = of_entry(made, 1, "a listing")
    assert news is not None
    found = merged(None, news).template
    assert found is not None
    return found


def asked(known: list[Template], **query: Any) -> Json:
    begin, most = read_cursor(query.pop("after", None)), read_limit(query.pop("limit", None))
    made = page(listing(known, query.pop("samples", {}), begin), ADDRESS, most, **query)
    read: Json = json.loads(made.body)
    assert made.entries == len(read["data"])
    return read


# --- entries ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", IMPORT_SAMPLES)
def test_clevertaps_samples_come_out_as_they_are(name: str) -> None:
    sample = IMPORT_SAMPLES[name]
    (made,) = asked([registered(sample)])["data"]
    # With the order of the members.
    assert json.dumps(made) == json.dumps(sample)


def named(**samples: str) -> Json:
    return named_body("Hi {{first_name}}, {{day}}", **samples)


FORM = {
    "a sample for each variable": ([body("{{1}} {{2}}")], [body("{{1}} {{2}}", "Sample", "Sample")]),
    "the missing samples": ([body("{{1}} {{2}}", "a")], [body("{{1}} {{2}}", "a", "Sample")]),
    "samples in a flat list": ([body("{{1}}") | {"example": {"body_text": ["a"]}}], [body("{{1}}", "a")]),
    "a sample as a text": ([body("{{1}}") | {"example": {"body_text": "a"}}], [body("{{1}}", "a")]),
    "named variables": ([named(first_name="Naledi", day="today")], [named(first_name="Naledi", day="today")]),
    "a missing sample of a named one": ([named(day="today")], [named(first_name="Sample", day="today")]),
    "a text header": ([header("{{1}}"), body("x")], [header("{{1}}", "Sample"), body("x")]),
    "a text header without a variable": ([header("x"), body("x")], [header("x"), body("x")]),
    "a location": ([media("LOCATION", None), body("x")], [media("LOCATION", None), body("x")]),
    "an image's own sample": ([media("IMAGE"), body("x")], [media("IMAGE"), body("x")]),
    "the option's for one without": ([media("IMAGE", None), body("x")], [media("IMAGE", IMAGE), body("x")]),
    "the option's for a handle": ([media("IMAGE", "4::aW..."), body("x")], [media("IMAGE", IMAGE), body("x")]),
    "an image of a card": (
        [body("x"), carousel(card(media("IMAGE", None)))],
        [body("x"), carousel(card(media("IMAGE", IMAGE)))],
    ),
    "variables of a card": (
        [body("x"), carousel(card(body("{{1}}")))],
        [body("x"), carousel(card(body("{{1}}", "Sample")))],
    ),
    "a dynamic URL without a sample": (
        [body("x"), buttons(url("https://a.example/{{1}}"))],
        [body("x"), buttons(url("https://a.example/{{1}}", "https://a.example/sample"))],
    ),
    "a URL's sample as a text": (
        [body("x"), buttons({**DYNAMIC, "example": "https://shop.example/test"})],
        [body("x"), buttons(DYNAMIC)],
    ),
    "static buttons": ([body("x"), buttons(STATIC, PHONE, reply())], [body("x"), buttons(STATIC, PHONE, reply())]),
    "a coupon's sample as a text": (
        [body("x"), buttons({"type": "COPY_CODE", "example": "SAVE25"})],
        [body("x"), buttons({"type": "COPY_CODE", "text": "Copy offer code", "example": ["SAVE25"]})],
    ),
    "a coupon without a sample": (
        [body("x"), buttons({"type": "COPY_CODE"})],
        [body("x"), buttons({"type": "COPY_CODE", "text": "Copy offer code", "example": ["SAMPLECODE"]})],
    ),
    "an offer": ([offer(), body("x"), footer()], [offer(), body("x"), footer()]),
    "unknown members": (
        [body("x") | {"new": 1}, buttons(reply() | {"new": 2})],
        [body("x") | {"new": 1}, buttons(reply() | {"new": 2})],
    ),
    "types in lower case": ([{"type": "body", "text": "x"}], [body("x")]),
}


@pytest.mark.parametrize(("listed", "expected"), FORM.values(), ids=FORM.keys())
def test_components(listed: list[Json], expected: list[Json]) -> None:
    (made,) = asked([template(*listed)], samples=SAMPLES)["data"]
    assert made["components"] == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"parameter_format": ...}, {"parameter_format": "POSITIONAL"}, id="the format is always there"),
        pytest.param(
            {"quality_score": {"score": "RED"}, "rejected_reason": "NONE"}, {}, id="what the bridge reads itself"
        ),
        pytest.param({"sub_category": "CUSTOM"}, {"sub_category": "CUSTOM"}, id="unknown members"),
        pytest.param({"language": "en-US"}, {"language": "en-US"}, id="the language as the BSP has it"),
        pytest.param({"id": ..., "category": ...}, {"id": ..., "category": ...}, id="what nobody knows"),
        pytest.param({"status": "approved"}, {}, id="in lower case"),
    ],
)
def test_members(changes: Json, expected: Json) -> None:
    (made,) = asked([template(**changes)])["data"]
    assert made == entry(**expected)


OUT = {
    "authentication": ([body("x")], {"category": "AUTHENTICATION"}, "CleverTap sends no authentication templates"),
    "one-time code": ([body("x"), buttons({"type": "OTP"})], {}, "CleverTap sends no templates with a button OTP"),
    "a flow": ([body("x"), buttons({"type": "FLOW"})], {}, "CleverTap sends no templates with a button FLOW"),
    "a catalogue": (
        [body("x"), buttons({"type": "CATALOG"})],
        {},
        "CleverTap sends no templates with a button CATALOG",
    ),
    "products": ([body("x"), buttons({"type": "MPM"})], {}, "CleverTap sends no templates with a button MPM"),
    "a product": ([media("PRODUCT", None), body("x")], {}, "CleverTap sends no templates with a header PRODUCT"),
    "a product's card": (
        [body("x"), carousel(card(media("PRODUCT", None)))],
        {},
        "CleverTap sends no templates with a header PRODUCT",
    ),
    "an unknown component": ([body("x"), {"type": "NEW"}], {}, "CleverTap sends no templates with a component NEW"),
    "no sample of a video": (
        [media("VIDEO", None), body("x")],
        {},
        "the BSP has told no sample of its video, and the account's option has none",
    ),
    "no components": ([footer()], {}, "the BSP has not told its components"),
}


@pytest.mark.parametrize(("listed", "changes", "reason"), OUT.values(), ids=OUT.keys())
def test_left_out_and_named(listed: list[Json], changes: Json, reason: str) -> None:
    known = [template(*listed, **changes), template(name="other")]
    assert [made for _, made in listing(known, SAMPLES)] == [LeftOut("order_ready (en)", reason), entry(name="other")]
    assert page(listing(known, SAMPLES), ADDRESS, 50).left_out == [LeftOut("order_ready (en)", reason)]
    assert asked(known, samples=SAMPLES)["data"] == [entry(name="other")]


def test_only_approved_ones() -> None:
    every = [template(name=f"is_{status.lower()}", status=status) for status in (*STATUSES, "TOOCRAZY", "")]
    assert [made.name for made, _ in listing(every, {})] == ["is_approved"]


# --- pages -----------------------------------------------------------------------------------------------------------


def many(number: int) -> list[Template]:
    return [template(name=f"t{n // 2:04}", language=("en", "de")[n % 2]) for n in range(number)]


def test_pages_by_after_and_by_next_are_the_same() -> None:
    known = many(5)
    first = asked(known, limit="2")
    assert [made["name"] for made in first["data"]] == ["t0000", "t0000"]
    assert first["paging"]["cursors"].keys() == {"before", "after"}
    split = urlsplit(first["paging"]["next"])
    assert f"{split.scheme}://{split.netloc}{split.path}" == ADDRESS
    query = {name: values[0] for name, values in parse_qs(split.query, strict_parsing=True).items()}
    assert query == {"limit": "2", "after": first["paging"]["cursors"]["after"]}
    last = asked(known, limit="3", after=query["after"])
    assert [made["language"] for made in last["data"]] == ["de", "en", "en"]


def test_last_page_has_neither_after_nor_next() -> None:
    known = many(4)
    second = asked(known, limit="2", after=asked(known, limit="2")["paging"]["cursors"]["after"])
    assert len(second["data"]) == 2
    assert second["paging"].keys() == {"cursors"}
    assert second["paging"]["cursors"].keys() == {"before"}


def test_empty_list() -> None:
    assert asked([]) == {"data": [], "paging": {"cursors": {}}}
    assert asked(many(1), after=cursor(("z", "en"))) == {"data": [], "paging": {"cursors": {}}}


def test_page_is_cut_by_bytes() -> None:
    known = [template(body("\u00e9" * 1000), name=f"t{n}") for n in range(5)]
    first = asked(known, max_bytes=13_000)
    assert len(first["data"]) == 2
    assert "next" in first["paging"]
    # One that is larger than a page alone comes alone.
    assert len(asked(known, max_bytes=10)["data"]) == 1


def test_largest_page_fits_into_lambdas_answer() -> None:
    largest = [
        template(body('"' * 1024), carousel(*[card(body('"\u00e9' * 512))] * 10), name=f"t{n:04}") for n in range(500)
    ]
    found = page(listing(largest, {}), ADDRESS, 500)
    assert len(json.dumps({"statusCode": 200, "body": found.body})) < 6_291_556
    assert found.entries < 500


@pytest.mark.parametrize(
    ("given", "limit"),
    [
        (None, 50),
        ("", 50),
        ("1", 1),
        ("50", 50),
        ("500", 500),
        ("501", 500),
        ("999999999", 500),
        ('50"', 50),
        (" 7 ", 7),
        ("%2250%22", 50),
    ],
)
def test_limit(given: str | None, limit: int) -> None:
    assert read_limit(given) == limit


@pytest.mark.parametrize("given", ["0", "-1", "ten", "1.5", "5e1", "\u0665", '"', "1" * 99])
def test_no_limit(given: str) -> None:
    with pytest.raises(Unreadable) as refused:
        read_limit(given)
    assert refused.value.answer.status == 400
    assert json.loads(refused.value.answer.body)["status"] == "failure"


KEY = ("Bestellung \u00fc {{1}}", "de")


@pytest.mark.parametrize(
    "around",
    ['{}"', '"{}"', "'{}'", " {} ", "%22{}%22", "{}%2522", "{}%20", "+{}", "\u201c{}\u201d", "{}=="],
)
def test_cursor_is_read_whatever_is_around_it(around: str) -> None:
    assert read_cursor(around.format(cursor(KEY))) == KEY


@pytest.mark.parametrize("key", [KEY, ("a", "en"), ("x" * 512, "en_US"), ('"', "%")])
def test_cursor(key: tuple[str, str]) -> None:
    assert read_cursor(cursor(key)) == key
    assert quote(cursor(key), safe="") == cursor(key)
    assert read_cursor(None) is read_cursor("") is None


@pytest.mark.parametrize(
    "given",
    [
        '"',
        "null",
        "undefined",
        "MAZDZD",
        "2",
        cursor(KEY)[1:],
        cursor(KEY)[:-3],
        cursor(KEY).lower(),
        "\u00e9",
        "\ud800",
        "=" * 9,
    ],
)
def test_no_cursor(given: str) -> None:
    with pytest.raises(Unreadable, match="no cursor") as refused:
        read_cursor(given)
    assert refused.value.answer.status == 400
    assert json.loads(refused.value.answer.body)["error"] == {
        "code": 2004,
        "message": "after: is no cursor of this list",
    }


@pytest.mark.parametrize("seed", range(8))
def test_two_thousand_are_paged_without_a_miss_or_a_double_while_they_change(seed: int) -> None:
    random = Random(seed)
    known = {made.key: made for made in many(2000)}
    there_all_the_time, seen, after = set(known), Counter[tuple[str, str]](), None
    while True:
        limit = str(random.choice((1, 7, 50, 499, 500)) + 40)
        answer = asked(list(random.sample(list(known.values()), len(known))), limit=limit, after=after)
        seen.update((made["name"], made["language"]) for made in answer["data"])
        after = answer["paging"]["cursors"].get("after")
        if after is None:
            break
        for _ in range(20):
            key = random.choice(list(known))
            there_all_the_time.discard(key)
            match random.choice(("gone", "paused", "new")):
                case "gone":
                    del known[key]
                case "paused":
                    known[key] = known[key]._replace(status="PAUSED")
                case "new":
                    made = template(name=f"t{random.randrange(1000):04}x", language="en")
                    known[made.key] = made
    assert there_all_the_time <= set(seen)
    assert set(seen.values()) == {1}


def test_answers_without_a_list() -> None:
    assert template_import.WRONG_CREDENTIALS.status == 401
    assert json.loads(template_import.WRONG_CREDENTIALS.body)["error"]["code"] == 2000
    assert template_import.NO_LIST.status == 503
    assert json.loads(template_import.NO_LIST.body)["status"] == "failure"


def test_lost_names() -> None:
    assert lost(["b", "a", "c"], ["c", "d"]) == ["a", "b"]
