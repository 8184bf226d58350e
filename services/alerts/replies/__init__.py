"""How well an institution answers in public: one definition for messages, reports and rankings. Pure."""

from services.alerts.replies.conversations import (
    Actionable,
    Answer,
    Conversation,
    Fact,
    How,
    OwnPosts,
    Why,
    actionable,
    answered,
    conversations,
    fact_of,
)
from services.alerts.replies.figures import Figures, Share, Speed, summary

__all__ = [
    "Actionable",
    "Answer",
    "Conversation",
    "Fact",
    "Figures",
    "How",
    "OwnPosts",
    "Share",
    "Speed",
    "Why",
    "actionable",
    "answered",
    "conversations",
    "fact_of",
    "summary",
]
