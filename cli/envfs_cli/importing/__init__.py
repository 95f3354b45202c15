"""What comes in: `.env` files as their own readers read them, families of files, JSON and YAML trees."""
