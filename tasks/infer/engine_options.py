"""What a user may say about how a model is reached: the parameters of flows and the options of the command line."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from tasks.infer.models.chat_profile import Region, inside_the_page

EngineName = Literal["cpu", "chat", "got", "vllm"]


class EngineOptions(BaseModel):
    """How the model is reached. Nothing is needed for a model that runs on this machine's CPU."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    engine: EngineName | None = Field(
        None,
        description="vllm starts a server on this machine; chat and got ask endpoints. By default what the other "
        "options and the model imply.",
    )
    endpoint: tuple[str, ...] = Field(
        (), description="Servers of the model, such as http://127.0.0.1:8000/v1; several share the work."
    )
    served_name: str | None = Field(
        None,
        min_length=1,
        description="The name under which endpoints serve the model, when it is not the model's own.",
    )
    answer_timeout_s: Annotated[float, Field(gt=0)] = Field(
        600, description="Seconds that a server may take for one answer."
    )
    query: str | None = Field(
        None, min_length=1, description="The question, for a model that answers questions about pages."
    )
    region: Region | None = Field(
        None, description="Left, upper, right and lower edge of the part to read, as fractions of the page's sides."
    )
    api_key_secret: str | None = Field(
        None, min_length=1, description="Name of the Prefect Secret block that holds the endpoints' API key."
    )
    model_path: str | None = Field(
        None,
        min_length=1,
        description="For vllm: folder or hub id of the weights, when they are not the model's published ones. Answers "
        "of other weights are kept apart; a folder goes by what is in it.",
    )
    tensor_parallel_size: Annotated[int, Field(ge=1)] = Field(1, description="For vllm: GPUs that share one model.")
    data_parallel_size: Annotated[int, Field(ge=1)] = Field(1, description="For vllm: copies of the model.")
    vllm_arg: tuple[str, ...] = Field((), description="For vllm: more arguments of vllm serve, after the profile's.")

    @field_validator("endpoint", mode="before")
    @classmethod
    def _several(cls, endpoint: object) -> object:
        """One alone is one of several."""
        return (endpoint,) if isinstance(endpoint, str) else endpoint

    @field_validator("region", mode="before")
    @classmethod
    def _corners(cls, region: object) -> object:
        """Numbers between commas, as the command line has them, are corners too."""
        return tuple(region.split(",")) if isinstance(region, str) else region

    @field_validator("region")
    @classmethod
    def _inside(cls, region: Region | None) -> Region | None:
        return None if region is None else inside_the_page(region)

    def given_to_vllm(self) -> list[str]:
        """The options that only say something to a server of our own, by their names on the command line."""
        return self._given("model_path", "tensor_parallel_size", "data_parallel_size", "vllm_arg")

    def given_to_endpoints(self) -> list[str]:
        """The options that only say something of servers that are asked, by their names on the command line; of these,
        `--answer-timeout` also holds for a server of our own."""
        return self._given("endpoint", "served_name", "answer_timeout_s", "api_key_secret")

    def _given(self, *names: str) -> list[str]:
        fields = type(self).model_fields
        return [option_name(name) for name in names if getattr(self, name) != fields[name].default]


def option_name(field: str) -> str:
    """The command line's name of a field: without its unit."""
    return "--" + field.removesuffix("_s").replace("_", "-")
