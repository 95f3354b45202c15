#: soak
#: user ana
useradd -m -s /bin/bash ana
install -d -o ana -g ana -m 700 /home/ana/run
install -d -o ana -g ana /home/ana/shop
cat > /home/ana/shop/.env <<'END'
# the database
DATABASE_URL=postgres://shop:Xk29-dQ7_vLm@localhost/shop
STRIPE_KEY=sk_live_4eC39HqLyjWDarjtT1zdp7dc
WORKERS=8
END
cat > /home/ana/shop/app.py <<'END'
import os

print("I have", os.environ["WORKERS"], "workers")
END
chown -R ana:ana /home/ana/shop
#: answer value of DATABASE_URL=postgres://shop:9sWq-Lr4_tB2@db.prod/shop
