"""The commands of `bridge`."""

import typer

# For the commands that they add.
from ops.templates import changing, online, trying  # noqa: F401
from ops.templates.commands import templates
from ops.tracing import command as tracing

app = typer.Typer(
    name="bridge",
    help="Operate a CleverTap WhatsApp bridge: deployed (--stack NAME) or on this machine (--local).",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(templates, name="templates")
tracing.add_to(app)


@app.callback()
def bridge() -> None:
    """With one command beside it, Typer would take `templates` for the program itself."""
