"""The keywords of protocol events that have few values: analyzers write these, and rules are held
against them (ecs/document_kinds.py).
"""

from __future__ import annotations

OUTCOMES = ("success", "failure", "unknown")
"""Of logins, and of whatever else may fail."""

# Telnet

TELNET_OUTCOMES = (*OUTCOMES, "none", "bypass")
"""Of logins; `none`: a shell without one, `bypass`: one behind an attack on the login."""
TELNET_CONFIDENCE = {
    "success_text": 0.98,
    "shell_prompt": 0.95,
    "prompt_repeats": 0.9,
    "shell_answer": 0.95,
    "password_change": 0.95,
    "authentication_accept": 0.99,
    "authentication_reject": 0.95,
    "failure_text": 0.98,
    "prompt_again": 0.9,
    "closed_after_failures": 0.6,
    "closed_after_password": 0.0,
    "password_not_sent": 0.0,
    "gap": 0.0,
    "encrypted": 0.0,
}
"""In the outcome of a login, by evidence."""
TELNET_METHODS = ("password", "environment", "authentication", "none")
"""Of logins."""
EXPLOITS = (
    "are_you_there_overflow", "cluster_management_overflow", "console_break",
    "encryption_key_overflow", "environment_disclosure", "environment_injection",
    "erase_before_text", "malformed_option", "special_characters_overflow",
    "urgent_data_overflow", "user_argument_injection",
)  # fmt: skip
"""The kinds of attacks."""
EXPLOIT_OUTCOMES = ("attempt", "bypass")
LINE_MODES = ("character", "line")
TERMINAL_KINDS = ("tn3270", "tn5250")
CLIENT_KINDS = ("mirai", "bsd", "putty")
BOT = "mirai_like"
FETCHERS = ("wget", "curl", "tftp", "ftpget", "nc", "fetch", "lwp-download")
"""Programs that fetch what a command names."""

# FTP

TRANSFERS = ("RETR", "STOR", "APPE", "STOU")
"""The commands that move a file (RFC 959 4.1.3)."""

# DNS: the names of the IANA registry "Domain Name System (DNS) Parameters"

OPCODES = {0: "QUERY", 1: "IQUERY", 2: "STATUS", 4: "NOTIFY", 5: "UPDATE", 6: "DSO"}

# HTTP

STATUSES = ("OK", "Error")
"""Of a transaction, and of a command of Redis, as Packetbeat has it."""
HTTP_ANOMALIES = (
    "bare_cr", "bare_lf", "chunk_invalid", "content_coding_invalid", "content_length_conflict",
    "content_length_invalid", "content_length_repeated", "excess_octets", "gap", "header_invalid",
    "headers_too_many", "host_conflict", "host_missing", "host_repeated", "length_and_coding",
    "nul", "obs_fold", "space_before_colon", "target_with_space", "transfer_coding_old_version",
    "transfer_coding_unknown",
)  # fmt: skip
"""All that are told; docs/http.md says what each is."""

# TLS

TLS_VERSIONS = {0x0300: ("ssl", "3.0"), 0x0301: ("tls", "1.0"), 0x0302: ("tls", "1.1"),
                0x0303: ("tls", "1.2"), 0x0304: ("tls", "1.3")}  # fmt: skip
"""By code: `tls.version_protocol` and `tls.version`."""
TLS_ALERTS = {
    0: "close_notify", 10: "unexpected_message", 20: "bad_record_mac", 21: "decryption_failed",
    22: "record_overflow", 30: "decompression_failure", 40: "handshake_failure",
    41: "no_certificate", 42: "bad_certificate", 43: "unsupported_certificate",
    44: "certificate_revoked", 45: "certificate_expired", 46: "certificate_unknown",
    47: "illegal_parameter", 48: "unknown_ca", 49: "access_denied", 50: "decode_error",
    51: "decrypt_error", 60: "export_restriction", 70: "protocol_version",
    71: "insufficient_security", 80: "internal_error", 86: "inappropriate_fallback",
    90: "user_canceled", 100: "no_renegotiation", 109: "missing_extension",
    110: "unsupported_extension", 111: "certificate_unobtainable", 112: "unrecognized_name",
    113: "bad_certificate_status_response", 114: "bad_certificate_hash_value",
    115: "unknown_psk_identity", 116: "certificate_required", 120: "no_application_protocol",
    121: "ech_required",
}  # fmt: skip
"""By code (RFC 8446 6 and IANA); others have their number."""
