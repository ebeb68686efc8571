"""Run alone (`python -I -S`), so that the standard library and the built layer are all there is to import from.

Arguments: the layer's `python` folder, then a service and an operation without parameters for each call. Prints the
HTTP status of each answer as JSON.
"""

import json
import sys


def main(layer: str, *calls: str) -> None:
    sys.path.insert(0, layer)
    from whatsapp_bridge.store.aws import client

    answers = {
        service: getattr(client(service), operation)()["ResponseMetadata"]["HTTPStatusCode"]
        for service, operation in zip(calls[::2], calls[1::2], strict=True)
    }
    print(json.dumps(answers))


main(*sys.argv[1:])
