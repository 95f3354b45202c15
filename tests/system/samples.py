"""Realistic `.env` files for three levels, and by hand the values that every reader must get from the views."""

PEM = """-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIOzeldvFyVDf4ZlOSj9sTQFKqKPP0sXXs1Tn7n5pVbY1oAoGCCqGSM49
AwEHoUQDQgAEq0dPCtz5yZKbZbGVGaCCt7qgcDdBt8KnSy1zPyJvPVVvJx7SMh1k
zHb4cKpSmyJjNqgnSRkGJZQFCd2y4M3ZmQ==
-----END EC PRIVATE KEY-----"""

ROOT_TEXT = """\
# Shared by everything the company runs.
COMPANY_NAME="Crane & Sons, Ltd."
APP_ENV=development
APP_DEBUG=true
LOG_LEVEL=debug          # prod turns this down
LOG_FORMAT='%(asctime)s %(levelname)s %(message)s'
TZ_NAME=Europe/Berlin
LOCALE=de_DE.UTF-8

# -- mail
export SMTP_HOST=smtp.example.com
export SMTP_PORT=587
SMTP_USER=mailer@example.com
SMTP_PASSWORD='hunter2-but-longer & with "quotes"'
SMTP_FROM="Crane & Sons <no-reply@example.com>"

# -- observability
SENTRY_DSN=https://0123456789abcdef@o42.ingest.sentry.example.com/4501
OTEL_EXPORTER_OTLP_ENDPOINT=http://otel-collector.internal:4317
OTEL_RESOURCE_ATTRIBUTES=service.namespace=crane,deployment.environment=dev
FEATURE_FLAGS='{"new_checkout": true, "limits": [1, 2, 3]}'
EMPTY_ON_PURPOSE=
HTTP_PROXY_URL=http://proxy.internal:3128
NO_PROXY_HOSTS=localhost,127.0.0.1,.internal
"""

SHOP_TEXT = """\
# The shop. Overrides what differs from the company's defaults.
APP_NAME=shop
APP_SECRET_KEY='django-insecure-8$x!^q(7=t#k@1v0&n'
DATABASE_URL=postgres://shop:dev-password-71@db.internal:5432/shop?sslmode=disable
DATABASE_POOL_SIZE=5
REDIS_URL=redis://:r3dis-dev@cache.internal:6379/0
CACHE_TTL_SECONDS=60
SESSION_COOKIE_NAME=shop_session
ALLOWED_HOSTS=localhost,shop.internal
STRIPE_API_KEY=sk_test_51HxExampleExampleExample
STRIPE_WEBHOOK_SECRET=whsec_devdevdevdevdevdev
S3_BUCKET=crane-shop-dev
S3_REGION=eu-central-1
AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE
AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY
WELCOME_TEXT="Grüß Gott — 你好 🦩"
REGEX_OF_SKUS='^[A-Z]{2}-\\d+$'
WINDOWS_PATH='D:\\share\\shop (1)'
SEARCH_URL=https://search.internal:9200
SMTP_FROM="Crane Shop <shop@example.com>"
RATE_LIMIT='100/m # per customer'
"""

PROD_TEXT = f"""\
# Production of the shop.
APP_ENV=production
APP_DEBUG=false
LOG_LEVEL=warning
DATABASE_URL=postgres://shop:Pr0d-p4ssw0rd-71f@db.prod.example.com:5432/shop?sslmode=verify-full
DATABASE_POOL_SIZE=40
REDIS_URL=rediss://:Pr0d-r3dis-9c2@cache.prod.example.com:6379/0
STRIPE_API_KEY=sk_live_71HxLiveLiveLiveLive
STRIPE_WEBHOOK_SECRET=whsec_prodprodprodprod71
ALLOWED_HOSTS=shop.example.com,www.shop.example.com
S3_BUCKET=crane-shop-prod
APPLE_PAY_NOTE="it's 5 o'clock, isn't it"
MULTI_LINE_NOTICE="first line
second line"
JWT_SIGNING_KEY="{PEM}
"
"""

ROOT = {
    "COMPANY_NAME": "Crane & Sons, Ltd.",
    "APP_ENV": "development",
    "APP_DEBUG": "true",
    "LOG_LEVEL": "debug",
    "LOG_FORMAT": "%(asctime)s %(levelname)s %(message)s",
    "TZ_NAME": "Europe/Berlin",
    "LOCALE": "de_DE.UTF-8",
    "SMTP_HOST": "smtp.example.com",
    "SMTP_PORT": "587",
    "SMTP_USER": "mailer@example.com",
    "SMTP_PASSWORD": 'hunter2-but-longer & with "quotes"',
    "SMTP_FROM": "Crane & Sons <no-reply@example.com>",
    "SENTRY_DSN": "https://0123456789abcdef@o42.ingest.sentry.example.com/4501",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://otel-collector.internal:4317",
    "OTEL_RESOURCE_ATTRIBUTES": "service.namespace=crane,deployment.environment=dev",
    "FEATURE_FLAGS": '{"new_checkout": true, "limits": [1, 2, 3]}',
    "EMPTY_ON_PURPOSE": "",
    "HTTP_PROXY_URL": "http://proxy.internal:3128",
    "NO_PROXY_HOSTS": "localhost,127.0.0.1,.internal",
}

SHOP = ROOT | {
    "APP_NAME": "shop",
    "APP_SECRET_KEY": "django-insecure-8$x!^q(7=t#k@1v0&n",
    "DATABASE_URL": "postgres://shop:dev-password-71@db.internal:5432/shop?sslmode=disable",
    "DATABASE_POOL_SIZE": "5",
    "REDIS_URL": "redis://:r3dis-dev@cache.internal:6379/0",
    "CACHE_TTL_SECONDS": "60",
    "SESSION_COOKIE_NAME": "shop_session",
    "ALLOWED_HOSTS": "localhost,shop.internal",
    "STRIPE_API_KEY": "sk_test_51HxExampleExampleExample",
    "STRIPE_WEBHOOK_SECRET": "whsec_devdevdevdevdevdev",
    "S3_BUCKET": "crane-shop-dev",
    "S3_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "WELCOME_TEXT": "Grüß Gott — 你好 🦩",
    "REGEX_OF_SKUS": r"^[A-Z]{2}-\d+$",
    "WINDOWS_PATH": r"D:\share\shop (1)",
    "SEARCH_URL": "https://search.internal:9200",
    "SMTP_FROM": "Crane Shop <shop@example.com>",
    "RATE_LIMIT": "100/m # per customer",
}

PROD = SHOP | {
    "APP_ENV": "production",
    "APP_DEBUG": "false",
    "LOG_LEVEL": "warning",
    "DATABASE_URL": "postgres://shop:Pr0d-p4ssw0rd-71f@db.prod.example.com:5432/shop?sslmode=verify-full",
    "DATABASE_POOL_SIZE": "40",
    "REDIS_URL": "rediss://:Pr0d-r3dis-9c2@cache.prod.example.com:6379/0",
    "STRIPE_API_KEY": "sk_live_71HxLiveLiveLiveLive",
    "STRIPE_WEBHOOK_SECRET": "whsec_prodprodprodprod71",
    "ALLOWED_HOSTS": "shop.example.com,www.shop.example.com",
    "S3_BUCKET": "crane-shop-prod",
    "APPLE_PAY_NOTE": "it's 5 o'clock, isn't it",
    "MULTI_LINE_NOTICE": "first line\nsecond line",
    "JWT_SIGNING_KEY": f"{PEM}\n",
}

LEVELS = {"/": (ROOT_TEXT, ROOT), "/shop": (SHOP_TEXT, SHOP), "/shop/prod": (PROD_TEXT, PROD)}
