"""Settings of a FastAPI program, by pydantic-settings: from the environment, and else from the view of a level."""

from functools import lru_cache
from typing import Annotated

from fastapi import Depends, FastAPI
from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """The variables of the level. Those without a default have to be there."""

    # the link of `envfs link`. A level has a file for each variable, too: secrets_dir="/mnt/envfs/shop/prod/.vars"
    model_config = SettingsConfigDict(env_file=".env", extra="ignore")

    database_url: SecretStr
    stripe_key: SecretStr
    port: int = 8000


@lru_cache
def settings() -> Settings:
    """Return the settings, read once."""
    return Settings()


app = FastAPI()


@app.get("/health")
def health(given: Annotated[Settings, Depends(settings)]) -> dict[str, object]:
    """Say that the settings are there."""
    return {"port": given.port, "has_key": bool(given.stripe_key.get_secret_value())}
