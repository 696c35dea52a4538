"""What clients said to redis-server 7.0.15 from Debian, and what it answered: octet by octet."""

from __future__ import annotations

C, S = 0, 1

CONFIGURING = [
    (C, b"*2\r\n$4\r\nAUTH\r\n$12\r\nnobody asked\r\n"),
    (S, b"-ERR AUTH <password> called without any password configured for the default user. Are"
        b" you sure your configuration is correct?\r\n"),
    (C, b"PING\r\n"),
    (S, b"+PONG\r\n"),
    (C, b"*3\r\n$3\r\nSET\r\n$8\r\ngreeting\r\n$12\r\nhello\r\nworld\r\n"),
    (S, b"+OK\r\n"),
    (C, b"*2\r\n$3\r\nGET\r\n$8\r\ngreeting\r\n"),
    (S, b"$12\r\nhello\r\nworld\r\n"),
    (C, b"*2\r\n$3\r\nGET\r\n$7\r\nnothing\r\n"),
    (S, b"$-1\r\n"),
    (C, b"*2\r\n$4\r\nINCR\r\n$8\r\ngreeting\r\n"),
    (S, b"-ERR value is not an integer or out of range\r\n"),
    (C, b"*2\r\n$4\r\nincr\r\n$1\r\nn\r\n*4\r\n$5\r\nLPUSH\r\n$1\r\nl\r\n$1\r\na\r\n$1\r\nb\r\n"
        b"*4\r\n$6\r\nLRANGE\r\n$1\r\nl\r\n$1\r\n0\r\n$2\r\n-1\r\n"),
    (S, b":1\r\n:2\r\n*2\r\n$1\r\nb\r\n$1\r\na\r\n"),
    (C, b"*4\r\n$6\r\nCONFIG\r\n$3\r\nSET\r\n$11\r\nrequirepass\r\n$12\r\ntree-house-7\r\n"),
    (S, b"+OK\r\n"),
    (C, b"*3\r\n$6\r\nCONFIG\r\n$3\r\nGET\r\n$11\r\nrequirepass\r\n"),
    (S, b"*2\r\n$11\r\nrequirepass\r\n$12\r\ntree-house-7\r\n"),
    (C, b"*4\r\n$6\r\nCONFIG\r\n$3\r\nSET\r\n$3\r\ndir\r\n$13\r\n/nowhere/.ssh\r\n"),
    (S, b"-ERR CONFIG SET failed (possibly related to argument 'dir') - No such file or"
        b" directory\r\n"),
    (C, b"*8\r\n$3\r\nACL\r\n$7\r\nSETUSER\r\n$3\r\nann\r\n$2\r\non\r\n$8\r\n>apple-9\r\n$2\r\n~*"
        b"\r\n$2\r\n&*\r\n$5\r\n+@all\r\n"),
    (S, b"+OK\r\n"),
    (C, b"*2\r\n$3\r\nACL\r\n$4\r\nLIST\r\n"),
    (S, b"*2\r\n$89\r\nuser ann on #e0b472b065a38852d495dc525dd4a7a0030ec590b86e0b7e3398006a0845f2"
        b"c5 ~* &* +@all\r\n$93\r\nuser default on #59e4eda2ffafad6b9bc30c73f65e68ff548949b574a9a8c"
        b"65e2f636a0af67923 ~* &* +@all\r\n"),
    (C, b"*3\r\n$4\r\nEVAL\r\n$45\r\nreturn {1,{2,'x'},redis.status_reply('fine')}\r\n$1\r\n0\r\n"),
    (S, b"*3\r\n:1\r\n*2\r\n:2\r\n$1\r\nx\r\n+fine\r\n"),
    (C, b"*1\r\n$5\r\nMULTI\r\n"),
    (S, b"+OK\r\n"),
    (C, b"*1\r\n$4\r\nPING\r\n"),
    (S, b"+QUEUED\r\n"),
    (C, b"*1\r\n$4\r\nEXEC\r\n"),
    (S, b"*1\r\n+PONG\r\n"),
]

LOGGING_IN = [
    (C, b"*2\r\n$3\r\nGET\r\n$8\r\ngreeting\r\n"),
    (S, b"-NOAUTH Authentication required.\r\n"),
    (C, b"*2\r\n$4\r\nAUTH\r\n$7\r\nwrong-1\r\n"),
    (S, b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"),
    (C, b"*3\r\n$4\r\nAUTH\r\n$3\r\nann\r\n$7\r\napple-9\r\n"),
    (S, b"+OK\r\n"),
    (C, b"*5\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$4\r\nAUTH\r\n$3\r\nann\r\n$7\r\napple-8\r\n"),
    (S, b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"),
    (C, b"*5\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$4\r\nAUTH\r\n$3\r\nann\r\n$7\r\napple-9\r\n"),
    (S, b"%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n$5\r\nproto\r\n:3"
        b"\r\n$2\r\nid\r\n:4\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n"
        b"$7\r\nmodules\r\n*0\r\n"),
    (C, b"*2\r\n$7\r\nHGETALL\r\n$1\r\nh\r\n"),
    (S, b"%1\r\n$1\r\nf\r\n$1\r\n1\r\n"),
    (C, b"*2\r\n$3\r\nGET\r\n$7\r\nnothing\r\n"),
    (S, b"_\r\n"),
    (C, b"*3\r\n$9\r\nSUBSCRIBE\r\n$2\r\nc1\r\n$2\r\nc2\r\n"),
    (S, b">3\r\n$9\r\nsubscribe\r\n$2\r\nc1\r\n:1\r\n>3\r\n$9\r\nsubscribe\r\n$2\r\nc2\r\n:2\r\n"),
    (S, b">3\r\n$7\r\nmessage\r\n$2\r\nc1\r\n$4\r\nnews\r\n"),
    (C, b"*2\r\n$3\r\nGET\r\n$1\r\nn\r\n"),
    (S, b"$1\r\n1\r\n"),
    (C, b"*2\r\n$11\r\nUNSUBSCRIBE\r\n$2\r\nc1\r\n"),
    (S, b">3\r\n$11\r\nunsubscribe\r\n$2\r\nc1\r\n:1\r\n"),
    (C, b"*1\r\n$4\r\nPING\r\n"),
    (S, b"+PONG\r\n"),
]

LISTENING = [
    (C, b"*3\r\n$9\r\nSUBSCRIBE\r\n$2\r\nc1\r\n$2\r\nc2\r\n"),
    (S, b"*3\r\n$9\r\nsubscribe\r\n$2\r\nc1\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$2\r\nc2\r\n:2\r\n"),
    (S, b"*3\r\n$7\r\nmessage\r\n$2\r\nc1\r\n$4\r\nnews\r\n"),
    (C, b"*3\r\n$11\r\nUNSUBSCRIBE\r\n$2\r\nc1\r\n$2\r\nc2\r\n"),
    (S, b"*3\r\n$11\r\nunsubscribe\r\n$2\r\nc1\r\n:1\r\n*3\r\n$11\r\nunsubscribe\r\n$2\r\nc2\r\n:0"
        b"\r\n"),
    (C, b"*2\r\n$3\r\nGET\r\n$1\r\nn\r\n"),
    (S, b"$1\r\n1\r\n"),
    (C, b"*1\r\n$7\r\nMONITOR\r\n"),
    (S, b"+OK\r\n"),
]
