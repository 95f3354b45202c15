"""The daemon under a service manager: units, and what installs and removes them."""
