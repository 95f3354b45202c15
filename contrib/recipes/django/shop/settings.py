"""Settings of a Django project that takes its secrets from the view of a level."""

from pathlib import Path

import environ

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env(DEBUG=(bool, False))
env.read_env(
    BASE_DIR / ".env"
)  # the link of `envfs link`; what is in the environment already, as by `envfs exec`, wins

SECRET_KEY = env("SECRET_KEY")
DEBUG = env("DEBUG")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[])
DATABASES = {"default": env.db("DATABASE_URL")}
INSTALLED_APPS: list[str] = []
