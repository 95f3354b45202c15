#: soak
#: include home
cat > .envrc <<'END'
export STRIPE_KEY=sk_live_4eC39HqLyjWDarjtT1zdp7dc
export WORKERS=8
PATH_add bin
END
