"""An incident in words: its title, the sentence to read aloud, its reasons, and what to do now. Pure."""

from zoneinfo import ZoneInfo

from services.alerts.words import Words
from services.messages.records import Incident, Reason, ReasonCode
from services.messages.vocabulary import StormState

_CALM = (ReasonCode.ONE_AUTHOR, ReasonCode.ONE_TEXT, ReasonCode.HAPPY_CROWD)
_SILENCE = (ReasonCode.FELL_SILENT, ReasonCode.HEARD_AGAIN)
_HEADLINE = {
    ReasonCode.ONE_AUTHOR: "top_author",
    ReasonCode.ONE_TEXT: "negative",
    ReasonCode.HAPPY_CROWD: "mentions",
}


def _ruling(incident: Incident) -> ReasonCode | None:
    """Return what a colleague said that made this step."""
    codes = {reason.code for reason in incident.reasons}
    said = {StormState.CLOSED: ReasonCode.SAID_NO_STORM, StormState.STORM: ReasonCode.SAID_STORM}
    return code if (code := said.get(incident.state)) in codes else None


def calm_reason(incident: Incident) -> Reason | None:
    """Return why it looks like a storm and is none, if that is what it says."""
    if incident.state is not StormState.WATCH:
        return None
    return next((reason for reason in incident.reasons if reason.code in _CALM), None)


def title(words: Words, incident: Incident, name: str) -> str:
    """Return the title."""
    if calm := calm_reason(incident):
        n = calm.values.get(_HEADLINE[calm.code], incident.n)
        return words.text(f"calm.title.{calm.code}", n=words.number(n))
    if _ruling(incident) is ReasonCode.SAID_NO_STORM:
        return words.text("ruled.title.said_no_storm", name=name)
    return words.text(f"storm.title.{incident.state}", name=name, **_counts(words, incident))


def lead(words: Words, incident: Incident, name: str, about: str, zone: ZoneInfo) -> str:
    """Return the one sentence that a director can read aloud."""
    if calm := calm_reason(incident):
        return _filled(words, f"calm.lead.{calm.code}", calm, name) or words.text("calm.lead", name=name)
    since = words.spoken(incident.onset, zone)
    ruling = _ruling(incident)
    key = f"ruled.lead.{ruling}" if ruling else f"storm.lead.{incident.state}"
    return words.text(key, name=name, since=since, about=about, **_counts(words, incident))


def silence(words: Words, step: Incident, part: str, name: str, zone: ZoneInfo) -> str:
    """Return the title or the lead of a step about silence."""
    reason = next(one for one in step.reasons if one.code in _SILENCE)
    nothing = reason.code is ReasonCode.FELL_SILENT and not reason.values.get("mentions")
    key = f"silence.{part}.{'nothing' if nothing else reason.code}"
    return words.text(key, name=name, since=words.spoken(step.onset, zone))


def reasons(words: Words, incident: Incident) -> list[tuple[str, str]]:
    """Return the reasons with their numbers; one whose numbers are missing is left out."""
    told = ((reason, _filled(words, f"reason.{reason.code}", reason)) for reason in incident.reasons)
    return [(words.text(f"fact.reason.{reason.code}"), text) for reason, text in told if text]


def advice(words: Words, incident: Incident) -> tuple[str, ...]:
    """Return what to do now, in order."""
    calm = calm_reason(incident)
    if silent := next((one.code for one in incident.reasons if one.code in _SILENCE), None):
        return tuple(words.text(f"advice.{silent}").split("\n"))
    ruled = ReasonCode.SAID_NO_STORM if _ruling(incident) is ReasonCode.SAID_NO_STORM else None
    return tuple(words.text(f"advice.{calm.code if calm else ruled or incident.state}").split("\n"))


def _counts(words: Words, incident: Incident) -> dict[str, str]:
    return {
        "posts": words.count("posts", incident.n),
        "people": words.count("people", incident.authors),
    }


def _filled(words: Words, key: str, reason: Reason, name: str = "") -> str:
    """Fill a text with a reason's numbers; empty when it asks for one that the detector did not give."""
    values = {what: _value(words, what, value) for what, value in reason.values.items()}
    if hours := reason.values.get("hours"):
        values["past"] = words.past(hours)
    try:
        return words.text(key, name=name, **values)
    except KeyError:
        return ""


def _value(words: Words, what: str, value: float) -> str:
    if what == "hours":
        return words.span(value)
    if what == "authors":
        return words.count("people", value)
    if what == "expected" and value < 1:
        return words.text("less_than_one")
    return words.number(value)
