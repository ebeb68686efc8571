"""Errors that no repeat mends: what is asked for is itself wrong, not its surroundings.

On a FIFO queue a message that meets one would come back a thousand times, and keep its person's next ones waiting.
"""

from typing import Final

from botocore.exceptions import ClientError, ParamValidationError

from whatsapp_bridge.store.aws import error_code
from whatsapp_bridge.store.queues import NotStored

# DynamoDB's for a key, an item or an expression that is too large; S3's for a name, a header or a file that is, and for
# what is no longer there. Source: "Error handling with DynamoDB"; "Error responses" in the Amazon S3 API Reference.
_CODES: Final = frozenset(
    {
        "ValidationException",
        "SerializationException",
        "ItemCollectionSizeLimitExceededException",
        "EntityTooLarge",
        "InvalidArgument",
        "KeyTooLongError",
        "MetadataTooLarge",
        "NoSuchKey",
        "RequestHeaderSectionTooLarge",
    }
)
# What Python raises for content that no code has expected. OSError, and with it everything of the network, is not among
# them, but for one of its classes that is also a ValueError.
_OF_CONTENT: Final = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)


def is_lasting(error: BaseException) -> bool:
    if isinstance(error, ClientError):
        return error_code(error) in _CODES
    if isinstance(error, NotStored):
        return error.lasting
    if isinstance(error, ParamValidationError):
        return True
    return isinstance(error, _OF_CONTENT) and not isinstance(error, OSError)
