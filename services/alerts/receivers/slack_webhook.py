"""A Slack channel by incoming webhook: Block Kit within Slack's limits, and texts that cannot ping anybody.

Such a webhook gives no message id, so its messages stand in the channel one by one.
"""

import json
from typing import Any

from services.alerts.notices import Notice, Quote
from services.alerts.receivers.delivery import Delivery, DeliveryError, DeliveryFault, Receipt
from services.alerts.receivers.plain import titled
from services.alerts.receivers.posting import Poster
from services.alerts.words import Words
from services.alerts.words.cleaning import clean, shorten, web_link
from services.config.receivers import SlackWebhookReceiver
from services.config.secrets import SecretError

# https://docs.slack.dev/reference/block-kit/blocks
MOST_BLOCKS = 50
MOST_HEADER = 150
MOST_SECTION = 3000
MOST_FIELD = 2000
FIELDS_PER_SECTION = 10

Block = dict[str, Any]


class SlackWebhook:
    """Posts notices to the one channel that the webhook belongs to."""

    def __init__(self, config: SlackWebhookReceiver, timeout: float) -> None:
        self.id = config.id
        self._url = config.url
        self._poster = Poster(timeout)

    async def send(self, notice: Notice, delivery: Delivery) -> Receipt:
        """Post the notice."""
        try:
            url = self._url.reveal()
        except SecretError as error:  # it names the variable or file, never what that holds
            raise DeliveryError(DeliveryFault.AUTH, permanent=True) from error
        body = json.dumps(message(notice, delivery)).encode()
        answer = await self._poster.post(url, body, {})
        return Receipt(answer.get("x-slack-req-id", ""))

    async def close(self) -> None:
        """Close the connections."""
        await self._poster.close()


def message(notice: Notice, delivery: Delivery) -> dict[str, Any]:
    """Return the message; `text` is what a notification shows."""
    words = Words(delivery.language)
    title = titled(notice, delivery)
    header = {"type": "plain_text", "text": fit(title, MOST_HEADER), "emoji": False}
    blocks = [
        {"type": "header", "text": header},
        *_sections(fit(notice.lead, MOST_SECTION)),
        *_facts(notice),
        *(block for quote in notice.quotes for block in _sections(_quoted(quote, words))),
    ]
    end = [
        *_sections(_advice(notice, words)),
        *_context(notice.hint),
        *_context(notice.figures),
        *_context(notice.footer),
    ]
    # What to do and what to mind must survive, however much there is to quote.
    shown = [*blocks[: MOST_BLOCKS - len(end)], *end]
    return {"text": fit(f"{title}. {notice.lead}", MOST_SECTION), "blocks": shown}


def escape(text: str) -> str:
    """Escape the three characters with which Slack writes links, mentions and channel-wide pings."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def fit(text: str, most: int) -> str:
    """Return the text cleaned and escaped, within `most` characters, no escape cut in half."""
    text = clean(text)
    room = most
    while len(escaped := escape(shorten(text, room))) > most:
        room -= max(1, (len(escaped) - most) // len("&amp;"))
    return escaped


def _mrkdwn(text: str) -> Block:
    # verbatim: Slack would otherwise turn @here and bare addresses in a stranger's text into pings and links
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _sections(text: str) -> list[Block]:
    return [{"type": "section", "text": _mrkdwn(text)}] if text else []


def _context(text: str) -> list[Block]:
    return [{"type": "context", "elements": [_mrkdwn(fit(text, MOST_FIELD))]}] if text else []


def _facts(notice: Notice) -> list[Block]:
    fields = [
        _mrkdwn(f"*{fit(label, MOST_FIELD // 4)}*\n{fit(value, MOST_FIELD // 2)}")
        for label, value in notice.facts
    ]
    return [
        {"type": "section", "fields": fields[at : at + FIELDS_PER_SECTION]}
        for at in range(0, len(fields), FIELDS_PER_SECTION)
    ]


def _quoted(quote: Quote, words: Words) -> str:
    lines = [f"*{fit(quote.channel, MOST_HEADER)}*, {fit(quote.when, MOST_HEADER)}"]
    link = web_link(quote.link)
    if quote.text:
        lines.append(f"> {fit(quote.text, MOST_FIELD)}")
    room = MOST_SECTION - sum(map(len, lines)) - MOST_HEADER
    if link and len(escape(link)) <= room:
        lines.append(f"<{escape(link)}|{escape(words.text('open'))}>")
    return "\n".join(lines)


def _advice(notice: Notice, words: Words) -> str:
    if not notice.advice:
        return ""
    room = MOST_SECTION // (len(notice.advice) + 1) - len("• \n")
    return "\n".join(
        [f"*{escape(words.text('heading.advice'))}*", *(f"• {fit(line, room)}" for line in notice.advice)]
    )
