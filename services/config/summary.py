"""What a subscription amounts to: who would be told what, and what each source sees."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from services.config.institutions import Institution
from services.config.schema import Config, NoticeKind, Route
from services.config.secrets import Secret, SecretError
from services.config.sources import FileSource, Source
from services.config.values import Strict


def summarise(config: Config) -> dict[str, Any]:
    """Return the summary as plain data, for `check --json`; `describe` makes text of it."""
    return {
        "institutions": [_institution(config, each) for each in config.flat().values()],
        "sources": [_source(config, source) for source in config.sources],
        "notes": list(_notes(config)),
    }


def describe(summary: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of a summary for people."""
    yield f"Institutions and parts: {len(summary['institutions'])}"
    for each in summary["institutions"]:
        indent = "  " * (1 + each["level"])
        yield f"{indent}{each['name']} ({each['id']}; {each['sector']}, {each['size']}, {each['region']})"
        for told, kinds in _by_recipients(each["told"]).items():
            yield f"{indent}  {', '.join(kinds)}: {told}"
    yield f"Sources: {len(summary['sources']) or 'none, so nothing is heard'}"
    yield from (f"  {each['id']}: {each['reads']}, sees {each['sees']}" for each in summary["sources"])
    yield from (f"Note: {note}" for note in summary["notes"])


def _by_recipients(told: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return the kinds of notice by who is told, so that the usual case takes one line."""
    lines: dict[str, list[str]] = {}
    for kind, recipients in told.items():
        lines.setdefault(", ".join(recipients) or "nobody", []).append(kind)
    return lines


def _institution(config: Config, institution: Institution) -> dict[str, Any]:
    told = {kind.value: _told(config, institution.id, kind) for kind in NoticeKind}
    return {
        "id": institution.id,
        "name": institution.name,
        "level": len(institution.ancestors),
        "sector": institution.sector.value,
        "size": institution.size.value,
        "region": institution.region.value,
        "trial_until": institution.trial_until and institution.trial_until.isoformat(),
        "told": told,
    }


def _told(config: Config, institution: str, kind: NoticeKind) -> list[str]:
    names = [name for route in config.routes_for(institution, kind) for name in _names(config, route)]
    return list(dict.fromkeys(names))


def _names(config: Config, route: Route) -> Iterator[str]:
    for target in route.to:
        if target.kind == "receiver":
            yield target.id
        for person in config.members(target):
            yield f"{person.name} ({', else '.join(each.receiver for each in person.addresses)})"


def _source(config: Config, source: Source) -> dict[str, str]:
    bound = config.flat()[source.institution].name if source.institution else None
    return {
        "id": source.id,
        "reads": _reads(source),
        "sees": f"only {bound}" if bound else "every institution that a text names",
    }


def _reads(source: Source) -> str:
    if not isinstance(source, FileSource):
        return f"requests to it, at most {source.rate_per_minute} a minute"
    path = "standard input" if source.path == "-" else source.path
    if source.speed is None:
        return f"{path} at once, for figures only"
    return f"{path} as a replay, {'as fast as possible' if source.speed == 'max' else f'{source.speed:g} x'}"


def _notes(config: Config) -> Iterator[str]:
    """Yield what may be right elsewhere but would not work here and now."""
    for block in (*config.sources, *config.receivers):
        for name, secret in _secrets(block):
            try:
                secret.reveal()
            except SecretError as error:
                yield f"{block.id}.{name}: {error} here"
    for source in config.sources:
        if isinstance(source, FileSource) and source.path != "-" and not Path(source.path).is_file():
            yield f"{source.id}.path: there is no file {source.path} here"
    for institution in config.flat().values():
        if institution.trial_until and not institution.ancestors:
            yield f"{institution.id}: trial until {institution.trial_until}, until then storms only"


def _secrets(block: Strict) -> Iterator[tuple[str, Secret]]:
    for name in type(block).model_fields:
        if isinstance(value := getattr(block, name), Secret):
            yield name, value
