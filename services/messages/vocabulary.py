"""The closed word lists that every service shares: channels, kinds, marks, labels, themes, states."""

from enum import StrEnum


class Channel(StrEnum):
    """Where a post was published."""

    BLUESKY = "bluesky"
    MASTODON = "mastodon"
    X = "x"
    FACEBOOK = "facebook"
    INSTAGRAM = "instagram"
    LINKEDIN = "linkedin"
    YOUTUBE = "youtube"
    REDDIT = "reddit"
    TIKTOK = "tiktok"
    GOOGLE_REVIEWS = "google_reviews"
    ZORGKAART = "zorgkaart"
    TRUSTPILOT = "trustpilot"
    NEWS = "news"
    BLOG = "blog"
    FORUM = "forum"
    OTHER = "other"


class Kind(StrEnum):
    """What a post is in its conversation."""

    MENTION = "mention"
    REVIEW = "review"
    COMMENT = "comment"
    OWN_POST = "own_post"
    OWN_REPLY = "own_reply"
    DELETION = "deletion"


class Mark(StrEnum):
    """Properties of a post that decide what it counts for."""

    RESHARE = "reshare"
    VACANCY = "vacancy"
    NEWSWIRE = "newswire"
    ADDRESSED = "addressed"
    AUTOMATIC = "automatic"


class Sentiment(StrEnum):
    """The stance of a post towards the institution."""

    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    POSITIVE = "positive"


class Theme(StrEnum):
    """What a post is about; the values are the Dutch words that staff see."""

    WACHTTIJD = "wachttijd"
    BEJEGENING = "bejegening"
    BEREIKBAARHEID = "bereikbaarheid"
    KOSTEN = "kosten"
    AFSPRAAK = "afspraak"
    BEHANDELING = "behandeling"
    PARKEREN = "parkeren"
    PRIVACY = "privacy"
    PERSONEEL = "personeel"
    FACILITEITEN = "faciliteiten"
    MEDICATIE = "medicatie"
    VEILIGHEID = "veiligheid"
    PERS_POLITIEK = "pers_politiek"
    ALGEMEEN = "algemeen"


class StormState(StrEnum):
    """The ladder of an incident, from first suspicion to its end."""

    WATCH = "watch"
    RISING = "rising"
    STORM = "storm"
    EASING = "easing"
    CLOSED = "closed"


class Ruling(StrEnum):
    """What staff say of an incident; the values are the Dutch words that they type."""

    NO_STORM = "geen-storm"
    STORM = "wel-storm"


class Sector(StrEnum):
    """The kind of care an institution gives."""

    HOSPITAL = "ziekenhuis"
    MENTAL_HEALTH = "ggz"
    HOME_CARE = "thuiszorg"
    ELDERLY_CARE = "ouderenzorg"
    GP = "huisarts"
    DENTIST = "tandarts"
    DISABILITY_CARE = "gehandicaptenzorg"
    YOUTH_CARE = "jeugdzorg"
    PHARMACY = "apotheek"
    INSURER = "verzekeraar"
    OTHER = "overig"


class Size(StrEnum):
    """How large an institution is; sets what volume is expected before it has a history."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


class Region(StrEnum):
    """Which public holidays and helplines apply."""

    NL = "nl"
    VL = "vl"


def most_probable(negative: float, neutral: float, positive: float) -> Sentiment:
    """Return the likeliest sentiment; a tie goes to the worse one, so that no complaint hides in it."""
    if negative >= max(neutral, positive):
        return Sentiment.NEGATIVE
    return Sentiment.NEUTRAL if neutral >= positive else Sentiment.POSITIVE
