"""The near-duplicate signature of a text: MinHash over word shingles (Broder 1997)."""

import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from struct import pack

from rensa import RMinHash

PERMUTATIONS = 32  # 32 x 16 bits: the estimate of a similarity of .8 has a standard error of .07
SEED = 20120  # part of the wire format: signatures of different seeds cannot be compared
NEAR_DUPLICATE = 0.7  # share of equal slots from which two texts count as one text

_LOW = int.from_bytes(b"\x7f\xff" * PERMUTATIONS)
_HIGH = int.from_bytes(b"\x80\x00" * PERMUTATIONS)
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
    differing = int.from_bytes(a) ^ int.from_bytes(b)
    # The top bit of each slot of 16 becomes one where any bit of the slot is: all slots in one go.
    unequal = (((differing & _LOW) + _LOW) | differing) & _HIGH
    return 1.0 - unequal.bit_count() / PERMUTATIONS


def near_duplicate(a: bytes, b: bytes) -> bool:
    """Tell whether two signatures belong to copies of one text."""
    return similarity(a, b) >= NEAR_DUPLICATE


def originals(signatures: Sequence[bytes]) -> list[int]:
    """Return for each signature the place of the first that it is a near-duplicate of, or else its own.

    Near-duplicates differ in at most `spoiled` slots, so of one band more at least one is equal: looking
    only there misses none.
    """
    spoiled = math.floor(PERMUTATIONS * (1 - NEAR_DUPLICATE))
    width = 2 * (PERMUTATIONS // (spoiled + 1))
    seen: defaultdict[tuple[int, bytes], list[int]] = defaultdict(list)
    found = []
    for place, signature in enumerate(signatures):
        bands = [(at, signature[at : at + width]) for at in range(0, width * (spoiled + 1), width)]
        alike = {other for band in bands for other in seen.get(band, ())} if signature else set()
        copied = [other for other in sorted(alike) if near_duplicate(signature, signatures[other])]
        found.append(copied[0] if copied else place)
        if signature and not copied:  # the text that is copied stands for its copies
            for band in bands:
                seen[band].append(place)
    return found
