"""pagelake with shards of four pages and batches of three objects, so that a small collection has many of both."""

from tasks.discover import changes
from tasks.lake import shards

changes.BATCH_OBJECTS = 3
shards.SHARD_PAGES = 4

if __name__ == "__main__":
    from flows.cli import main

    main()
