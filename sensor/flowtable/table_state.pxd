from sensor.flowtable.tunnel_paths cimport PathStore
from sensor.flowtable.timer_wheel cimport Timers, timers_reached
from sensor.model.packets cimport PacketBatch
from sensor.memory.buffers cimport room_of
from sensor.memory.records cimport Flow, Segment, flows_of, segments_of

cdef int CLASSES
cdef Py_ssize_t EVENTS_MAX
cdef unsigned long long MASK64

cdef unsigned int FOLLOWED_NO_MORE

cdef class TableState:
    cdef Flow[::1] view
    cdef Flow *rows
    cdef public object records
    cdef Flow[::1] event_view
    cdef Flow *event_rows
    cdef public object event_records
    cdef readonly bint following
    cdef unsigned char[::1] followed
    cdef readonly bint noting
    cdef unsigned long long[::1] notes
    cdef Py_ssize_t note_count
    cdef Segment[::1] segment_view
    cdef Segment *segment_rows
    cdef public object segment_records
    cdef Flow[::1] segment_flow_view
    cdef public object segment_flow_records
    cdef public bytearray segment_octets
    cdef unsigned char *segment_room
    cdef readonly Py_ssize_t segment_count, segment_bytes
    cpdef unsigned long long accounted(self)
    cpdef void follow_no_more(self, Py_ssize_t slot)
    cdef Timers timers
    cdef readonly PathStore paths
    cdef unsigned int[::1] free
    cdef unsigned long long[::1] slot_hash
    cdef unsigned char[::1] slot_class
    cdef unsigned int[::1] older
    cdef unsigned int[::1] newer
    cdef unsigned int[::1] oldest
    cdef unsigned int[::1] newest
    cdef unsigned int[::1] class_count
    cdef unsigned long long[::1] copies
    cdef unsigned long long[::1] waits
    cdef unsigned long long waits_mask
    cdef unsigned long long[::1] buckets
    cdef unsigned long long bucket_mask
    cdef unsigned long long[::1] verdict_counts
    cdef readonly Py_ssize_t flows_max
    cdef long long attempt_ns, idle_ns, closed_ns, time_wait_ns, udp_ns, icmp_ns, other_ns
    cdef long long active_ns, wait_ns, copy_window_ns
    cdef bint accept_on_data, key_vlan, duplicates_on
    cdef unsigned long long seed
    cdef readonly long long now_ns, first_ns
    cdef long long expired_tick, due_ns
    cdef public unsigned int file_index
    cdef Py_ssize_t cursor, drain_at, drain_count
    cdef unsigned int[::1] draining
    cdef bint cursor_timed, held_timed
    cdef readonly PacketBatch held
    cdef unsigned int held_file
    cdef readonly Py_ssize_t event_count
    cdef readonly Py_ssize_t count
    cdef readonly Py_ssize_t peak
    cdef readonly unsigned long long number
    cdef Py_ssize_t free_count, slots_used
    cdef unsigned long long packets_in_table, packets_ended, fragments, icmp_quoting, late
    cdef unsigned long long anomalies, non_ip, duplicates, time_backwards, time_jumps, evicted
    cdef unsigned long long one_way, two_way, lossy
