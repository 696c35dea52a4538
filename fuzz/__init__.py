"""Coverage-guided fuzzing of everything that reads octets or text from outside; see README.md."""
