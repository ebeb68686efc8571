"""The commands of `bridge`."""

from typing import Annotated

import typer

from ops import pausing, status

# For the commands that they add.
from ops.accounts import checking, making, removing, rotating  # noqa: F401
from ops.accounts.commands import account
from ops.standing import replaying  # noqa: F401
from ops.standing.dead_letters import dead_letters
from ops.standing.quarantine import quarantine
from ops.templates import changing, online, trying  # noqa: F401
from ops.templates.commands import templates
from ops.tracing import command as tracing
from whatsapp_bridge import __version__

app = typer.Typer(
    name="bridge",
    help="Operate a CleverTap WhatsApp bridge: deployed (--stack NAME) or on this machine (--local).",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(account, name="account")
app.add_typer(dead_letters, name="dead-letters")
app.add_typer(quarantine, name="quarantine")
app.add_typer(templates, name="templates")
pausing.add_to(app)
status.add_to(app)
tracing.add_to(app)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"bridge {__version__}")
        raise typer.Exit


@app.callback()
def bridge(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Print the version.")
    ] = False,
) -> None:
    """Typer takes its options from here."""
