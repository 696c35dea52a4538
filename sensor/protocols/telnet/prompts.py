"""What servers ask and answer around a login: the words of many systems, as patterns.

A prompt is judged on the line that is not over; an answer on lines. The order in which patterns are
asked is that of `login.py`.
"""

from __future__ import annotations

import re

PROMPT_MAX = 200
"""Characters of the end of a line in which a prompt is looked for."""
SHELL_PROMPT_MAX = 80
_I = re.IGNORECASE

_NAME_WORDS = (r"log ?in|login as|log in as|login name|user ?name|user ?id|user|account"
               r"|benutzer(?:name)?|nom d'utilisateur|utilisateur|identifiant|usuario|usu[aá]rio"
               r"|utente|\u7528\u6237\u540d")  # fmt: skip
_PASSWORD_WORDS = (r"password|passwd|passcode|passphrase|pass|pin|kennwort|passwort"
                   r"|mot de passe|contrase[nñ]a|senha|parola|has[lł]o|heslo|wachtwoord|l[oö]senord"
                   r"|adgangskode|salasana|jelsz[oó]|lozinka|[sş]ifre|\u5bc6\u7801"
                   r"|\u043f\u0430\u0440\u043e\u043b\u044c"
                   r"|\u30d1\u30b9\u30ef\u30fc\u30c9")  # fmt: skip
_NAME = re.compile(
    rf"(?:^|[^a-z0-9_])(?:{_NAME_WORDS})\s*[:\uff1a]\s?$|enter (?:{_NAME_WORDS})\s?>\s?$"
    r"|^\s*(?:enter )?(?:your )?name\s?:\s?$", _I)
_NO_NAME = re.compile(r"last (?:failed )?login|logged in|login (?:error|time|incorrect)", _I)
_PASSWORD = re.compile(
    rf"(?:^|[^a-z0-9_])(?:{_PASSWORD_WORDS})(?: (?:for|von|de|para) [^:]{{1,64}})?"
    rf"(?:\s?\([^)]{{0,40}}\))?\s*[:\uff1a]\s{{0,2}}$"
    rf"|enter (?:{_PASSWORD_WORDS})\s?>\s?$", _I)  # fmt: skip
_OTHER_SECRET = re.compile(
    r"(?:verification code|one.time (?:password|code)|otp|token(?:code)?|challenge|response"
    r"|secret|security code|pin code)[^:]{0,40}[:>]\s?$", _I)  # fmt: skip
_PASSWORD_FOR = re.compile(
    r"(?:password|passwort|pass) for ([^\s:]{1,64}?)(?:@[^\s:]+)?\s*:\s?$", _I)
_SUDO = re.compile(r"\[sudo[^\]]*\]\s.*?([^\s:]{1,64})\s*:\s?$", _I)
_CHANGE = re.compile(
    r"(?:current|old|new|retype|re-?enter|repeat|confirm|verify)\b.*(?:password|passwd|passwort)"
    r"|(?:neues|altes|aktuelles) (?:passwort|kennwort)", _I)  # fmt: skip
_CHANGE_ASKED = re.compile(
    r"required to change your password|password (?:has )?expired|must change (?:your )?password"
    r"|password must be changed|changing password for", _I)  # fmt: skip
_FAILURE_WORDS = (r"incorrect|invalid|failed|failure|denied|rejected|bad passwords?|bad secrets?"
                  r"|bad login|wrong|not authori[sz]ed|unauthori[sz]ed|sorry|locked|exceeded"
                  r"|try again|fehlgeschlagen|falsch|refused|none set|no such user|unknown user"
                  r"|could not log you in|error\.|disabled")  # fmt: skip
_FAILURE = re.compile(rf"(?:^|[^a-z])(?:{_FAILURE_WORDS})(?:[^a-z]|$)", _I)
_STRONG_FAILURE = re.compile(
    r"^[\W_]*(?:error:\s*|fatal:\s*)?(?:(?:local:\s*)?(?:log[io]n|authentication|authorization"
    r"|access|username|user ?name or password|password|permission)[^a-z]{0,3}\s*(?:or password )?"
    r"(?:is |was )?"
    r"(?:incorrect|invalid|failed|failure|denied|error|wrong)"
    r"|(?:incorrect|invalid|bad|wrong|unknown) (?:log ?in|user|password|passwords|secrets)"
    r"|failed to log ?in|sorry|maximum number of tries)", _I)  # fmt: skip
_NO_FAILURE = re.compile(
    r"failed log ?in attempts? since|failures? since (?:the )?last"
    r"|last (?:failed |unsuccessful )?log ?in"
    r"|failed log ?in attempts? (?:from|was|were)|there (?:was|were) \d+ failed"
    r"|\d+ failed (?:log ?in|attempt)|no directory, logging in|unauthori[sz]ed (?:access|use)"
    r"|no kerberos tickets", _I)  # fmt: skip
_SUCCESS = re.compile(
    r"^\W{0,4}(?:last (?:successful )?log ?in\b|letzte anmeldung)"
    r"|no directory, logging in with home|warning: no kerberos tickets issued"
    r"|failed log ?in attempts? since the last successful"
    r"|failures? since last log ?in|^you have (?:new |no )?mail\b", _I)  # fmt: skip
_WELCOME = re.compile(
    r"^\W{0,4}welcome to\b|^\*===|microsoft telnet server\.|max number of vty users"
    r"|--- junos\b|built-in shell \(ash\)|^sun microsystems inc", _I)  # fmt: skip
_SHELL = re.compile(r"(?:[$#>\u276f\u00bb\u279c\u03bb]|(?:^|[^\d])%|^\[[^\s\]]{1,60}\]) ?$")
_NO_SHELL = re.compile(
    rf"(?:{_NAME_WORDS}|{_PASSWORD_WORDS})\s*[:>]|\b(?:press|enter|select|choose|continue|type)\b"
    r"|\?\s*\S?\s?$|<[a-z][^<>]*>\s?$|^\s*[*#=>%$-]{3,}", _I)  # fmt: skip
_DEVICE = re.compile(r"^<[\w.-]{1,60}> ?$")
_PAGER = re.compile(
    r"-{1,4} ?\(?more\b(?:.*[^\s#$>])? ?$|--more--|press any key|\(end\)\s*$|^lines? \d+-\d+|^:\s?$"
    r"|hit (?:any key|return|space)|<space>", _I)  # fmt: skip
_QUESTION = re.compile(r"[\[(] ?y(?:es)?(?: ?[/|,] ?n(?:o)?)+ ?(?:/[\w-]+ ?)*[\])] ?[:?]?\s?$", _I)
_SHELL_SPEAKS = re.compile(r": (?:applet|command) not found|: not found\s*$", _I)


_ASKS = (":", "\uff1a", ">")
_ANSWERED = ("]", ")", ":", "?")
_AWAITS = ("$", "#", ">", "%", "]", "\u276f", "\u00bb", "\u279c", "\u03bb")
"""What lines end with, but for spaces, that the patterns of prompts, of questions and of shells
find something in: most lines have nothing of it, and are not searched.
"""


def _end(text: str) -> str:
    return text[-PROMPT_MAX:]


def _ends(text: str, ends: tuple[str, ...]) -> bool:
    return text.rstrip().endswith(ends)


def is_name_prompt(text: str) -> bool:
    """True if a line that is not over asks for an account."""
    if not _ends(text, _ASKS):
        return False
    text = _end(text)
    return bool(_NAME.search(text)) and not _NO_NAME.search(text)


def is_password_prompt(text: str) -> bool:
    """True if a line that is not over asks for a password."""
    return _ends(text, _ASKS) and bool(_PASSWORD.search(_end(text)))


def before_password(text: str) -> str:
    """What stands before a password prompt in its line."""
    match = _PASSWORD.search(_end(text))
    return _end(text)[: match.start()] if match else ""


def is_other_secret(text: str) -> bool:
    """True if it asks for a secret that is no password."""
    return _ends(text, _ASKS) and bool(_OTHER_SECRET.search(_end(text)))


def is_change_prompt(text: str) -> bool:
    """True if it asks within the change of a password, whose old one was right."""
    return bool(_CHANGE.search(_end(text)))


def asked_for(text: str) -> str | None:
    """The account that a password prompt names."""
    match = _SUDO.search(_end(text)) or _PASSWORD_FOR.search(_end(text))
    return match[1] if match else None


def is_sudo(text: str) -> bool:
    """True if a password prompt is sudo's own."""
    return "[sudo" in text


def asks_for_change(line: str) -> bool:
    """True if a line says that the password, which was right, is to be changed."""
    return bool(_CHANGE_ASKED.search(line))


def is_failure(line: str) -> bool:
    """True if a line may say that a login failed."""
    return bool(_FAILURE.search(line)) and not _NO_FAILURE.search(line)


def is_plain_failure(line: str) -> bool:
    """True if a line says so and nothing else."""
    return bool(_STRONG_FAILURE.search(line)) and not _NO_FAILURE.search(line)


def is_success(line: str) -> bool:
    """True if a line is one that only those see who are in."""
    return bool(_SUCCESS.search(line))


def is_welcome(line: str) -> bool:
    """True if a line greets; it may do so before a login, too."""
    return bool(_WELCOME.search(line))


def is_shell_prompt(text: str) -> bool:
    """True if a line that is not over is the prompt of a shell or a device."""
    if not _ends(text, _AWAITS):
        return False
    text = text.rstrip("\n")
    if not 0 < len(text.strip()) < SHELL_PROMPT_MAX or not text.isprintable():
        return False
    if _DEVICE.search(text):
        return True
    return bool(_SHELL.search(text)) and not _NO_SHELL.search(text)


def is_pager(text: str) -> bool:
    """True if the next key only turns a page."""
    return bool(_PAGER.search(_end(text)))


def is_question(text: str) -> bool:
    """True if a line that is not over asks for yes or no."""
    return _ends(text, _ANSWERED) and bool(_QUESTION.search(_end(text)))


def is_shells_answer(line: str) -> bool:
    """True if a line is what a shell says of a command that it does not know."""
    return bool(_SHELL_SPEAKS.search(line))
