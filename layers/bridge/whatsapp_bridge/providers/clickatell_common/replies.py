"""Files in messages from people, as both of Clickatell's APIs describe them.

Source: sections "Media by reference" and, for inline media, "Inbound message callback comparisons" of the comparison
page named in `codes`.
"""

from whatsapp_bridge.media.file_types import declared_type
from whatsapp_bridge.providers.capabilities import Json
from whatsapp_bridge.providers.common.attachments import kind_of
from whatsapp_bridge.providers.common.values import blank, detail, identifier, text
from whatsapp_bridge.providers.contract.replies import Attachment


def attachment_of(file: Json, element: Json) -> Attachment:
    """`file` has contentType, and downloadUrl or content. `element`, as `client` opens it, has the caption and the key,
    or the reason why it cannot be read."""
    source = {name: file[name] for name in ("downloadUrl", "content", "sha256Hash") if not blank(file.get(name))}
    if not blank(element.get("unreadable")):
        source = {"unreadable": str(element["unreadable"])}
    content_type, caption = identifier(file.get("contentType")), text(element.get("caption")) or None
    key = {} if blank(element.get("fileKey")) else {"fileKey": text(element["fileKey"])}
    return Attachment(
        kind_of(content_type),
        {**source, **key},
        content_type,
        detail(file.get("fileName")),
        caption,
        # The message has no type of its own.
        guessed=declared_type(content_type) is None,
    )
