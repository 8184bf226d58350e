"""What a person sees of the demo, on stderr: the messages that staff would get, and the clock."""

import sys
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.status import Status
from rich.table import Table

from services.demo.clockwork import Clockwork
from services.demo.summary import Summary
from services.messages.topics import Topics

_ZONE = ZoneInfo("Europe/Amsterdam")


class View:
    """Prints messages as they come and keeps one status line below them."""

    def __init__(self, topics: Topics, week: Path) -> None:
        self._console = Console(file=sys.stderr, highlight=False, soft_wrap=True)
        self._ports: dict[str, int] = {}
        self._console.print(f"[bold]Stormwacht demo[/]: {week.name} through Kafka topics {topics.prefix}.*")
        self._status: Status | None = None
        if self._console.is_terminal:
            self._status = self._console.status("starting the services ...")
            self._status.start()

    def add_service(self, service: str, port: int) -> None:
        """Note where a service's metrics are."""
        self._ports[service] = port

    def told(self, line: str) -> None:
        """Show a line of what the console receiver printed."""
        self._console.print(line, markup=False)

    def progress(self, clockwork: Clockwork) -> None:
        """Show the simulated time and the counts."""
        if self._status is None or clockwork.told is None:
            return
        moment = clockwork.told.astimezone(_ZONE)
        self._status.update(
            f"{moment:%A %d %B %H:%M} - {len(clockwork.mentions)} mentions, {len(clockwork.scored)} scored, "
            f"{len(clockwork.incidents)} incident steps"
        )

    def over(self, summary: Summary, *, leave: bool) -> None:
        """Show how the week went."""
        if self._status is not None:
            self._status.stop()
        table = Table("institution", "step", "time", "why", title="Incidents", title_justify="left")
        for step in summary.incidents:
            table.add_row(step.institution, step.state, f"{step.at.astimezone(_ZONE):%a %H:%M}", step.reason)
        self._console.print(table)
        self._console.print(
            f"{summary.mentions_in} mentions in, {summary.scored} scored, {summary.lost} lost; "
            f"{summary.notifications} messages to staff, {summary.duplicates_told} told twice; "
            f"{summary.seconds:.0f} s"
        )
        if not leave:
            for service, port in self._ports.items():
                self._console.print(f"{service}: http://127.0.0.1:{port}/metrics", markup=False)
            self._console.print("The services keep running; press Ctrl-C to stop.")
