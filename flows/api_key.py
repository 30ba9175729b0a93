"""The key of endpoints from a Prefect Secret block, for runs that somebody else's machine starts."""

from __future__ import annotations

from typing import cast

from prefect.blocks.system import Secret
from pydantic import SecretStr

from tasks.errors import UsageError
from tasks.infer.engines.endpoint import usable_key


def api_key_from_block(name: str) -> SecretStr:
    """The key that the Secret block of this name holds.

    Raises:
        UsageError: there is no such block, or it holds nothing that can be a key.
    """
    try:
        block = cast("Secret[str]", Secret.load(name))  # a coroutine only where the caller is one
    except ValueError:  # what Prefect raises for a block that is not there
        raise UsageError(
            f"There is no Prefect Secret block {name!r}. Make one in the Prefect UI (Blocks, Secret), or set "
            "PAGELAKE_API_KEY where the flow runs."
        ) from None
    held = block.get()
    key = usable_key(held, f"the Prefect Secret block {name!r}") if isinstance(held, str) else None
    if key is None:
        raise UsageError(f"The Prefect Secret block {name!r} holds no text.")
    return key
