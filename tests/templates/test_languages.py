"""One spelling for the many in which a language comes, and which variant of a template it means."""

import pytest

from whatsapp_bridge.templates.languages import chosen, normalised


@pytest.mark.parametrize(
    ("code", "means"),
    [
        # Meta's list.
        ("en", "en"),
        ("en_GB", "en_GB"),
        ("prs_AF", "prs_AF"),
        ("fil", "fil"),
        # CleverTap's.
        ("en(UK)", "en_GB"),
        ("en(uk)", "en_GB"),
        ("en(US)", "en_US"),
        ("en_UK", "en_GB"),
        ("pt(BR)", "pt_BR"),
        # Meta's webhooks.
        ("en-US", "en_US"),
        ("en-GB", "en_GB"),
        # As people write it.
        (" EN_us ", "en_US"),
        ("en us", "en_US"),
        # Meta's labels.
        ("pt(POR)", "pt_PT"),
        ("es(SPA)", "es_ES"),
        ("es(MEX)", "es_MX"),
        ("es(ARG)", "es_AR"),
        ("zh(CHN)", "zh_CN"),
        ("zh(HKG)", "zh_HK"),
        ("zh(TAI)", "zh_TW"),
        # Not in the list yet, or no code at all.
        ("xx_YY", "xx_YY"),
        ("English", "english"),
        ("", ""),
    ],
)
def test_spelling(code: str, means: str) -> None:
    assert normalised(code) == means


@pytest.mark.parametrize(
    ("code", "existing", "approved", "found"),
    [
        pytest.param("en", ["en", "en_US"], ["en", "en_US"], "en", id="exact"),
        pytest.param("en_GB", ["en", "en_GB"], ["en"], "en_GB", id="exact, though it is not approved"),
        pytest.param("en", ["en_US", "de"], ["en_US", "de"], "en_US", id="the only variant"),
        pytest.param("en", ["en_US", "en_GB"], ["en_GB"], "en_GB", id="the only approved variant"),
        pytest.param("en", ["en_US", "en_GB"], ["en_US", "en_GB"], None, id="two variants"),
        pytest.param("en", ["en_US"], [], None, id="no approved variant"),
        pytest.param("pt_BR", ["pt_PT"], ["pt_PT"], None, id="another region"),
        pytest.param("en_US", ["en"], ["en"], None, id="without its region"),
        pytest.param("de", ["en"], ["en"], None, id="another language"),
        pytest.param("e", ["en_US"], ["en_US"], None, id="half a code"),
    ],
)
def test_variant(code: str, existing: list[str], approved: list[str], found: str | None) -> None:
    assert chosen(code, existing, approved) == found
