#: soak
#: include home
#: include other-tools
other_tools dotenvx
cat > .env.production <<'TEXT'
STRIPE_KEY=sk_live_4eC39HqLyjWDarjtT1zdp7dc
WORKERS=8
TEXT
dotenvx encrypt -f .env.production
echo 'echo "$WORKERS workers, and a key${STRIPE_KEY:+}"' | program start
