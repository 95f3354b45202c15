#: soak
#: include home
export GNUPGHOME=/root/.gnupg
mkdir -m 700 -p /root/.gnupg
gpg --batch --quiet --passphrase '' --quick-generate-key shop@example.org default default never
pass init shop@example.org
printf 'sk_live_4eC39HqLyjWDarjtT1zdp7dc\n' | pass insert -m shop/prod/stripe-key
printf 'postgres://shop:Xk29-dQ7_vLm@db.internal/shop\nlogin: shop\n' | pass insert -m shop/prod/database-url
