"""What a model's flags need of vLLM, told before a server is started: else it would be an error deep in vLLM's log.

Data on a profile (`VllmServing.needs`) and one pure function; which vLLM there is, an engine finds out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

Release = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class VllmNeed:
    """What `what` needs: vLLM from `oldest` on, and from `variables_since` on these environment variables.

    With a `flag`, it is needed only where an argument of the server contains that. `otherwise` says what else to do.
    """

    what: str
    oldest: str
    flag: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    variables_since: str = "0"
    otherwise: str = ""


def unmet_need(
    needs: Iterable[VllmNeed], version: str, args: Iterable[str], environment: Mapping[str, str]
) -> str | None:
    """The first need that this vLLM does not meet, as sentences for a person; None if all are met.

    Args:
        needs: Of the profile.
        version: Of the vLLM that is to be started, such as "0.33.0" or "0.32.0+cpu". One without numbers counts as new.
        args: All arguments of the server, the user's included.
        environment: All that the server will see.
    """
    release, args = release_of(version), tuple(args)
    for need in needs:
        if need.flag and not any(need.flag in arg for arg in args):
            continue
        if release and release < release_of(need.oldest):
            return f"{need.what} needs vLLM {need.oldest} or later, and {version} is installed. Install a later one."
        if release and release < release_of(need.variables_since):
            continue
        for name, value in need.variables.items():
            found = environment.get(name)
            if found is None or found.strip() != value:
                told = f"is {found}" if found else "is not set"
                otherwise = f" {need.otherwise}" if need.otherwise else ""
                return f"{need.what} needs {name}={value} with vLLM {version}, where it {told}. Set it.{otherwise}"
    return None


def release_of(version: str) -> Release:
    """The numbers that a version begins with, four of them, to be compared; empty if it begins with none."""
    numbers = re.match(r"\d+(\.\d+)*", version)
    return (*map(int, numbers[0].split(".")), 0, 0, 0)[:4] if numbers else ()
