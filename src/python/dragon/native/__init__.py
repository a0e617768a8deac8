"""Dragon's native API, as far as it is here: ``queue``."""
