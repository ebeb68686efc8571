"""A message with a template's own samples, for every kind of template: it fits the template."""

from pathlib import Path
from typing import Any

import pytest
from pydantic_core import to_json

from ops.templates.files import read
from ops.templates.registry import news_of
from ops.templates.sample_message import NoSample, sample_message
from tests.ops.drafts import BODY, DYNAMIC, IMAGE, PHONE, REPLY, URL, buttons, draft
from whatsapp_bridge.clevertap.messages import TemplateMessage
from whatsapp_bridge.clevertap.reading import parse_message
from whatsapp_bridge.providers.common.template_check import check, check_texts
from whatsapp_bridge.templates.news import merged
from whatsapp_bridge.templates.template import Template

EXAMPLES = sorted((Path(__file__).parents[2] / "ops/examples").glob("*.yaml"))
NUMBER = "27999000001"
PICTURE = "https://media.example/picture.png"


def template_of(file: Path) -> Template:
    (news,) = news_of(read(file), 1)
    found = merged(None, news).template
    assert found is not None
    return found


def written(folder: Path, value: Any) -> Path:
    file = folder / "template.json"
    file.write_bytes(to_json(value))
    return file


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_message_with_the_samples_fits_its_template(file: Path) -> None:
    template = template_of(file)

    message = parse_message(to_json(sample_message(template, NUMBER, "27821230001", "1|2|3|4", 1_700_000_000, PICTURE)))

    assert isinstance(message, TemplateMessage)
    check(message, template)
    check_texts(message, template)


def test_buttons_have_the_values_of_their_kinds(tmp_path: Path) -> None:
    template = template_of(written(tmp_path, draft(BODY, buttons(DYNAMIC, URL, PHONE, REPLY))))

    components = sample_message(template, NUMBER, "27821230001", "1|2|3|4", 1.0)["components"]

    assert [(each["subType"], each["parameters"][0]) for each in components[1:]] == [
        # What follows the address, though the sample is the whole one.
        ("dynamicUrl", {"type": "text", "text": "a"}),
        ("staticUrl", {"type": "text", "text": "https://shop.example/help"}),
        ("callPhone", {"type": "text", "text": "+27999000001"}),
        ("quickReply", {"type": "payload", "payload": "test"}),
    ]


@pytest.mark.parametrize(
    ("components", "words"),
    [
        pytest.param([IMAGE, BODY], "--media", id="a file without an address"),
        pytest.param([{"type": "HEADER", "format": "PRODUCT"}, BODY], "no header PRODUCT", id="a product"),
        pytest.param([BODY, buttons({"type": "OTP", "text": "Copy"})], "no button OTP", id="a one-time code"),
    ],
)
def test_what_has_no_sample(tmp_path: Path, components: list[Any], words: str) -> None:
    template = template_of(written(tmp_path, draft(*components)))

    with pytest.raises(NoSample, match=words):
        sample_message(template, NUMBER, "27821230001", "1|2|3|4", 1.0)
