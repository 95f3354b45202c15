#: soak
#: include home
#: stand-in gopass: the one of Debian is another program of that name. It prints what the real one prints
program /usr/local/bin/gopass <<'END'
case "$1 $3" in
"show shop/prod/stripe-key") echo sk_live_4eC39HqLyjWDarjtT1zdp7dc ;;
"show shop/prod/database-url") echo postgres://shop:Xk29-dQ7_vLm@db.internal/shop ;;
"insert shop/prod/stripe-key") cat > /dev/null ;;
esac
END
