r"""The known shapes of credentials, as data: how one begins, what follows, and which signs stand where.

A row: its name, the beginnings that it has, an expression for what follows, and an alphabet for each group of the
expression. The text of a group is secret and is replaced. All other text is the same in each credential of the kind
and is written as it is. Laws: no row shows anything that differs between two credentials. An expression takes
longer groups than its issuer gives out, so that a placeholder is of the same shape as its value. Each row has a value
in tests/vectors/placeholders. The beginnings and alphabets are those that the issuers document.
"""

from typing import Final

from envfs.dotenv.placeholders.seeded_text import (
    BASE32,
    BASE62,
    BASE64,
    BECH32,
    DIGITS,
    HEX,
    LOWER,
    UPPER,
    URL64,
)

Row = tuple[str, tuple[str, ...], str, tuple[str, ...]]

_WORD64, _WORD62 = r"([A-Za-z0-9_-]{20,})", r"([A-Za-z0-9]{20,})"

ROWS: Final[tuple[Row, ...]] = (
    # models and their makers
    ("anthropic", ("sk-ant-",), r"(?:api|admin|sid|oat|ort)\d{2}-([A-Za-z0-9_-]{20,})", (URL64,)),
    (
        "openai-project",
        ("sk-proj-", "sk-svcacct-", "sk-admin-", "sk-None-"),
        r"([A-Za-z0-9_-]{16,}?)T3BlbkFJ([A-Za-z0-9_-]{16,})",
        (URL64, URL64),
    ),
    ("openai-project-short", ("sk-proj-", "sk-svcacct-", "sk-admin-"), _WORD64, (URL64,)),
    ("openai", ("sk-",), r"([A-Za-z0-9]{16,}?)T3BlbkFJ([A-Za-z0-9]{16,})", (BASE62, BASE62)),
    ("openrouter", ("sk-or-v1-",), r"([0-9a-f]{32,})", (HEX,)),
    ("sk-hex", ("sk-",), r"([0-9a-f]{32,})", (HEX,)),
    ("sk", ("sk-",), r"([A-Za-z0-9_-]{16,})", (BASE62,)),
    ("groq", ("gsk_",), _WORD62, (BASE62,)),
    ("xai", ("xai-",), _WORD62, (BASE62,)),
    ("perplexity", ("pplx-",), _WORD62, (BASE62,)),
    ("hugging-face", ("hf_", "api_org_"), _WORD62, (BASE62,)),
    ("replicate", ("r8_",), _WORD62, (BASE62,)),
    # code and packages
    ("github", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"([A-Za-z0-9]{36,})", (BASE62,)),
    ("github-fine", ("github_pat_",), r"([A-Za-z0-9]{22})_([A-Za-z0-9]{20,})", (BASE62, BASE62)),
    (
        "gitlab-routable",
        ("glpat-", "glrt-"),
        r"([A-Za-z0-9_-]{20,})\.([a-z0-9]{2})\.([a-z0-9]{7,})",
        (URL64, LOWER, LOWER),
    ),
    (
        "gitlab",
        ("glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "glft-", "glimt-", "glagent-", "gloas-", "glsoat-", "glffct-"),
        _WORD64,
        (URL64,),
    ),
    ("npm", ("npm_",), _WORD62, (BASE62,)),
    ("pypi", ("pypi-AgEIcHlwaS5vcmc",), _WORD64, (URL64,)),
    ("rubygems", ("rubygems_",), r"([0-9a-f]{32,})", (HEX,)),
    ("docker", ("dckr_pat_",), _WORD64, (URL64,)),
    ("docker-organisation", ("dckr_oat_",), _WORD64, (URL64,)),
    ("postman", ("PMAK-",), r"([0-9a-f]{24,})-([0-9a-f]{32,})", (HEX, HEX)),
    ("linear", ("lin_api_", "lin_oauth_"), _WORD62, (BASE62,)),
    ("sentry", ("sntryu_",), r"([0-9a-f]{32,})", (HEX,)),
    # clouds and hosting
    ("aws-id", ("AKIA", "ASIA", "ABIA", "ACCA", "AIDA", "AROA"), r"([A-Z0-9]{16,})", (BASE32,)),
    ("aws-bedrock", ("ABSK",), r"([A-Za-z0-9+/]{40,})={0,2}", (BASE64,)),
    ("google", ("AIza",), r"([A-Za-z0-9_-]{35,})", (URL64,)),
    ("google-oauth", ("GOCSPX-",), _WORD64, (URL64,)),
    ("google-access", ("ya29.",), _WORD64, (URL64,)),
    (
        "azure-storage",
        ("DefaultEndpointsProtocol=https;AccountName=",),
        r"([a-z0-9]{3,24});AccountKey=([A-Za-z0-9+/]{20,})(?:={0,2})(?:;EndpointSuffix=core\.windows\.net)?",
        (LOWER, BASE64),
    ),
    ("digitalocean", ("dop_v1_", "doo_v1_", "dor_v1_"), r"([0-9a-f]{32,})", (HEX,)),
    ("databricks", ("dapi",), r"([0-9a-f]{32,})(?:-(\d))?", (HEX, DIGITS)),
    ("heroku", ("HRKU-",), _WORD64, (URL64,)),
    ("vault", ("hvs.", "hvb.", "hvr."), _WORD64, (URL64,)),
    ("doppler", ("dp.pt.", "dp.st.", "dp.ct.", "dp.sa.", "dp.scim.", "dp.audit."), r"([A-Za-z0-9]{40,})", (BASE62,)),
    ("pulumi", ("pul-",), r"([0-9a-f]{32,})", (HEX,)),
    ("supabase", ("sbp_",), r"([0-9a-f]{32,})", (HEX,)),
    ("supabase-key", ("sb_secret_", "sb_publishable_"), _WORD64, (URL64,)),
    ("planetscale", ("pscale_tkn_", "pscale_pw_", "pscale_oauth_"), _WORD64, (URL64,)),
    ("new-relic", ("NRAK-",), r"([A-Z0-9]{20,})", (UPPER,)),
    ("grafana", ("glsa_",), r"([A-Za-z0-9]{32,})_([0-9a-f]{8})", (BASE62, HEX)),
    # messages
    ("slack-bot", ("xoxb-", "xoxe-"), r"(\d{8,})-(\d{8,})-([A-Za-z0-9]{18,})", (DIGITS, DIGITS, BASE62)),
    (
        "slack-user",
        ("xoxp-", "xoxs-", "xoxa-2-"),
        r"(\d{8,})-(\d{8,})-(\d{8,})-([0-9a-f]{28,})",
        (DIGITS, DIGITS, DIGITS, HEX),
    ),
    ("slack-app", ("xapp-",), r"(\d)-A([A-Z0-9]{8,})-(\d{8,})-([0-9a-f]{32,})", (DIGITS, UPPER, DIGITS, HEX)),
    ("slack", ("xoxa-", "xoxb-", "xoxe-", "xoxo-", "xoxp-", "xoxr-", "xoxs-"), r"([A-Za-z0-9-]{10,})", (BASE62,)),
    ("twilio", ("AC", "SK"), r"([0-9a-f]{32})", (HEX,)),
    ("sendgrid", ("SG.",), r"([A-Za-z0-9_-]{20,})\.([A-Za-z0-9_-]{20,})", (URL64, URL64)),
    ("brevo", ("xkeysib-",), r"([0-9a-f]{32,})-([A-Za-z0-9]{16})", (HEX, BASE62)),
    ("mailgun", ("key-",), r"([0-9a-f]{32,})", (HEX,)),
    ("mailchimp", ("",), r"([0-9a-f]{32})-us(\d{1,2})", (HEX, DIGITS)),
    ("resend", ("re_",), r"([A-Za-z0-9]{8})_([A-Za-z0-9]{20,})", (BASE62, BASE62)),
    ("telegram", ("",), r"(\d{8,10}):AA([A-Za-z0-9_-]{33})", (DIGITS, URL64)),
    ("discord", ("",), r"([A-Za-z0-9_-]{23,28})\.([A-Za-z0-9_-]{6})\.([A-Za-z0-9_-]{27,38})", (URL64, URL64, URL64)),
    # money and shops
    (
        "stripe",
        tuple(f"{kind}_{mode}_" for kind in ("sk", "rk", "pk") for mode in ("live", "test")),
        r"([A-Za-z0-9]{10,})",
        (BASE62,),
    ),
    ("webhook-secret", ("whsec_",), r"([A-Za-z0-9+/]{24,})={0,2}", (BASE62,)),
    ("shopify", ("shpat_", "shpca_", "shppa_", "shpss_"), r"([0-9a-f]{32,})", (HEX,)),
    ("square", ("sq0atp-", "sq0csp-", "EAAA"), _WORD64, (URL64,)),
    # documents
    ("notion", ("ntn_",), r"(\d{11})([A-Za-z0-9]{20,})", (DIGITS, BASE62)),
    ("figma", ("figd_",), _WORD64, (URL64,)),
    ("airtable", ("pat",), r"([A-Za-z0-9]{14})\.([0-9a-f]{64})", (BASE62, HEX)),
    # keys in files
    ("age", ("AGE-SECRET-KEY-1",), r"([QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58})", (BECH32,)),
    ("ssh-public", ("ssh-ed25519 ", "ssh-rsa "), r"([A-Za-z0-9+/]{60,})={0,2}", (BASE64,)),
    ("ethereum", ("0x",), r"([0-9a-f]{40,})", (HEX,)),
)
