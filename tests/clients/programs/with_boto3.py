"""boto3 asks for one thing."""

import sys

import boto3
from botocore.config import Config

url, call = sys.argv[1:]
name = "a b+c/\u00fc~(1).txt"
match call:
    case "sts":
        boto3.client("sts", endpoint_url=url).get_caller_identity()
    case "list":
        boto3.client("s3", endpoint_url=url).list_objects_v2(Bucket="bucket", Prefix="a b/+")
    case "put":
        plain = Config(request_checksum_calculation="when_required", s3={"payload_signing_enabled": True})
        boto3.client("s3", endpoint_url=url, config=plain).put_object(
            Bucket="bucket", Key=name, Body=b"\0\xff" * 70_000
        )
    case _:
        boto3.client("s3", endpoint_url=url).put_object(Bucket="bucket", Key=name, Body=b"\0\xff" * 70_000)
print("done")
