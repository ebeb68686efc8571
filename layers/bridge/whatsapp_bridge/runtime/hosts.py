"""Hosts that are this machine: nothing on the way to them can be overheard."""


def is_loopback(host: str | None) -> bool:
    if host == "localhost":
        return True
    # Imported here because a start that reads https addresses alone has no use for it.
    from ipaddress import ip_address

    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return False
