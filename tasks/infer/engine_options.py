"""What a user may say about how a model is reached: the parameters of flows and the options of the command line."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

EngineName = Literal["cpu", "chat", "got"]


class EngineOptions(BaseModel):
    """How the model is reached. Nothing is needed for a model that runs on this machine's CPU."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    engine: EngineName | None = Field(
        None,
        description="cpu reads on this machine, chat and got ask endpoints. By default what the model implies.",
    )
    endpoint: tuple[str, ...] = Field(
        (), description="Servers of the model, such as http://127.0.0.1:8000/v1; several share the work."
    )
    served_name: str | None = Field(
        None, description="The name under which endpoints serve the model, when it is not the model's own."
    )
    answer_timeout_s: Annotated[float, Field(gt=0)] = Field(
        600, description="Seconds that a server may take for one answer."
    )
    query: str | None = Field(None, description="The question, for a model that answers questions about pages.")
    api_key_secret: str | None = Field(
        None, description="Name of the Prefect Secret block that holds the endpoints' API key."
    )
