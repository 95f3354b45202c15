#: soak
#: include home
#: stand-in chamber: it needs an account of AWS. It prints what the real one prints
program /usr/local/bin/chamber <<'END'
case $1 in
export) echo '{"db_host":"db.internal","db-password":"Xk29-dQ7_vLm"}' ;;
import) echo "Successfully imported 2 secrets" ;;
esac
END
