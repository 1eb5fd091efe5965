"""From similarities to one defensible answer. Pure: no I/O, no models, no clock."""
