#: soak
#: include home
#: include other-tools
#: stand-in vault: it is no package of Debian. OpenBao, which began as a copy of it, runs under its name
other_tools bao
ln -s bao /usr/local/bin/vault
cat > /root/.pagerc <<'TEXT'
export BAO_ADDR=http://127.0.0.1:8200 BAO_TOKEN=root
TEXT
. /root/.pagerc
bao server -dev -dev-root-token-id=root > /root/openbao.log 2>&1 &
until bao status > /dev/null 2>&1; do sleep 0.2; done
bao kv put secret/shop STRIPE_KEY=sk_live_4eC39HqLyjWDarjtT1zdp7dc WORKERS=8
