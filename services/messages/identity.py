"""Keyed identity: pseudonyms for posts and people, and links that only a key holder can open."""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from hashlib import sha256
from typing import Literal

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MIN_SECRET_BYTES = 32
PSEUDONYM_CHARS = 24  # 96 bits: no two of a hundred million posts share one (birthday bound 1e-13)


class KeyringError(ValueError):
    """The installation's secret is missing or too short, or a link was sealed with an unknown key."""


def _derive(secret: bytes, purpose: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode()).derive(secret)


class Keyring:
    """Keys derived from the installation's secrets.

    The first secret makes pseudonyms and seals links; the others only open links that were sealed before.

    Raises:
        KeyringError: no secret, or one shorter than 32 bytes.

    """

    def __init__(self, secrets: Sequence[bytes]) -> None:
        if not secrets:
            raise KeyringError("no secret: give at least one of 32 bytes or more")
        if any(len(secret) < MIN_SECRET_BYTES for secret in secrets):
            raise KeyringError(f"a secret is shorter than {MIN_SECRET_BYTES} bytes")
        self._pseudonym_key = _derive(secrets[0], "pseudonym")
        self._links = MultiFernet([Fernet(urlsafe_b64encode(_derive(secret, "link"))) for secret in secrets])

    def pseudonym(self, kind: Literal["post", "author"], channel: str, native: str) -> str:
        """Return the keyed hash that stands for a native id on a channel."""
        material = f"{kind}\0{channel}\0{native}".encode("utf-8", "surrogatepass")
        return hmac.new(self._pseudonym_key, material, sha256).hexdigest()[:PSEUDONYM_CHARS]

    def seal(self, link: str) -> str:
        """Encrypt a link; an empty one stays empty."""
        return self._links.encrypt(link.encode()).decode() if link else ""

    def open(self, sealed: str) -> str:
        """Decrypt a link.

        Raises:
            KeyringError: none of the keys sealed it.

        """
        if not sealed:
            return ""
        try:
            return self._links.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise KeyringError("a link was sealed with a key that this installation does not have") from None
