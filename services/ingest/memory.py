"""What is remembered of posts already seen: enough to place a reply, an edit or a deletion. Pure."""

from collections import OrderedDict
from dataclasses import dataclass

from services.messages.records import Mention
from services.messages.vocabulary import Kind

CAPACITY = 200_000  # posts; about 60 MB


@dataclass(frozen=True, slots=True)
class Tracked:
    """A post that was published as a mention."""

    institutions: tuple[str, ...]
    revision: int
    own: bool
    deleted: bool


class ThreadMemory:
    """The posts seen last, by pseudonym; the ones not asked for longest are forgotten first."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._posts: OrderedDict[str, Tracked] = OrderedDict()

    def __len__(self) -> int:
        return len(self._posts)

    def get(self, post: str | None) -> Tracked | None:
        """Return what is known of a post."""
        if post is None or post not in self._posts:
            return None
        self._posts.move_to_end(post)
        return self._posts[post]

    def note(self, mention: Mention) -> None:
        """Remember a mention, unless a newer revision of it is known."""
        known = self._posts.get(mention.post)
        if known and known.revision > mention.revision:
            return
        deleted = mention.kind is Kind.DELETION
        own = known.own if known and deleted else mention.own
        self._posts[mention.post] = Tracked(mention.institutions, mention.revision, own, deleted)
        self._posts.move_to_end(mention.post)
        if len(self._posts) > self._capacity:
            self._posts.popitem(last=False)

    def forget(self, post: str) -> None:
        """Drop a post that was erased."""
        self._posts.pop(post, None)
