"""Names of travellers in the journal that only the flight's data key connects with them."""

from __future__ import annotations

import hashlib
import hmac

from gate.storage.seal import Seal


def pseudonym(seal: Seal, reference: str) -> str:
    """16 hexadecimal characters: the same for the same traveller of a flight, and for nobody else.

    Once the flight's data key is destroyed, nobody can tell whether a reference belongs to a pseudonym.

    Args:
        seal: of the flight's data key.
        reference: the integrator's name for the traveller.
    """
    return hmac.new(seal.derived("pseudonym"), reference.encode(), hashlib.sha256).hexdigest()[:16]
