-- For every connection that pagelake opens. Nothing is fetched from the network, whatever a query asks for, and times read the
-- same on every machine.
SET autoinstall_known_extensions = false;
SET autoload_known_extensions = false;
SET allow_community_extensions = false;
-- A table name in a query means a table, never a Python variable of ours.
SET python_enable_replacements = false;
SET TimeZone = 'UTC';
