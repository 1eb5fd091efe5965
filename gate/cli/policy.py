"""`gate policy`: what the profiles of the settings say, and under which digest they stand in decisions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import typer
from pydantic import BaseModel

from gate.cli.exits import Exit
from gate.cli.failures import explained, fail

app = typer.Typer(no_args_is_help=True, help="Profiles: what a lane decides by.")

CONFIG = typer.Option(None, "--config", "-c", help="Settings file; without it gate.toml here, where there is one.")


@app.command("list")
def list_(config: Path | None = CONFIG) -> None:
    """List the profiles, with the digest that every decision carries, and the lanes that use them."""
    from rich.console import Console
    from rich.table import Table

    from gate.settings import load_settings

    with explained():
        settings = load_settings(config)
        table = Table("profile", "version", "digest", "1:N", "1:1", "needs", "lanes", box=None, header_style="bold")
        for name, policy in sorted(settings.profiles.items()):
            lanes = ", ".join(lane for lane, its in settings.lanes.items() if its.profile == name)
            needs = "face and finger" if policy.needs_both else "face"
            table.add_row(name, policy.version, policy.digest, f"{policy.fpir:.2%}", f"{policy.fmr:.2%}", needs, lanes)
        Console(highlight=False).print(table)


@app.command()
def show(
    name: str = typer.Argument(..., help="A profile of `gate policy list`."),
    config: Path | None = CONFIG,
    as_json: bool = typer.Option(False, "--json", help="One JSON object, for machines."),
) -> None:
    """Show every value of a profile, what each one means, and what follows from each reason."""
    from gate.decision.outcome import Reason
    from gate.settings import load_settings

    with explained():
        policy = load_settings(config).profiles.get(name)
        if policy is None:
            fail(f"There is no profile {name!r}.", "See `gate policy list`.", Exit.SETTINGS)
        outcomes = {reason.value: policy.outcome(reason).value for reason in Reason}
        if as_json:
            print(json.dumps({"name": name, "digest": policy.digest, **policy.model_dump(), "outcomes": outcomes}))
            return
        print(f"# profile {name}, digest {policy.digest}")
        _print_table(f"profiles.{name}", policy)
        print(f"\n[profiles.{name}.outcomes]")
        for reason, outcome in outcomes.items():
            print(f'{reason} = "{outcome}"')


def _print_table(title: str, group: BaseModel) -> None:
    """As TOML that the settings take."""
    print(f"[{title}]")
    nested: list[tuple[str, BaseModel]] = []
    for field, about in type(group).model_fields.items():
        value = getattr(group, field)
        if isinstance(value, BaseModel):
            nested.append((field, value))
        elif value is not None and not isinstance(value, Mapping):
            print(f"{field} = {json.dumps(value)}{f'  # {about.description}' if about.description else ''}")
    for field, value in nested:
        print()
        _print_table(f"{title}.{field}", value)
