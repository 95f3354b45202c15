"""The unix socket: who may ask what, and the answers. Clients are not trusted; each is known by its uid."""
