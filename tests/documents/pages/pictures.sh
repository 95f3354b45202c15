#: include home
#: include mounted
for name in STRIPE_KEY=sk_live_4eC39HqLyjWDarjtT1zdp7dc WORKERS=8 DATABASE_URL=postgres://shop:Xk29-dQ7_vLm@localhost/shop; do
    printf %s "${name#*=}" | envfs set /shop "${name%%=*}"
done
printf %s postgres://shop:9sWq-Lr4_tB2@db.prod/shop | envfs set /shop/prod DATABASE_URL
printf %s 16 | envfs set /shop/prod WORKERS -m 'the sale begins'
