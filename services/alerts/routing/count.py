"""Which reactions count as negative ones that somebody may be told about. Pure."""

from enum import StrEnum

from services.messages.records import ScoredMention
from services.messages.vocabulary import Kind, Mark, Sentiment

_NO_REACTIONS = frozenset({Mark.VACANCY, Mark.NEWSWIRE})


class CountReason(StrEnum):
    """Why a mention counts, or does not."""

    COUNTS = "counts"
    NOT_NEGATIVE = "not_negative"
    UNSURE = "unsure"
    OWN = "own"
    DELETED = "deleted"
    RESHARE = "reshare"
    NOT_A_REACTION = "not_a_reaction"
    BACKFILL = "backfill"


def count(scored: ScoredMention, *, min_negative: float) -> CountReason:
    """Say whether a mention counts as a negative reaction at this probability."""
    mention = scored.mention
    against = (
        (mention.kind is Kind.DELETION, CountReason.DELETED),
        (mention.own, CountReason.OWN),
        (mention.backfill, CountReason.BACKFILL),
        (Mark.RESHARE in mention.marks, CountReason.RESHARE),
        (not _NO_REACTIONS.isdisjoint(mention.marks), CountReason.NOT_A_REACTION),
        (scored.label is not Sentiment.NEGATIVE, CountReason.NOT_NEGATIVE),
        (scored.negative < min_negative, CountReason.UNSURE),
    )
    return next((reason for applies, reason in against if applies), CountReason.COUNTS)
