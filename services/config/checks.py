"""What a schema cannot say: names that refer to each other, and mistakes that would go unnoticed.

Works on what is valid of a file that may have other faults, so that all of them are told at once.
"""

from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter, ValidationError

from services.config.faults import Finding, Steps, choose, did_you_mean, field_name
from services.config.institutions import MAX_DEPTH, Institution, InstitutionEntry, resolve
from services.config.receivers import EmailReceiver, Payload, Receiver
from services.config.schema import EVERYTHING, Person, Route, Target, Team
from services.config.sources import FileSource, Source
from services.config.values import BadValueError, check_email, show
from services.config.wording import unknown_fields

_SOURCE: TypeAdapter[Source] = TypeAdapter(Source)
_RECEIVER: TypeAdapter[Receiver] = TypeAdapter(Receiver)
_ADAPTERS: dict[str, TypeAdapter[Any]] = {
    "sources": _SOURCE,
    "receivers": _RECEIVER,
    "people": TypeAdapter(Person),
    "teams": TypeAdapter(Team),
    "institutions": TypeAdapter(InstitutionEntry),
    "routes": TypeAdapter(Route),
}
SECTIONS = tuple(_ADAPTERS)


@dataclass
class Draft:
    """The valid items of a file by their index, and the ids of all, valid or not."""

    sources: dict[int, Source] = field(default_factory=dict)
    receivers: dict[int, Receiver] = field(default_factory=dict)
    people: dict[int, Person] = field(default_factory=dict)
    teams: dict[int, Team] = field(default_factory=dict)
    institutions: dict[int, InstitutionEntry] = field(default_factory=dict)
    routes: dict[int, Route] = field(default_factory=dict)
    ids: dict[str, dict[str, Steps]] = field(default_factory=dict)
    repeated: list[Finding] = field(default_factory=list)
    all_routes: bool = True

    @classmethod
    def of(cls, data: dict[str, list[Any]]) -> "Draft":
        """Keep what is valid of the sections."""
        draft = cls()
        for section, adapter in _ADAPTERS.items():
            items = data.get(section, [])
            valid = getattr(draft, section)
            for index, item in enumerate(items):
                try:
                    valid[index] = _validate(adapter, item)
                except ValidationError:
                    draft.all_routes &= section != "routes"
            draft._note_ids(section, items)
        return draft

    def _note_ids(self, section: str, items: list[Any]) -> None:
        known = self.ids.setdefault(section, {})
        for steps, name in _ids(items, (section,)):
            if name in known:
                problem = f"{show(name)} is already the id of {field_name(known[name][:-1])}"
                self.repeated.append(Finding(steps, problem, "give it another id"))
            known.setdefault(name, steps)

    def flat(self) -> Iterator[tuple[Steps, Institution]]:
        """Yield every valid institution and part with its place."""
        for index, entry in self.institutions.items():
            places = _places(entry, ("institutions", index))
            yield from zip(places, resolve(entry), strict=True)


def _validate(adapter: TypeAdapter[Any], item: Any) -> Any:
    """Validate an item; a field that nobody knows, mostly a typing error, does not make it invalid."""
    try:
        return adapter.validate_python(item)
    except ValidationError as error:
        return adapter.validate_python(_without(unknown_fields(error, item), item))


def _without(unknown: Iterable[Steps], item: Any) -> Any:
    """Return a copy of an item without the fields at these places."""
    copy = deepcopy(item)
    for *above, name in unknown:
        block = copy
        for step in above:
            block = block[step]
        del block[name]
    return copy


def _ids(items: Any, at: Steps) -> Iterator[tuple[Steps, str]]:
    for index, item in enumerate(items if isinstance(items, list) else ()):
        if isinstance(item, dict):
            if isinstance(item.get("id"), str):
                yield (*at, index, "id"), item["id"]
            if at[0] == "institutions":
                yield from _ids(item.get("parts"), (*at, index, "parts"))


def _places(entry: InstitutionEntry, at: Steps) -> Iterator[Steps]:
    yield at
    for index, part in enumerate(entry.parts):
        yield from _places(part, (*at, "parts", index))


def check(draft: Draft) -> Iterator[Finding]:
    """Yield everything that is wrong between the parts of the file."""
    yield from draft.repeated
    yield from _sources(draft)
    yield from _people(draft)
    yield from _institutions(draft)
    yield from _names(draft)
    yield from _accounts(draft)
    for index, route in draft.routes.items():
        yield from _Routing(draft).findings(route, ("routes", index))
    yield from _coverage(draft)


def _unknown(draft: Draft, section: str, name: str, steps: Steps) -> Iterator[Finding]:
    known = draft.ids[section]
    if name not in known:
        one = {"people": "person"}.get(section, section.removesuffix("s"))
        yield Finding(steps, f"there is no {one} {show(name)}", did_you_mean(name, known, choose(known)))


def _sources(draft: Draft) -> Iterator[Finding]:
    stdin: Steps = ()
    for index, source in draft.sources.items():
        at: Steps = ("sources", index)
        if source.institution is not None:
            yield from _unknown(draft, "institutions", source.institution, (*at, "institution"))
        if isinstance(source, FileSource) and source.path == "-":
            if stdin:
                problem = f"standard input is already read by {field_name(stdin)}"
                yield Finding((*at, "path"), problem, "name a file")
            stdin = at


def _people(draft: Draft) -> Iterator[Finding]:
    mail = {each.id for each in draft.receivers.values() if isinstance(each, EmailReceiver)}
    for index, person in draft.people.items():
        for nth, address in enumerate(person.addresses):
            at: Steps = ("people", index, "addresses", nth)
            yield from _unknown(draft, "receivers", address.receiver, (*at, "receiver"))
            if address.receiver in mail:
                try:
                    check_email(address.to or "")
                except BadValueError as error:
                    problem = error.problem if address.to else "is missing"
                    yield Finding(
                        (*at, "to"), problem, "write an e-mail address such as webcare@voorbeeld.nl"
                    )
    for index, team in draft.teams.items():
        for nth, member in enumerate(team.members):
            yield from _unknown(draft, "people", member, ("teams", index, "members", nth))


def _institutions(draft: Draft) -> Iterator[Finding]:
    for index, entry in draft.institutions.items():
        if entry.sector is None:
            remedy = "add it, for example sector: ziekenhuis (or ggz, thuiszorg, ouderenzorg, ...)"
            yield Finding(("institutions", index, "sector"), "is missing", remedy)
    for steps, institution in draft.flat():
        if len(institution.ancestors) == MAX_DEPTH:
            yield Finding(steps, f"is more than {MAX_DEPTH} levels deep", "move it a level up")


def _names(draft: Draft) -> Iterator[Finding]:
    seen: dict[str, list[Institution]] = {}
    for steps, institution in draft.flat():
        written: list[tuple[Steps, str]] = [((*steps, "name"), institution.name)]
        written += [((*steps, "aliases", nth), alias) for nth, alias in enumerate(institution.aliases)]
        for place, text in written:
            for other in seen.get(text.casefold(), ()):
                if not _related(institution, other):
                    problem = f"{show(text)} is also a name of institution '{other.id}'"
                    yield Finding(place, problem, "keep it at one of them, or make it longer with the town")
                    break
        for _, text in written:
            seen.setdefault(text.casefold(), []).append(institution)


def _related(one: Institution, other: Institution) -> bool:
    return one.id == other.id or one.id in other.ancestors or other.id in one.ancestors


def _accounts(draft: Draft) -> Iterator[Finding]:
    owners: dict[tuple[str, str], str] = {}
    for steps, institution in draft.flat():
        for nth, account in enumerate(institution.accounts):
            owner = owners.setdefault(account.key, institution.id)
            if owner != institution.id:
                problem = f"{show(account.handle)} on {account.channel} is already an account of '{owner}'"
                remedy = "keep it at one of them; an account of all parts belongs to the whole"
                yield Finding((*steps, "accounts", nth), problem, remedy)


class _Routing:
    """Checks one route against people, receivers and institutions."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.people = {person.id: person for person in draft.people.values()}
        self.teams = {team.id: team for team in draft.teams.values()}
        self.receivers = {receiver.id: receiver for receiver in draft.receivers.values()}

    def findings(self, route: Route, at: Steps) -> Iterator[Finding]:
        if route.institution != EVERYTHING:
            yield from _unknown(self.draft, "institutions", route.institution, (*at, "institution"))
        used: set[str] = set()
        for nth, target in enumerate(route.to):
            place = (*at, "to", nth)
            section = {"team": "teams", "person": "people", "receiver": "receivers"}[target.kind]
            yield from _unknown(self.draft, section, target.id, place)
            if target.kind == "receiver":
                used.add(target.id)
                if isinstance(self.receivers.get(target.id), EmailReceiver):
                    remedy = "name a person or team: only people have e-mail addresses"
                    yield Finding(place, f"{show(target.id)} sends e-mail and needs to know to whom", remedy)
            for person in self._members(target):
                used |= {address.receiver for address in person.addresses}
                if not person.addresses:
                    yield Finding(
                        place, f"person '{person.id}' has no address", "add addresses to that person"
                    )
        yield from self._excerpts(route, used, (*at, "to"))

    def _members(self, target: Target) -> Iterator[Person]:
        team = self.teams.get(target.id)
        members: Iterable[str] = (target.id,) if target.kind == "person" else team.members if team else ()
        if target.kind != "receiver":
            yield from (self.people[name] for name in members if name in self.people)

    def _excerpts(self, route: Route, used: set[str], at: Steps) -> Iterator[Finding]:
        quoting = [name for name in sorted(used & set(self.receivers)) if self._quotes(name)]
        for _, institution in self.draft.flat():
            if quoting and route.covers(institution) and not institution.processor_agreement:
                problem = (
                    f"receiver '{quoting[0]}' quotes posts (payload: excerpt), "
                    f"but institution '{institution.id}' has no processor agreement"
                )
                remedy = "use payload: summary, or set processor_agreement: true once it is signed"
                yield Finding(at, problem, remedy)

    def _quotes(self, name: str) -> bool:
        return self.receivers[name].payload is Payload.EXCERPT


def _coverage(draft: Draft) -> Iterator[Finding]:
    if not draft.all_routes:
        return  # the route that has a fault may be the one that covers it
    for steps, institution in draft.flat():
        if not any(route.covers(institution) for route in draft.routes.values()):
            remedy = f'add a route with institution: {institution.id}, or one with institution: "*"'
            yield Finding(steps, f"no route covers '{institution.id}', so nobody would be told", remedy)
