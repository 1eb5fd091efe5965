"""How a traveller arrives: what they present, read and verified, as one record (docs/claims.md)."""
