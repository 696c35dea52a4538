# The records of memory/records.py as C structs: the same members in the same order.

cdef struct Frame:
    long long time_ns
    unsigned int offset
    unsigned int captured
    unsigned int wire
    unsigned short link
    unsigned short interface
    unsigned short vlan_tci
    unsigned short vlan_tpid
    unsigned short process

cdef struct Packet:
    long long time_ns
    unsigned long long hash
    unsigned long long src_hi
    unsigned long long src_lo
    unsigned long long dst_hi
    unsigned long long dst_lo
    unsigned int seq
    unsigned int ack
    unsigned int ip_bytes
    unsigned int payload_bytes
    unsigned long long dst_mac
    unsigned long long src_mac
    unsigned int tenant
    unsigned short src_port
    unsigned short dst_port
    unsigned short vlan_outer
    unsigned short vlan_inner
    unsigned short window
    unsigned short interface
    unsigned short process
    unsigned short anomaly
    unsigned char fragment
    unsigned char tcp_flags
    unsigned char kind
    unsigned char protocol
    unsigned char ip_version
    unsigned char window_scale
    unsigned char icmp_type
    unsigned char icmp_code
    unsigned char ttl
    unsigned char application
    unsigned char tunnels
    unsigned char quoted
    unsigned int payload_offset
    unsigned int payload_captured
    unsigned short ip_id
    unsigned short checksum
    unsigned char fragment_protocol
    unsigned char quoted_protocol
    unsigned char quoted_has_seq
    unsigned char quoted_ip_version
    unsigned long long copy_mark
    unsigned int fragment_id
    unsigned short fragment_offset
    unsigned short fragment_bytes
    unsigned short extra_packets
    unsigned short extra_gap
    unsigned int quoted_seq
    unsigned short quoted_src_port
    unsigned short quoted_dst_port
    unsigned int datagram
    unsigned long long quoted_src_hi
    unsigned long long quoted_src_lo
    unsigned long long quoted_dst_hi
    unsigned long long quoted_dst_lo

cdef struct Tunnel:
    unsigned long long src_hi
    unsigned long long src_lo
    unsigned long long dst_hi
    unsigned long long dst_lo
    unsigned int id
    unsigned int fragment_id
    unsigned char fragment_protocol
    unsigned char type
    unsigned char has_id
    unsigned char content
    unsigned char cut
    unsigned short vlan
    unsigned int inner

cdef struct Flow:
    unsigned long long orig_hi
    unsigned long long orig_lo
    unsigned long long resp_hi
    unsigned long long resp_lo
    unsigned short orig_port
    unsigned short resp_port
    unsigned int tenant
    unsigned char protocol
    unsigned char ip_version
    unsigned char icmp_code
    unsigned char application
    unsigned int state
    long long last_ns
    long long seen_ns
    unsigned long long packets[2]
    unsigned long long bytes[2]
    unsigned long long payload_bytes[2]
    unsigned int next_seq[2]
    unsigned int acked[2]
    unsigned int window[2]
    unsigned int isn[2]
    unsigned long long missed_bytes[2]
    unsigned short history_seen
    unsigned short process
    unsigned int pending_isn
    unsigned char tcp_flags[2]
    unsigned short tunnel
    unsigned short vlan_outer
    unsigned short vlan_inner
    unsigned char verdict
    unsigned char evidence
    unsigned char confidence
    unsigned char tags
    unsigned char end_reason
    unsigned char conn_state
    unsigned char action
    unsigned char window_scales
    unsigned short interface
    unsigned short decided_file
    unsigned int decided_frame
    long long first_ns
    long long decided_ns
    long long handshake_ns
    long long known_ns
    unsigned char orig_mac[6]
    unsigned char resp_mac[6]
    unsigned int first_seq
    unsigned char history[16]

cdef struct Segment:
    long long time_ns
    long long known_ns
    unsigned int slot
    unsigned int seq
    unsigned int isn
    unsigned int acked
    unsigned int bytes
    unsigned int captured
    unsigned int offset
    unsigned int frame
    unsigned short file
    unsigned char kind
    unsigned char side
    unsigned char turned
    unsigned char has_isn
    unsigned char has_acked

cdef struct FragmentedPacket:
    unsigned long long src_hi
    unsigned long long src_lo
    unsigned long long dst_hi
    unsigned long long dst_lo
    long long first_ns
    long long newest_ns
    unsigned int id
    unsigned int tenant
    unsigned short vlan_outer
    unsigned short vlan_inner
    unsigned short src_port
    unsigned short dst_port
    unsigned int seq
    unsigned int ack
    unsigned short header
    unsigned short first_bytes
    unsigned short total
    unsigned short reach
    unsigned short covered
    unsigned short held_packets
    unsigned int held_ip_bytes
    unsigned int held_bytes
    unsigned int number
    unsigned char protocol
    unsigned char ip_version
    unsigned char stage
    unsigned char flow_protocol
    unsigned char tcp_flags
    unsigned char icmp_type
    unsigned char icmp_code
    unsigned char pieces
    unsigned char cut
    unsigned char octets[64]
    unsigned short starts[64]
    unsigned short ends[64]

cdef inline Frame *frames_of(Frame[::1] view) noexcept nogil:
    return &view[0]

cdef inline Packet *packets_of(Packet[::1] view) noexcept nogil:
    return &view[0]

cdef inline Flow *flows_of(Flow[::1] view) noexcept nogil:
    return &view[0]

cdef inline Segment *segments_of(Segment[::1] view) noexcept nogil:
    return &view[0]

cdef inline Tunnel *tunnels_of(Tunnel[::1] view) noexcept nogil:
    return &view[0]

cdef inline FragmentedPacket *fragmented_of(FragmentedPacket[::1] view) noexcept nogil:
    return &view[0]

cdef inline Frame *frame_at(Frame *rows, Py_ssize_t index) noexcept nogil:
    return rows + index

cdef inline Packet *packet_at(Packet *rows, Py_ssize_t index) noexcept nogil:
    return rows + index

cdef inline Flow *flow_at(Flow *rows, Py_ssize_t index) noexcept nogil:
    return rows + index

cdef inline Segment *segment_at(Segment *rows, Py_ssize_t index) noexcept nogil:
    return rows + index

cdef inline Tunnel *tunnel_at(Tunnel *rows, Py_ssize_t index) noexcept nogil:
    return rows + index

cdef inline FragmentedPacket *fragmented_at(FragmentedPacket *rows, Py_ssize_t index) noexcept nogil:
    return rows + index

cdef inline const unsigned char *header_of(FragmentedPacket *datagram) noexcept nogil:
    return datagram.octets

cdef extern from *:
    """
    #define sensor_touch(p) __builtin_prefetch((const void *)(p))
    #define sensor_ones(bits) __builtin_popcount(bits)
    """
    void sensor_touch(const void *) noexcept nogil
    int sensor_ones(unsigned int) noexcept nogil

cdef inline int ones(unsigned int bits) noexcept nogil:
    return sensor_ones(bits)

cdef inline void touch_flow(Flow *rows, Py_ssize_t index) noexcept nogil:
    cdef const char *start = <const char *>(rows + index)
    sensor_touch(start)
    sensor_touch(start + 64)
    sensor_touch(start + 128)

cdef inline void touch_packet(Packet *rows, Py_ssize_t index) noexcept nogil:
    cdef const char *start = <const char *>(rows + index)
    sensor_touch(start)
    sensor_touch(start + 64)

cdef inline void touch_bucket(unsigned long long[::1] buckets, Py_ssize_t index) noexcept nogil:
    sensor_touch(&buckets[index])
