"""Dragon's infrastructure API, as far as it is here: the names of ``policy``."""
