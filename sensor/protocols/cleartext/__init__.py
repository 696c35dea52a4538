"""Logins of old protocols in the clear: FTP, SMTP, POP3 and IMAP, and what FTP transfers."""
