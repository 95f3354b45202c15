"""Read a request as JSON, and write the signature that botocore makes of it."""

import json
import sys

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

facts = json.load(sys.stdin)
headers = facts["headers"]
words = headers["authorization"].replace(",", " ").split()
date, region, service, _ = words[1].split("=", 1)[1].split("/", 1)[1].split("/")
signed = words[2].split("=", 1)[1].split(";")
body = facts["body"].encode("latin-1")
request = AWSRequest(facts["method"], facts["url"], {name: headers[name] for name in signed}, body)
request.context["timestamp"] = headers["x-amz-date"]
request.context["payload_signing_enabled"] = True
signer = (S3SigV4Auth if service == "s3" else SigV4Auth)(Credentials(*facts["keys"]), service, region)
print(signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request))
