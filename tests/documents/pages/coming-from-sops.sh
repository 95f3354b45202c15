#: soak
#: include home
#: stand-in sops: it is no package of Debian 12. It prints what the real one prints
echo 'db: ENC[AES256_GCM,data:…]' > secrets.yaml
program /usr/local/bin/sops <<'END'
echo '{"DB": {"HOST": "db.internal", "PASSWORD": "Xk29-dQ7_vLm"}, "STRIPE_KEY": "sk_live_4eC39HqLyjWDarjtT1zdp7dc"}'
END
