#: soak
#: include home
#: stand-in varlock: a package of npm that the tests do not install. It prints what the real one prints
program /usr/local/bin/varlock <<'END'
echo '{"STRIPE_KEY": "sk_live_4eC39HqLyjWDarjtT1zdp7dc", "WORKERS": 8, "DATABASE_URL": "postgres://shop:Xk29-dQ7_vLm@db.internal/shop"}'
END
