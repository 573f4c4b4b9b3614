"""Access control of the page: origin checks, password, login."""
