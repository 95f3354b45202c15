#: soak
#: include home
#: include other-tools
other_tools sops
mkdir -p /root/.config/sops/age
age-keygen -o /root/.config/sops/age/keys.txt
cat > .sops.yaml <<TEXT
creation_rules:
  - age: $(age-keygen -y /root/.config/sops/age/keys.txt)
TEXT
cat > secrets.yaml <<'TEXT'
DB:
  HOST: db.internal
  PASSWORD: Xk29-dQ7_vLm
STRIPE_KEY: sk_live_4eC39HqLyjWDarjtT1zdp7dc
TEXT
sops encrypt -i secrets.yaml
