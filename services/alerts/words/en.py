"""Every English text that staff read, for those who asked for it; the keys are those of the Dutch file."""

from typing import Final

TEXTS: Final[dict[str, str]] = {
    "decimal": ".",
    "thousand": ",",
    "percent": "{n}%",
    "and": "{first} and {last}",
    "moment": "{short} {day} {month}, {hour}:{minute}",
    "spoken": "{weekday} {day} {month} at {hour}:{minute}",
    "clock": "{hour}:{minute}",
    "hours.one": "1 hour",
    "hours.many": "{n} hours",
    "minutes.one": "1 minute",
    "minutes.many": "{n} minutes",
    "past.hour": "in the past hour",
    "past": "in the past {span}",
    "days.one": "24 hours",
    "days.many": "{n} days",
    "people.one": "1 person",
    "people.many": "{n} people",
    "weekday.0": "Monday",
    "weekday.1": "Tuesday",
    "weekday.2": "Wednesday",
    "weekday.3": "Thursday",
    "weekday.4": "Friday",
    "weekday.5": "Saturday",
    "weekday.6": "Sunday",
    "weekday.short.0": "Mon",
    "weekday.short.1": "Tue",
    "weekday.short.2": "Wed",
    "weekday.short.3": "Thu",
    "weekday.short.4": "Fri",
    "weekday.short.5": "Sat",
    "weekday.short.6": "Sun",
    "month.1": "January",
    "month.2": "February",
    "month.3": "March",
    "month.4": "April",
    "month.5": "May",
    "month.6": "June",
    "month.7": "July",
    "month.8": "August",
    "month.9": "September",
    "month.10": "October",
    "month.11": "November",
    "month.12": "December",
    "channel.bluesky": "Bluesky",
    "channel.mastodon": "Mastodon",
    "channel.x": "X",
    "channel.facebook": "Facebook",
    "channel.instagram": "Instagram",
    "channel.linkedin": "LinkedIn",
    "channel.youtube": "YouTube",
    "channel.reddit": "Reddit",
    "channel.tiktok": "TikTok",
    "channel.google_reviews": "Google reviews",
    "channel.zorgkaart": "ZorgkaartNederland",
    "channel.trustpilot": "Trustpilot",
    "channel.news": "a news site",
    "channel.blog": "a blog",
    "channel.forum": "a forum",
    "channel.other": "another channel",
    "theme.wachttijd": "waiting time",
    "theme.bejegening": "how staff treat people",
    "theme.bereikbaarheid": "reachability",
    "theme.kosten": "costs",
    "theme.afspraak": "appointments",
    "theme.behandeling": "treatment",
    "theme.parkeren": "parking",
    "theme.privacy": "privacy",
    "theme.personeel": "staff",
    "theme.faciliteiten": "facilities",
    "theme.medicatie": "medication",
    "theme.veiligheid": "safety",
    "theme.pers_politiek": "press and politics",
    "theme.algemeen": "the institution in general",
    "state.watch": "keep an eye on it",
    "state.rising": "rising",
    "state.storm": "storm",
    "state.easing": "easing",
    "state.closed": "over",
    "about": " about {themes}",
    "mainly": ", mainly about {themes}",
    "kind.complaint": "Complaint{about}",
    "kind.question": "Question{about}",
    "kind.negative": "Negative reaction{about}",
    "kind.neutral": "Neutral reaction{about}",
    "kind.positive": "Positive reaction{about}",
    "quotation": "“{text}”",
    "counted": "{what} ({n})",
    "negative.one": "1 negative reaction",
    "negative.many": "{n} negative reactions",
    "negative.title": "{posts} about {name}",
    "negative.lead.one": "On {first} a negative reaction{about} appeared on {channel}.",
    "negative.lead.many": "Between {first} and {last}, {n} negative reactions{about} appeared.",
    "negative.advice": "Answer briefly and kindly, and offer to talk further by phone or e-mail.",
    "posts.one": "1 negative post",
    "posts.many": "{n} negative posts",
    "storm.title.watch": "Keep an eye on {name}: {posts} by {people}",
    "storm.title.rising": "Rising around {name}: {posts} by {people}",
    "storm.title.storm": "Storm around {name}: {posts} by {people}",
    "storm.title.easing": "It is getting quieter around {name}",
    "storm.title.closed": "The commotion around {name} is over",
    "storm.lead.watch": (
        "Something unusual is going on around {name}: since {since} we counted {posts} by "
        "{people}{about}; it is not a storm yet."
    ),
    "storm.lead.rising": (
        "It is rising around {name}: since {since} we counted {posts} by {people}{about}; it is not a "
        "storm yet."
    ),
    "storm.lead.storm": (
        "There is a storm around {name}: since {since} we counted {posts} by {people}{about}, and that "
        "is far more than usual."
    ),
    "storm.lead.easing": (
        "It is getting quieter around {name}: clearly fewer negative posts are coming in than at the peak."
    ),
    "storm.lead.closed": (
        "The commotion around {name} is over: since {since} we counted {posts} by {people} in all."
    ),
    "ruled.title.said_no_storm": "No storm around {name}",
    "ruled.lead.said_no_storm": (
        "A colleague said that what is going on around {name} is no storm. Should clearly more people join, "
        "we will tell you again."
    ),
    "ruled.lead.said_storm": (
        "A colleague calls what is going on around {name} a storm: since {since} we counted {posts} by "
        "{people}{about}."
    ),
    "silence.title.nothing": "We see nothing about {name} since {since}",
    "silence.title.fell_silent": "We see hardly anything about {name} since {since}",
    "silence.title.heard_again": "We see posts about {name} again",
    "silence.lead.nothing": (
        "We see no posts about {name} since {since}. That can hardly be chance; perhaps a source does not "
        "work."
    ),
    "silence.lead.fell_silent": (
        "We see far fewer posts about {name} than usual, since {since}. That can hardly be chance; perhaps a "
        "source does not work."
    ),
    "silence.lead.heard_again": (
        "Posts about {name} come in again. What was written since {since} we may not have seen all of."
    ),
    "calm.title.one_author": "One person, {n} posts: not a storm",
    "calm.title.one_text": "The same text over and over, {n} posts: not a storm",
    "calm.title.happy_crowd": "Many reactions, mostly positive: not a storm",
    "calm.lead.one_author": (
        "One person wrote {top_author} of the {negative} negative posts about {name} {past}; this is not "
        "a storm."
    ),
    "calm.lead.one_text": (
        "The same text about {name} appeared over and over {past}, {negative} times and by {authors}; "
        "this is not a storm."
    ),
    "calm.lead.happy_crowd": (
        "We counted {mentions} posts about {name} {past}, of which {positive} positive and {negative} "
        "negative; this is not a storm."
    ),
    "calm.lead": "There is a lot of talk about {name}, but this is not a storm.",
    "fact.state": "State",
    "fact.posts": "Negative posts",
    "fact.people": "Different people",
    "fact.since": "Since",
    "fact.locations": "Locations",
    "fact.looked_at": "Looked at",
    "fact.themes": "Themes",
    "fact.channels": "Channels",
    "fact.reach": "Largest reach",
    "fact.asks": "Asks for an answer",
    "fact.muted": "Not told one by one",
    "fact.more": "Not shown",
    "fact.unknown": "What we do not know",
    "fact.card.trigger": "Below own post",
    "fact.card.terms": "Words that stand out",
    "fact.card.forecast": "The coming hour",
    "fact.card.earlier": "The storm before",
    "fact.card.unseen": "What we do not see",
    "fact.reason.burst": "Unusually many",
    "fact.reason.breadth": "Spread",
    "fact.reason.growth": "Growth",
    "fact.reason.copies": "Copies",
    "fact.reason.one_author": "Not a storm",
    "fact.reason.one_text": "Not a storm",
    "fact.reason.happy_crowd": "Not a storm",
    "fact.reason.slowing": "Course",
    "fact.reason.quiet": "Quiet",
    "fact.reason.seen_late": "Seen late",
    "fact.reason.spread": "Spreading",
    "fact.reason.fell_silent": "Too quiet",
    "fact.reason.heard_again": "Seen again",
    "fact.reason.said_no_storm": "Correction",
    "fact.reason.said_storm": "Correction",
    "since": "{when} ({span} ago)",
    "reach": "{n} followers or views",
    "looked_at": "{n} of the {all} posts",
    "questions.one": "1 question",
    "questions.many": "{n} questions",
    "complaints.one": "1 complaint",
    "complaints.many": "{n} complaints",
    "muted.one": "1 single reaction, because it belongs to this",
    "muted.many": "{n} single reactions, because they belong to this",
    "more.one": "1 more reaction",
    "more.many": "{n} more reactions",
    "unknown": (
        "Whether the posts are true, who is behind them, and what happens in closed groups and on "
        "channels we do not follow."
    ),
    "card.trigger": "{under} of the first {of} negative posts, below the post of {when}",
    "card.forecast": (
        "if it goes on like this about {posts} (probably between {low} and {high}); {past} there were {last}"
    ),
    "card.earlier": "{when}: {people} in {span}",
    "card.earlier.then": "{when}: {people} in {span}; at the age of this one at least {then}",
    "card.deleted.one": "1 post that was deleted since",
    "card.deleted.many": "{n} posts that were deleted since",
    "card.silent": "we receive nothing from {sources}",
    "card.more.one": "1 more source",
    "card.more.many": "{n} more sources",
    "less_than_one": "less than 1",
    "reason.burst": "{authors} in {hours}; normally {expected}",
    "reason.breadth": "{authors}, {texts} different texts",
    "reason.growth": "the pace is now {per_hour_now} people an hour; the past hour had {last_hour}",
    "reason.copies": "the same text {copies} times, shared {reshares} times",
    "reason.one_author": "one person wrote {top_author} of the {negative} negative posts",
    "reason.one_text": "{negative} posts, but no more than {texts} different texts",
    "reason.happy_crowd": "{positive} of the {mentions} posts are positive",
    "reason.slowing": "{last_hour} people in the last hour; {peak_hour} at the peak",
    "reason.quiet": "nothing unusual seen for {hours}",
    "reason.seen_late": "these posts reached us late",
    "reason.spread": "number of locations where it is going on now: {locations}",
    "reason.fell_silent": "{mentions} posts in {hours}; usually there are {expected}",
    "reason.heard_again": "lately {mentions} posts; usually there are {expected}. The silence lasted {hours}",
    "reason.said_no_storm": "a colleague said that this is no storm",
    "reason.said_storm": "a colleague said that this is a storm",
    "advice.watch": "Do not step in yet. Read the posts and look again in an hour.",
    "advice.rising": (
        "Read the first posts and find out what is going on.\n"
        "Warn the spokesperson.\n"
        "Check which posts and campaigns are scheduled, and hold them for now."
    ),
    "advice.storm": (
        "Pause scheduled posts and campaigns now.\n"
        "Call the spokesperson and inform the board.\n"
        "Write one statement together: what we know, what we do and when we will tell more. Publish it "
        "first and refer to it in every reply."
    ),
    "advice.easing": (
        "Answer the questions and complaints that are still open.\n"
        "Keep campaigns paused until you hear that it is over."
    ),
    "advice.closed": (
        "Campaigns and scheduled posts can go on again.\n"
        "Discuss within a week what went well and what can be better."
    ),
    "advice.fell_silent": (
        "See whether the sources still work: connection, password, quota.\n"
        "As long as this lasts, we may miss a storm."
    ),
    "advice.heard_again": "Look for yourself whether there were questions or complaints meanwhile.",
    "advice.said_no_storm": (
        "Campaigns and scheduled posts can go on.\nDo you see it differently? Talk to your colleagues."
    ),
    "advice.one_author": "Reply once, calmly, and offer a conversation. Do not react to every post.",
    "advice.one_text": "One reply to the first post is enough. Do not react to every copy.",
    "advice.happy_crowd": "Say thank you where it fits. Nothing else is needed.",
    "catch_up.title": "Told late about {name}: {what}",
    "catch_up.lead": "These notices could not be sent in time; here they are together, as known on {now}.",
    "catch_up.steps.one": "1 step of a storm",
    "catch_up.steps.many": "{n} steps of a storm",
    "catch_up.silences.one": "1 notice of silence",
    "catch_up.silences.many": "{n} notices of silence",
    "catch_up.step": "{state}, {posts} by {people}",
    "catch_up.advice": "See first which questions and complaints have no answer yet.",
    "figures.rate": "Answered in the past {days}: {answered} of {actionable} ({percent}), {half}.",
    "figures.none": "Past {days}: no posts that ask for an answer.",
    "figures.half": "half within {span} ({business} of opening time)",
    "figures.half.always": "half within {span}",
    "figures.half.never": "half within: not reached",
    "figures.oldest": "Oldest open post: {when}.",
    "figures.not_measurable.one": "1 post cannot be measured.",
    "figures.not_measurable.many": "{n} posts cannot be measured.",
    "hint": "Note: in a public answer, never confirm that somebody is or was a patient or client.",
    "footer": "No notice does not mean that there is no risk.",
    "duplicate": "{title} (possibly a duplicate)",
    "heading.facts": "What we know",
    "heading.quotes": "Reactions",
    "heading.advice": "What to do",
    "open": "See the post",
}
