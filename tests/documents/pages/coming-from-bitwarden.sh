#: soak
#: include home
#: stand-in bw: it needs an account. It writes the format that Bitwarden publishes
program /usr/local/bin/bw <<'END'
case $1 in
export) cat > "$5" <<'JSON'
{"encrypted": false, "folders": [{"id": "f1", "name": "Shop"}], "items": [{"id": "i1", "folderId": "f1", "type": 1, "name": "Stripe", "fields": [{"name": "STRIPE_KEY", "value": "sk_live_4eC39HqLyjWDarjtT1zdp7dc", "type": 1}], "login": {"username": "shop", "password": "Xk29-dQ7_vLm", "uris": []}}]}
JSON
echo "Saved $5" ;;
import) echo "Imported $3" ;;
esac
END
