"""The first subscription file: ten questions in Dutch, and the commented file that the answers make."""

import json
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import TypeAdapter, ValidationError

from services.config.institutions import MIN_ALIAS
from services.config.values import MAX_ID, Email, OpeningPeriod
from services.messages.vocabulary import Channel, Region, Sector, Size


@dataclass(frozen=True)
class Question:
    """One question; `check` tells whether an answer will do, `hint` says what would."""

    key: str
    text: str
    default: str
    check: Callable[[str], bool]
    hint: str


def _fits(kind: Any) -> Callable[[str], bool]:
    """Make a check of a type of the schema."""
    adapter: TypeAdapter[Any] = TypeAdapter(kind)

    def fits(answer: str) -> bool:
        try:
            adapter.validate_python(answer)
        except ValidationError:
            return False
        return True

    return fits


def split(answer: str) -> list[str]:
    """Return the parts of an answer with commas."""
    return [part.strip() for part in answer.split(",") if part.strip()]


def _name(answer: str) -> bool:
    return len(answer) >= MIN_ALIAS and bool(slug(answer)) and answer.isprintable()


def _names(answer: str) -> bool:
    return answer.isprintable() and all(len(part) >= MIN_ALIAS for part in split(answer))


def _account(answer: str) -> bool:
    channel, _, handle = answer.partition(" ")
    return not answer or (channel in list(Channel) and bool(handle.strip()) and answer.isprintable())


def _hours(answer: str) -> bool:
    return all(map(_fits(OpeningPeriod), split(answer))) and bool(split(answer))


def _maybe(check: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda answer: not answer or check(answer)


QUESTIONS = (
    Question("name", "Hoe heet uw instelling?", "Voorbeeldzorg", _name, "minstens drie letters"),
    Question(
        "aliases",
        "Hoe noemen mensen haar nog meer? (met komma's; leeg mag)",
        "",
        _names,
        "elke naam minstens drie letters, met komma's ertussen",
    ),
    Question(
        "sector",
        f"Welke sector? ({', '.join(Sector)})",
        "ziekenhuis",
        _fits(Sector),
        "kies een van de woorden",
    ),
    Question("size", "Hoe groot? (small, medium, large)", "medium", _fits(Size), "small, medium of large"),
    Question("region", "Nederland (nl) of Vlaanderen (vl)?", "nl", _fits(Region), "nl of vl"),
    Question(
        "hours",
        "Wanneer beantwoordt u berichten op werkdagen?",
        "09:00-17:00",
        _hours,
        "bijvoorbeeld 09:00-12:30, 13:00-17:00",
    ),
    Question(
        "account",
        "Met welk account spreekt u zelf? (zoals: bluesky @naam; leeg mag)",
        "",
        _account,
        f"een kanaal en een naam; kanalen zijn {', '.join(Channel)}",
    ),
    Question("person", "Wie krijgt de berichten?", "Webcare", _name, "een naam van minstens drie letters"),
    Question(
        "email",
        "Op welk e-mailadres? (leeg: alleen op het scherm)",
        "",
        _maybe(_fits(Email)),
        "naam@domein.nl",
    ),
    Question(
        "posts",
        "In welk bestand staan de reacties? (leeg: een ander systeem stuurt ze)",
        "",
        str.isprintable,
        "de naam van een bestand",
    ),
)


def slug(name: str) -> str:
    """Make an id of a name."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:MAX_ID].strip("-")


def write(answers: dict[str, str], trial_until: date) -> str:
    """Return the text of a first subscription file."""
    who = slug(answers["person"])
    return _FILE.format(
        source=_source(answers["posts"]),
        receiver=_mail_receiver(answers["email"]) if answers["email"] else _CONSOLE,
        person_id=who,
        person=_quoted(answers["person"]),
        address=f"receiver: mail, to: {_quoted(answers['email'])}"
        if answers["email"]
        else "receiver: screen",
        institution_id=slug(answers["name"]),
        name=_quoted(answers["name"]),
        aliases=_listed(split(answers["aliases"])),
        sector=answers["sector"],
        size=answers["size"],
        region=answers["region"],
        hours="\n".join(
            f"      {day}: {_listed(split(answers['hours']))}" for day in ("mon", "tue", "wed", "thu", "fri")
        ),
        accounts=_accounts(answers["account"]),
        trial_until=trial_until.isoformat(),
    )


def _quoted(text: str) -> str:
    """Quote a text: a JSON string is a YAML string too."""
    return json.dumps(text, ensure_ascii=False)


def _listed(texts: list[str]) -> str:
    return f"[{', '.join(map(_quoted, texts))}]"


def _accounts(answer: str) -> str:
    channel, _, handle = answer.partition(" ")
    return f"[{{channel: {channel}, handle: {_quoted(handle.strip())}}}]" if answer else "[]"


def _source(posts: str) -> str:
    return f"type: file\n    path: {_quoted(posts)}" if posts else _WEBHOOK


def _mail_receiver(email: str) -> str:
    return _MAIL.format(host=_quoted(f"mail.{email.rpartition('@')[2]}"), email=_quoted(email))


_WEBHOOK = """type: webhook
    # The shared secret itself stays out of this file: set this environment variable.
    secret_env: STORMWACHT_POSTS_SECRET"""

_CONSOLE = """- id: screen
    type: console"""

_MAIL = """- id: mail
    type: email
    # Ask your IT department for the mail server. If it wants a password, add
    # username: NAME and password_env: STORMWACHT_MAIL_PASSWORD
    host: {host}
    sender: {email}"""

_FILE = """\
# The subscription of Stormwacht. Test every change with: stormwacht check
# Lines that begin with # are notes. Indent with spaces. docs/config.md explains each field.
version: 1

# Where posts come from.
sources:
  - id: posts
    {source}

# Where messages go.
receivers:
  {receiver}

# Who can be told.
people:
  - id: {person_id}
    name: {person}
    language: nl
    addresses:
      - {{{address}}}

# Whom the posts are about.
institutions:
  - id: {institution_id}
    name: {name}
    # Other names. A name that means more things needs context: or exclude: too.
    aliases: {aliases}
    sector: {sector}
    size: {size}
    region: {region}
    # When you answer. Public holidays are closed by themselves.
    hours:
{hours}
    # Your own accounts: what they write is an answer, not a reaction.
    accounts: {accounts}
    # A calm start: until this day only a storm is told at once.
    trial_until: {trial_until}

# Who is told what. "*" is every institution.
routes:
  - institution: "*"
    to: ["person:{person_id}"]
"""
