#: soak
#: include home
#: include other-tools
other_tools varlock
cat > .env.schema <<'TEXT'
# @required
STRIPE_KEY=
# @type=number @sensitive=false
WORKERS=8
# @type=url
DATABASE_URL=
TEXT
cat > .env.local <<'TEXT'
STRIPE_KEY=sk_live_4eC39HqLyjWDarjtT1zdp7dc
DATABASE_URL=postgres://shop:Xk29-dQ7_vLm@db.internal/shop
TEXT
#: before envfs export /shop -o .env.local
rm .env.local
