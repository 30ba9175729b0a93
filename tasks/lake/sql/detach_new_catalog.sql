-- Detaching writes everything into the one file and leaves no log beside it.
USE memory;
DETACH new_catalog;
