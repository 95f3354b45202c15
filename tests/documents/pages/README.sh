#: include team
useradd -m deploy
useradd -m anna
useradd -m ci
useradd -m www
useradd -m indexer
useradd -m node
useradd -m backup2
groupadd -g 1200 oncall
git init -q .
cat > .env <<'END'
# the shop
WORKERS=8
STRIPE_KEY=sk_live_4eC39HqLyjWDarjtT1zdp7dc
END
program() { # NAME: a program, whose lines are standard input
    { echo '#!/bin/sh'; cat; } > "$1"
    chmod 755 "$1"
}
program /usr/local/bin/npm <<'END'
echo "npm $*: the key is $SHOP_KEY$STRIPE_KEY"
END
program /usr/local/bin/claude <<'END'
echo "claude $*"
END
program /usr/local/bin/gh <<'END'
cat > ~/gh-secret
END
program /usr/local/bin/psql <<'END'
[ -n "$1" ]
END
install -m 755 /bin/true /usr/bin/code
[ -e /usr/bin/node ] || install -m 755 /bin/true /usr/bin/node
mkdir -p /srv/shop
echo 'python3 /srv/shop/migrate.py && true' | program /srv/shop/nightly.sh
echo 'open("/mnt/envfs/shop/prod/.env").read()' > /srv/shop/migrate.py
for name in manage.py migrate supervisor deploy /usr/local/bin/set-db-password; do echo '[ -n "$STRIPE_KEY$DB_PASSWORD$ENVFS_NAME" ]' | program $name; done
#: answer value of DATABASE_URL=postgres://shop:9sWq-Lr4_tB2@db.internal/shop
#: answer passphrase of /vault-keys=correct horse battery staple
#: stand-in npm: the sessions are about what it is given
#: stand-in claude: it needs an account of Anthropic
#: stand-in gh: it needs an account of GitHub
#: stand-in psql: it needs a database
#: stand-in code: a rule looks at the file
#: before envfs grant /shop/prod --user anna
printf 'S3cret-of-the-database-77' | envfs set /shop/prod DB_PASSWORD
printf 'db.internal' | envfs set /shop/prod DB_HOST
printf 'sk_live_9zQ7mB2xWc5vN8kTdRfYhJpL' | envfs set /shop/prod STRIPE_KEY
#: before envfs exec /shop/dev --keep-existing
printf 'S3cret-of-dev-4412345678' | envfs set /shop/dev SHOP_KEY
printf 'sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKL' | envfs set /shop/dev OPENAI_API_KEY
printf '3000' | envfs set /shop/dev PORT
printf 'info' | envfs set /shop/dev LOG_LEVEL
cat >> /etc/envfs/envfs.toml <<'END'
[[proxy.rule]]
key = "SHOP_KEY"
hosts = ["payments.example.com"]
where = ["header:x-api-key"]
END
#: meanwhile envfs approvals watch
cd /srv/shop
export ENVFS_REASON='the nightly migration'
until setpriv --reuid ci --regid ci --clear-groups ./nightly.sh; do sleep 0.2; done
#: before envfs scan
mkdir -p src
echo 'const key = "sk_live_9zQ7mB2xWc5vN8kTdRfYhJpL";' > src/client.ts
#: before ENVFS_TOKEN_FILE=
mkdir -p /run/secrets
envfs token create /shop/prod --ttl 15m > /run/secrets/envfs
#: before envfs log --event canary
envfs grant /backup --user backup2
setpriv --reuid backup2 --regid backup2 --clear-groups cat /mnt/envfs/backup/.env > /dev/null
#: before envfs link /shop --import
envfs unset /shop WORKERS
printf 'WORKERS=8\n' > .env
#: before envfs export /shop/prod --own
envfs export /shop/prod --own | sed 's|^DB_PASSWORD|# @rotate 90d\n# @rotate-with /usr/local/bin/set-db-password\n&|' > /tmp/text
{ sed -n '/@rotate/,/DB_PASS/p' /tmp/text; sed '/@rotate/,/DB_PASS/d' /tmp/text; } | envfs import - /shop/prod --replace
#: before job$ envfs exec
useradd -m job
install -m 755 deploy /home/job/deploy
sed -i '2s/.*/[ "$A" = 1 ]/' /home/job/deploy
echo "export ENVFS_JOIN=$(cat /home/ana/gh-secret)" > /home/job/.pagerc
