"""HTTP/1 (RFC 9110, 9112): requests with their responses, and logins with Basic and Digest."""
