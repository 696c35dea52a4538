/* Sends Ethernet frames as fast as asked, or as fast as it can, and says exactly what it sent.
 *
 *     gcc -O2 -o blast blast.c
 *     blast IFACE [NAME=VALUE ...]
 *
 * Three kinds of traffic share the frames by weight (background=, sessions=, flood=, each 0..100000):
 *
 *   background  TCP connections to port 443 that exchange data, `flows` of them at a time, each closed by
 *               FIN and followed by another after `flow_frames` frames
 *   sessions    complete telnet sessions, `window` of them at a time: handshake, negotiation by the responder,
 *               data of both sides, FINs: 5 frames from each side. Session number k comes from 10.a.b.c,
 *               where a.b.c is k mod 2^24, and from port 20000 + k / 2^24; every one that was begun is finished
 *   flood       SYNs to port 23, each from another source in 100.64.0.0/10 or another port, never answered
 *
 * Other names: rate= frames a second (0: as many as it can), seconds=, frames=, sessions_max= (each ends the
 * run; 0: no end by this), first= (number of the first session), size= (octets of a frame; what data
 * segments are filled up to), batch= frames a system call.
 *
 * When the device is down or has no carrier, or its queue is full, the frame is kept and sent later: what is
 * reported as sent went out. The report is one line of JSON on standard output.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };
enum { HEADERS = 14 + 20 + 20, FRAME_MAX = 1514, BATCH_MAX = 1024, FLOWS_MAX = 1 << 20 };
enum { SESSION_STEPS = 10, TELNET = 23, HTTPS = 443 };

struct options {
    long long rate, seconds, frames, sessions_max, first;
    long long background, sessions, flood, flows, flow_frames, window, size, batch;
};

struct flow { /* a connection of background or sessions, and how far it has come */
    uint32_t orig, resp, orig_seq, resp_seq, number;
    uint16_t orig_port, resp_port, step;
};

static struct options o = {.seconds = 10, .background = 100, .flows = 10000, .flow_frames = 100,
                           .window = 64, .size = 100, .batch = 64};
static volatile sig_atomic_t stopped;
static unsigned char buffers[BATCH_MAX][FRAME_MAX];
static struct mmsghdr messages[BATCH_MAX];
static struct iovec vectors[BATCH_MAX];
static struct flow *flows, *window;
static uint32_t next_flow, next_at, window_at, session_next, finished, flood_next;
static uint16_t identification;
static int active;

static void stop(int number) { (void)number; stopped = 1; }

static int64_t now_ns(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * 1000000000LL + at.tv_nsec;
}

static uint32_t mixed(uint32_t x) { /* a permutation of 32-bit numbers without visible order */
    x ^= x >> 16; x *= 0x7feb352dU; x ^= x >> 15; x *= 0x846ca68bU; return x ^ (x >> 16);
}

static void put16(unsigned char *at, uint32_t value) { at[0] = value >> 8; at[1] = value; }
static void put32(unsigned char *at, uint32_t value) { put16(at, value >> 16); put16(at + 2, value); }

static uint32_t sum16(const unsigned char *at, int octets, uint32_t sum) {
    for (; octets > 1; at += 2, octets -= 2) sum += at[0] << 8 | at[1];
    return octets ? sum + (at[0] << 8) : sum;
}

static uint16_t folded(uint32_t sum) {
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return ~sum;
}

/* One TCP segment; from_orig says which way it goes. Advances the sender's sequence number. */
static int segment(unsigned char *at, struct flow *flow, int from_orig, int flags, int payload,
                   const char *text) {
    unsigned char *ip = at + 14, *tcp = at + 34, *data = at + HEADERS;
    uint32_t *seq = from_orig ? &flow->orig_seq : &flow->resp_seq;
    uint32_t ack = from_orig ? flow->resp_seq : flow->orig_seq;
    memcpy(at, from_orig ? "\2\0\0\0\0\2\2\0\0\0\0\1\10" : "\2\0\0\0\0\1\2\0\0\0\0\2\10", 14);
    memset(ip, 0, 40);
    ip[0] = 0x45;
    put16(ip + 2, 40 + payload);
    put16(ip + 4, identification++);
    ip[6] = 0x40; /* do not fragment */
    ip[8] = 64;
    ip[9] = IPPROTO_TCP;
    put32(ip + 12, from_orig ? flow->orig : flow->resp);
    put32(ip + 16, from_orig ? flow->resp : flow->orig);
    put16(ip + 10, folded(sum16(ip, 20, 0)));
    put16(tcp, from_orig ? flow->orig_port : flow->resp_port);
    put16(tcp + 2, from_orig ? flow->resp_port : flow->orig_port);
    put32(tcp + 4, *seq);
    put32(tcp + 8, flags & ACK ? ack : 0);
    tcp[12] = 0x50;
    tcp[13] = flags;
    put16(tcp + 14, 0xfaf0);
    if (payload) memcpy(data, text, payload);
    put16(tcp + 16, folded(sum16(tcp, 20 + payload, sum16(ip + 12, 8, IPPROTO_TCP + 20 + payload))));
    *seq += payload + !!(flags & (SYN | FIN));
    return HEADERS + payload < ETH_ZLEN ? ETH_ZLEN : HEADERS + payload; /* short frames are padded */
}

static char filler[FRAME_MAX];

static int background(unsigned char *at) {
    struct flow *flow = &flows[next_at];
    next_at = (next_at + 1) % o.flows;
    if (!flow->step) {
        uint32_t number = next_flow++;
        *flow = (struct flow){.orig = 0xac100000 | (number & 0xfffff), /* 172.16.0.0/12 */
                              .resp = 0xc6336401 + (mixed(number) & 127), /* 198.51.100.1... */
                              .orig_seq = mixed(number ^ 0x5eed), .resp_seq = mixed(number ^ 0xface),
                              .orig_port = 1024 + (number >> 20), .resp_port = HTTPS};
    }
    int step = flow->step++, last = (int)o.flow_frames - 1;
    if (step == 0) return segment(at, flow, 1, SYN, 0, 0);
    if (step == 1) return segment(at, flow, 0, SYN | ACK, 0, 0);
    if (step == 2) return segment(at, flow, 1, ACK, 0, 0);
    if (step == last - 1) return segment(at, flow, 1, FIN | ACK, 0, 0);
    if (step == last) { flow->step = 0; return segment(at, flow, 0, FIN | ACK, 0, 0); }
    return segment(at, flow, step & 1, PSH | ACK, (int)o.size - HEADERS, filler);
}

static void begin_session(struct flow *flow) {
    uint32_t number = session_next++;
    *flow = (struct flow){.number = number, .orig = 0x0a000000 | (number & 0xffffff),
                          .resp = 0xc0a80001 + (number % 200), /* 192.168.0.x */
                          .orig_seq = mixed(number), .resp_seq = mixed(number ^ 0xbeef),
                          .orig_port = 20000 + (number >> 24), .resp_port = TELNET, .step = 1};
    active++;
}

/* The next frame of the next session; 0 if there is none left to send. */
static int session(unsigned char *at, int ending) {
    static const char will[] = "\xff\xfd\x18\xff\xfd\x20\xff\xfb\x03", answer[] = "\xff\xfb\x18\xff\xfc\x20";
    for (long long tried = 0; tried < o.window; tried++) {
        struct flow *flow = &window[window_at];
        window_at = (window_at + 1) % o.window;
        if (!flow->step) {
            uint32_t begun = session_next - (uint32_t)o.first;
            if (ending || (o.sessions_max && begun >= o.sessions_max)) continue;
            begin_session(flow);
        }
        switch (flow->step++) {
        case 1: return segment(at, flow, 1, SYN, 0, 0);
        case 2: return segment(at, flow, 0, SYN | ACK, 0, 0);
        case 3: return segment(at, flow, 1, ACK, 0, 0);
        case 4: return segment(at, flow, 0, PSH | ACK, 9, will);
        case 5: return segment(at, flow, 1, PSH | ACK, 6, answer);
        case 6: return segment(at, flow, 0, PSH | ACK, 7, "login: ");
        case 7: return segment(at, flow, 1, PSH | ACK, 6, "guest\r");
        case 8: return segment(at, flow, 0, FIN | ACK, 0, 0);
        case 9: return segment(at, flow, 1, FIN | ACK, 0, 0);
        default: flow->step = 0; active--; finished++; return segment(at, flow, 0, ACK, 0, 0);
        }
    }
    return 0;
}

static int flood(unsigned char *at) {
    uint32_t number = flood_next++;
    struct flow flow = {.orig = 0x64400000 | (number & 0x3fffff), .resp = 0xc0a80101 + (number & 63),
                        .orig_seq = mixed(number), .orig_port = 1024 + (number >> 22), .resp_port = TELNET};
    return segment(at, &flow, 1, SYN, 0, 0);
}

/* The next frame by the weights, spread evenly; 0 if nothing is left. */
static int next_frame(unsigned char *at, uint64_t number, int ending) {
    uint64_t spread = number * 0x9E3779B97F4A7C15ULL >> 32; /* by the golden ratio */
    long long place = spread * (o.background + o.sessions + o.flood) >> 32;
    if (ending) return session(at, 1);
    if (place < o.sessions) {
        int octets = session(at, 0);
        if (octets || !(o.background + o.flood)) return octets;
        place = o.sessions;
    }
    return place < o.sessions + o.flood && o.flood ? flood(at) : o.background ? background(at) : flood(at);
}

/* Send count frames; those that the device does not take now are tried again. */
static int send_all(int fd, int count, uint64_t *retries) {
    int sent = 0;
    for (int idle = 0; sent < count;) {
        int done = sendmmsg(fd, messages + sent, count - sent, 0);
        if (done > 0) { sent += done; idle = 0; continue; }
        if (errno != ENOBUFS && errno != ENETDOWN && errno != EAGAIN && errno != EINTR) return -1;
        ++*retries;
        if (stopped && ++idle > 5000) return sent; /* told to end, and still no carrier */
        usleep(1000);
    }
    return sent;
}

static int open_device(const char *name) {
    int fd = socket(AF_PACKET, SOCK_RAW, 0), yes = 1;
    struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_ifindex = if_nametoindex(name)};
    if (fd < 0 || !at.sll_ifindex || bind(fd, (struct sockaddr *)&at, sizeof at)) {
        fprintf(stderr, "blast: %s: %s\n", name, strerror(errno));
        exit(1);
    }
    setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &yes, sizeof yes);
    return fd;
}

static void parse(int count, char **words) {
    struct { const char *name; long long *value, least, most; } names[] = {
        {"rate", &o.rate, 0, 1000000000}, {"seconds", &o.seconds, 0, 1000000}, {"frames", &o.frames, 0, 1LL << 60},
        {"sessions_max", &o.sessions_max, 0, 1 << 30}, {"first", &o.first, 0, 1 << 30},
        {"background", &o.background, 0, 100000}, {"sessions", &o.sessions, 0, 100000}, {"flood", &o.flood, 0, 100000},
        {"flows", &o.flows, 1, FLOWS_MAX}, {"flow_frames", &o.flow_frames, 8, 60000},
        {"window", &o.window, 1, 100000}, {"size", &o.size, ETH_ZLEN, FRAME_MAX}, {"batch", &o.batch, 1, BATCH_MAX}};
    for (int i = 0; i < count; i++) {
        size_t known = 0, all = sizeof names / sizeof *names;
        for (; known < all; known++) {
            size_t length = strlen(names[known].name);
            if (strncmp(words[i], names[known].name, length) || words[i][length] != '=') continue;
            *names[known].value = atoll(words[i] + length + 1);
            if (*names[known].value >= names[known].least && *names[known].value <= names[known].most) break;
        }
        if (known == all) { fprintf(stderr, "blast: %s: not understood\n", words[i]); exit(2); }
    }
    if (!(o.background + o.sessions + o.flood)) { fprintf(stderr, "blast: nothing to send\n"); exit(2); }
}

int main(int count, char **words) {
    if (count < 2) { fprintf(stderr, "usage: blast IFACE [NAME=VALUE ...]\n"); return 2; }
    parse(count - 2, words + 2);
    flows = calloc(o.flows, sizeof *flows);
    window = calloc(o.window, sizeof *window);
    memset(filler, 'x', sizeof filler);
    session_next = o.first;
    for (int i = 0; i < BATCH_MAX; i++) {
        vectors[i].iov_base = buffers[i];
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &vectors[i], .msg_iovlen = 1};
    }
    int fd = open_device(words[1]);
    signal(SIGTERM, stop);
    signal(SIGINT, stop);
    uint64_t sent = 0, octets = 0, retries = 0;
    int64_t started = now_ns(), due = started, end = o.seconds ? started + o.seconds * 1000000000LL : INT64_MAX;
    for (int ending = 0;;) {
        int64_t now = now_ns();
        ending |= stopped || now >= end || (o.frames && sent >= (uint64_t)o.frames);
        int wanted = (int)o.batch, ready = 0;
        if (!ending && o.frames && o.frames - (long long)sent < wanted) wanted = (int)(o.frames - (long long)sent);
        for (; ready < wanted; ready++) {
            int length = next_frame(buffers[ready], sent + ready, ending);
            if (!length) break;
            vectors[ready].iov_len = length;
            octets += length;
        }
        if (!ready) break; /* everything that was begun is finished */
        int done = send_all(fd, ready, &retries);
        if (done < 0) { perror("blast"); return 1; }
        sent += done;
        if (done < ready) break;
        if (o.rate) {
            due += ready * 1000000000LL / o.rate;
            if (now_ns() - due > 100000000LL) due = now_ns() - 100000000LL; /* was held up: no great burst */
            while (now_ns() < due) if (due - now_ns() > 200000) usleep(50);
        }
    }
    double seconds = (now_ns() - started) / 1e9;
    printf("{\"frames\":%llu,\"octets\":%llu,\"sessions\":%u,\"first\":%lld,\"unfinished\":%d,\"flood\":%u,"
           "\"flows\":%u,\"retries\":%llu,\"seconds\":%.6f,\"frames_per_s\":%.0f}\n",
           (unsigned long long)sent, (unsigned long long)octets, finished, o.first, active, flood_next, next_flow,
           (unsigned long long)retries, seconds, sent / seconds);
    return 0;
}
