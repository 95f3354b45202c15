#: soak
#: include home
#: include mounted
cat > .env <<'END'
# the database
DATABASE_URL=postgres://localhost/shop
STRIPE_KEY=sk_test_4eC39HqLyjWDarjtT1zdp7dc
WORKERS=2
END
cat > .env.production <<'END'
DATABASE_URL=postgres://db.internal/shop
WORKERS=8
END
