"""Import: `.env` files as their own readers read them, families of such files, JSON and YAML trees."""
