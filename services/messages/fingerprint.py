"""The near-duplicate signature of a text: MinHash over word shingles (Broder 1997)."""

import re
import unicodedata
from struct import pack

from rensa import RMinHash

PERMUTATIONS = 32  # 32 x 16 bits: the estimate of a similarity of .8 has a standard error of .07
SEED = 20120  # part of the wire format: signatures of different seeds cannot be compared
NEAR_DUPLICATE = 0.7  # share of equal slots from which two texts count as one text

_WORD = re.compile(r"\w+|[^\w\s]")


def fingerprint(text: str) -> bytes:
    """Return the signature of `text`, 64 bytes; empty when the text has no words."""
    words = _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
    if not words:
        return b""
    shingles = [" ".join(words[i : i + 3]) for i in range(max(1, len(words) - 2))]
    sketch = RMinHash(num_perm=PERMUTATIONS, seed=SEED)
    sketch.update(shingles)
    return pack(f"<{PERMUTATIONS}H", *(slot & 0xFFFF for slot in sketch.digest()))


def similarity(a: bytes, b: bytes) -> float:
    """Return the estimated Jaccard similarity of two texts' shingles, 0 to 1; 0 when either is empty."""
    if not a or not b:
        return 0.0
    return sum(a[i : i + 2] == b[i : i + 2] for i in range(0, len(a), 2)) / PERMUTATIONS


def near_duplicate(a: bytes, b: bytes) -> bool:
    """Tell whether two signatures belong to copies of one text."""
    return similarity(a, b) >= NEAR_DUPLICATE
