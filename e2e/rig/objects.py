"""Objects of S3, as tests read them."""

MEBIBYTE = 1 << 20


def body(s3, bucket: str, key: str, **more) -> bytes:
    """All bytes of an object."""
    return s3.get_object(Bucket=bucket, Key=key, **more)["Body"].read()
