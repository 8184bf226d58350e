"""Every Dutch text that staff read: short sentences at language level B1, as one colleague to another."""

from typing import Final

TEXTS: Final[dict[str, str]] = {
    "decimal": ",",
    "thousand": ".",
    "percent": "{n} %",
    "and": "{first} en {last}",
    "moment": "{short} {day} {month}, {hour}.{minute} uur",
    "spoken": "{weekday} {day} {month} om {hour}.{minute} uur",
    "clock": "{hour}.{minute} uur",
    "hours.one": "1 uur",
    "hours.many": "{n} uur",
    "minutes.one": "1 minuut",
    "minutes.many": "{n} minuten",
    "past.hour": "in het afgelopen uur",
    "past": "in de afgelopen {span}",
    "days.one": "24 uur",
    "days.many": "{n} dagen",
    "people.one": "1 persoon",
    "people.many": "{n} mensen",
    "weekday.0": "maandag",
    "weekday.1": "dinsdag",
    "weekday.2": "woensdag",
    "weekday.3": "donderdag",
    "weekday.4": "vrijdag",
    "weekday.5": "zaterdag",
    "weekday.6": "zondag",
    "weekday.short.0": "ma",
    "weekday.short.1": "di",
    "weekday.short.2": "wo",
    "weekday.short.3": "do",
    "weekday.short.4": "vr",
    "weekday.short.5": "za",
    "weekday.short.6": "zo",
    "month.1": "januari",
    "month.2": "februari",
    "month.3": "maart",
    "month.4": "april",
    "month.5": "mei",
    "month.6": "juni",
    "month.7": "juli",
    "month.8": "augustus",
    "month.9": "september",
    "month.10": "oktober",
    "month.11": "november",
    "month.12": "december",
    "channel.bluesky": "Bluesky",
    "channel.mastodon": "Mastodon",
    "channel.x": "X",
    "channel.facebook": "Facebook",
    "channel.instagram": "Instagram",
    "channel.linkedin": "LinkedIn",
    "channel.youtube": "YouTube",
    "channel.reddit": "Reddit",
    "channel.tiktok": "TikTok",
    "channel.google_reviews": "Google-reviews",
    "channel.zorgkaart": "ZorgkaartNederland",
    "channel.trustpilot": "Trustpilot",
    "channel.news": "een nieuwssite",
    "channel.blog": "een blog",
    "channel.forum": "een forum",
    "channel.other": "een ander kanaal",
    "theme.wachttijd": "wachttijd",
    "theme.bejegening": "bejegening",
    "theme.bereikbaarheid": "bereikbaarheid",
    "theme.kosten": "kosten",
    "theme.afspraak": "afspraken",
    "theme.behandeling": "behandeling",
    "theme.parkeren": "parkeren",
    "theme.privacy": "privacy",
    "theme.personeel": "personeel",
    "theme.faciliteiten": "voorzieningen",
    "theme.medicatie": "medicijnen",
    "theme.veiligheid": "veiligheid",
    "theme.pers_politiek": "pers en politiek",
    "theme.algemeen": "de instelling in het algemeen",
    "state.watch": "in de gaten houden",
    "state.rising": "loopt op",
    "state.storm": "storm",
    "state.easing": "neemt af",
    "state.closed": "voorbij",
    "about": " over {themes}",
    "mainly": ", vooral over {themes}",
    "kind.complaint": "Klacht{about}",
    "kind.question": "Vraag{about}",
    "kind.negative": "Negatieve reactie{about}",
    "kind.neutral": "Neutrale reactie{about}",
    "kind.positive": "Positieve reactie{about}",
    "quotation": "“{text}”",
    "counted": "{what} ({n})",
    "negative.one": "1 negatieve reactie",
    "negative.many": "{n} negatieve reacties",
    "negative.title": "{posts} over {name}",
    "negative.lead.one": "Op {first} verscheen op {channel} een negatieve reactie{about}.",
    "negative.lead.many": "Tussen {first} en {last} verschenen {n} negatieve reacties{about}.",
    "negative.advice": "Antwoord kort en vriendelijk, en bied aan om verder te praten via telefoon of mail.",
    "posts.one": "1 negatief bericht",
    "posts.many": "{n} negatieve berichten",
    "storm.title.watch": "Let op {name}: {posts} van {people}",
    "storm.title.rising": "Het loopt op rond {name}: {posts} van {people}",
    "storm.title.storm": "Storm rond {name}: {posts} van {people}",
    "storm.title.easing": "Het wordt rustiger rond {name}",
    "storm.title.closed": "De drukte rond {name} is voorbij",
    "storm.lead.watch": (
        "Er is iets ongewoons rond {name}: sinds {since} telden we {posts} van {people}{about}; het is "
        "nog geen storm."
    ),
    "storm.lead.rising": (
        "Het loopt op rond {name}: sinds {since} telden we {posts} van {people}{about}; het is nog "
        "geen storm."
    ),
    "storm.lead.storm": (
        "Er is een storm rond {name}: sinds {since} telden we {posts} van {people}{about}, en dat is "
        "veel meer dan normaal."
    ),
    "storm.lead.easing": (
        "Het wordt rustiger rond {name}: er komen duidelijk minder negatieve berichten bij dan op het "
        "hoogtepunt."
    ),
    "storm.lead.closed": (
        "De drukte rond {name} is voorbij: sinds {since} telden we in totaal {posts} van {people}."
    ),
    "ruled.title.said_no_storm": "Geen storm rond {name}",
    "ruled.lead.said_no_storm": (
        "Een collega gaf aan dat de drukte rond {name} geen storm is. Komen er duidelijk meer mensen bij, "
        "dan melden we dat opnieuw."
    ),
    "ruled.lead.said_storm": (
        "Een collega noemt de drukte rond {name} een storm: sinds {since} telden we {posts} van "
        "{people}{about}."
    ),
    "silence.title.nothing": "Wij zien niets over {name} sinds {since}",
    "silence.title.fell_silent": "Wij zien bijna niets over {name} sinds {since}",
    "silence.title.heard_again": "Wij zien weer berichten over {name}",
    "silence.lead.nothing": (
        "Wij zien geen berichten over {name} sinds {since}. Dat kan bijna geen toeval zijn; misschien werkt "
        "een bron niet."
    ),
    "silence.lead.fell_silent": (
        "Wij zien veel minder berichten over {name} dan normaal, sinds {since}. Dat kan bijna geen toeval "
        "zijn; misschien werkt een bron niet."
    ),
    "silence.lead.heard_again": (
        "Er komen weer berichten over {name} binnen. Wat sinds {since} is geschreven, hebben we misschien "
        "niet allemaal gezien."
    ),
    "calm.title.one_author": "Eén persoon, {n} berichten: geen storm",
    "calm.title.one_text": "Steeds dezelfde tekst, {n} berichten: geen storm",
    "calm.title.happy_crowd": "Veel reacties, vooral positief: geen storm",
    "calm.lead.one_author": (
        "Eén persoon schreef {past} {top_author} van de {negative} negatieve berichten over {name}; dit "
        "is geen storm."
    ),
    "calm.lead.one_text": (
        "Dezelfde tekst over {name} verscheen {past} steeds opnieuw, {negative} keer en van {authors}; "
        "dit is geen storm."
    ),
    "calm.lead.happy_crowd": (
        "We telden {past} {mentions} berichten over {name}, waarvan {positive} positief en {negative} "
        "negatief; dit is geen storm."
    ),
    "calm.lead": "Er is veel te doen over {name}, maar dit is geen storm.",
    "fact.state": "Stand",
    "fact.posts": "Negatieve berichten",
    "fact.people": "Verschillende mensen",
    "fact.since": "Sinds",
    "fact.locations": "Locaties",
    "fact.looked_at": "Bekeken",
    "fact.themes": "Thema's",
    "fact.channels": "Kanalen",
    "fact.reach": "Grootste bereik",
    "fact.asks": "Vraagt om antwoord",
    "fact.muted": "Niet apart gemeld",
    "fact.more": "Niet getoond",
    "fact.unknown": "Wat we niet weten",
    "fact.card.trigger": "Onder eigen bericht",
    "fact.card.terms": "Woorden die opvallen",
    "fact.card.forecast": "Komend uur",
    "fact.card.earlier": "De vorige storm",
    "fact.card.unseen": "Wat we niet zien",
    "fact.reason.burst": "Ongewoon veel",
    "fact.reason.breadth": "Spreiding",
    "fact.reason.growth": "Groei",
    "fact.reason.copies": "Kopieën",
    "fact.reason.one_author": "Geen storm",
    "fact.reason.one_text": "Geen storm",
    "fact.reason.happy_crowd": "Geen storm",
    "fact.reason.slowing": "Verloop",
    "fact.reason.quiet": "Rust",
    "fact.reason.seen_late": "Later gezien",
    "fact.reason.spread": "Breidt zich uit",
    "fact.reason.fell_silent": "Te stil",
    "fact.reason.heard_again": "Weer gezien",
    "fact.reason.said_no_storm": "Correctie",
    "fact.reason.said_storm": "Correctie",
    "since": "{when} ({span} geleden)",
    "reach": "{n} volgers of weergaven",
    "looked_at": "{n} van de {all} berichten",
    "questions.one": "1 vraag",
    "questions.many": "{n} vragen",
    "complaints.one": "1 klacht",
    "complaints.many": "{n} klachten",
    "muted.one": "1 losse reactie, omdat die hierbij hoort",
    "muted.many": "{n} losse reacties, omdat ze hierbij horen",
    "more.one": "nog 1 reactie",
    "more.many": "nog {n} reacties",
    "unknown": (
        "Of de berichten kloppen, wie erachter zitten, en wat er gebeurt in besloten groepen en op "
        "kanalen die we niet volgen."
    ),
    "card.trigger": "{under} van de eerste {of} negatieve berichten, bij het bericht van {when}",
    "card.forecast": (
        "als het zo doorgaat ongeveer {posts} (waarschijnlijk tussen {low} en {high}); {past} waren het er "
        "{last}"
    ),
    "card.earlier": "{when}: {people} in {span}",
    "card.earlier.then": "{when}: {people} in {span}; na evenveel tijd als nu waren dat er minstens {then}",
    "card.deleted.one": "1 bericht dat intussen is verwijderd",
    "card.deleted.many": "{n} berichten die intussen zijn verwijderd",
    "card.silent": "van {sources} krijgen we niets binnen",
    "card.more.one": "nog 1 bron",
    "card.more.many": "nog {n} bronnen",
    "less_than_one": "minder dan 1",
    "reason.burst": "{authors} in {hours}; normaal zijn dat er {expected}",
    "reason.breadth": "{authors}, {texts} verschillende teksten",
    "reason.growth": (
        "het tempo is nu {per_hour_now} mensen per uur; in het afgelopen uur waren het er {last_hour}"
    ),
    "reason.copies": "{copies} keer dezelfde tekst, {reshares} keer gedeeld",
    "reason.one_author": "één persoon schreef {top_author} van de {negative} negatieve berichten",
    "reason.one_text": "{negative} berichten, maar niet meer dan {texts} verschillende teksten",
    "reason.happy_crowd": "{positive} van de {mentions} berichten zijn positief",
    "reason.slowing": "{last_hour} mensen in het laatste uur; op het hoogtepunt waren dat er {peak_hour}",
    "reason.quiet": "al {hours} niets ongewoons gezien",
    "reason.seen_late": "we kregen deze berichten pas later binnen",
    "reason.spread": "aantal locaties waar het nu speelt: {locations}",
    "reason.fell_silent": "{mentions} berichten in {hours}; normaal zijn dat er {expected}",
    "reason.heard_again": (
        "sinds kort {mentions} berichten; normaal zijn dat er {expected}. De stilte duurde {hours}"
    ),
    "reason.said_no_storm": "een collega gaf aan dat dit geen storm is",
    "reason.said_storm": "een collega gaf aan dat dit een storm is",
    "advice.watch": "Nog niet ingrijpen. Lees de berichten en kijk over een uur opnieuw.",
    "advice.rising": (
        "Lees de eerste berichten en zoek uit wat er speelt.\n"
        "Waarschuw de woordvoerder.\n"
        "Kijk welke berichten en campagnes klaarstaan, en wacht daar even mee."
    ),
    "advice.storm": (
        "Zet ingeplande berichten en campagnes nu stil.\n"
        "Bel de woordvoerder en licht het bestuur in.\n"
        "Maak samen één verklaring: wat we weten, wat we doen en wanneer we meer vertellen. Plaats die "
        "eerst en verwijs ernaar in elke reactie."
    ),
    "advice.easing": (
        "Beantwoord de vragen en klachten die nog openstaan.\n"
        "Laat campagnes nog stilstaan tot het bericht komt dat het voorbij is."
    ),
    "advice.closed": (
        "Campagnes en ingeplande berichten kunnen weer aan.\n"
        "Bespreek binnen een week wat goed ging en wat beter kan."
    ),
    "advice.fell_silent": (
        "Kijk of de bronnen nog werken: koppeling, wachtwoord, limiet.\n"
        "Zolang dit duurt, kunnen we een storm missen."
    ),
    "advice.heard_again": "Kijk zelf of er in de tussentijd vragen of klachten waren.",
    "advice.said_no_storm": (
        "Campagnes en ingeplande berichten kunnen weer aan.\nZiet u dit anders? Overleg met uw collega's."
    ),
    "advice.one_author": "Reageer één keer, rustig, en bied een gesprek aan. Ga niet op elk bericht in.",
    "advice.one_text": "Eén reactie bij het eerste bericht is genoeg. Ga niet op elke kopie in.",
    "advice.happy_crowd": "Bedank waar dat past. Verder is er niets nodig.",
    "catch_up.title": "Alsnog gemeld over {name}: {what}",
    "catch_up.lead": (
        "Deze meldingen konden niet op tijd worden verstuurd; hier staan ze bij elkaar, zoals bekend "
        "op {now}."
    ),
    "catch_up.steps.one": "1 stap van een storm",
    "catch_up.steps.many": "{n} stappen van een storm",
    "catch_up.silences.one": "1 melding van stilte",
    "catch_up.silences.many": "{n} meldingen van stilte",
    "catch_up.step": "{state}, {posts} van {people}",
    "catch_up.advice": "Kijk eerst welke vragen en klachten nog geen antwoord hebben.",
    "figures.rate": "Afgelopen {days} beantwoord: {answered} van {actionable} ({percent}), {half}.",
    "figures.none": "Afgelopen {days}: geen berichten die om antwoord vragen.",
    "figures.half": "helft binnen {span} ({business} binnen openingstijd)",
    "figures.half.always": "helft binnen {span}",
    "figures.half.never": "helft binnen: niet bereikt",
    "figures.oldest": "Oudste open bericht: {when}.",
    "figures.not_measurable.one": "1 bericht is niet te meten.",
    "figures.not_measurable.many": "{n} berichten zijn niet te meten.",
    "hint": "Let op: bevestig in een openbaar antwoord nooit dat iemand patiënt of cliënt is of was.",
    "footer": "Geen melding betekent niet dat er geen risico is.",
    "duplicate": "{title} (mogelijk dubbel)",
    "heading.facts": "Wat we weten",
    "heading.quotes": "Reacties",
    "heading.advice": "Wat nu",
    "open": "Bekijk het bericht",
}
