#!/bin/sh
# A script that knows nothing of EnvFS: it sources a .env file, as thousands do.
set -eu
set -a
# shellcheck disable=SC1090
. "$1"
set +a
echo "company   $COMPANY"
echo "address   $PUBLIC_URL"
echo "price     $PRICE_TEMPLATE"
echo "password  $(printf %s "$DATABASE_PASSWORD" | wc -c) characters, no quote or # lost"
