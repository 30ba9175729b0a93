"""What is run: one file per Prefect flow, and the command line. Order only; the work is in `tasks`."""

from flows import settings as settings  # before anything imports Prefect
