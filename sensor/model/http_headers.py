"""The header fields of HTTP that are told, by side: what rules ask for and people look at."""

from __future__ import annotations

REQUEST_HEADERS = (
    "accept", "accept-encoding", "accept-language", "authorization", "connection",
    "content-encoding", "content-length", "content-type", "cookie", "expect", "forwarded", "host",
    "next-action", "origin", "proxy-authorization", "range", "referer", "soapaction",
    "transfer-encoding", "upgrade", "user-agent", "via", "x-api-key", "x-auth-token",
    "x-aws-ec2-metadata-token", "x-aws-ec2-metadata-token-ttl-seconds", "x-forwarded-for",
    "x-forwarded-host", "x-http-method-override", "x-original-url", "x-requested-with",
)  # fmt: skip
RESPONSE_HEADERS = (
    "connection", "content-disposition", "content-encoding", "content-length", "content-range",
    "content-type", "location", "proxy-authenticate", "server", "set-cookie", "transfer-encoding",
    "upgrade", "via", "www-authenticate", "x-powered-by",
)  # fmt: skip
LENGTH_HEADER = "content-length"
"""Told as a number, as Packetbeat does."""
SCHEME_HEADERS = ("authorization", "proxy-authorization")
"""Of these the scheme alone is told."""
SECRET_HEADERS = ("cookie", "cookie2", "set-cookie", "set-cookie2", "x-api-key", "x-auth-token",
                  "x-aws-ec2-metadata-token")  # fmt: skip
"""Whoever has these can use them as a login: what is told is that they are there."""
