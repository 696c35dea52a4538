cimport cython
from sensor.flowtable.tablestate cimport TableState
from sensor.flowtable.timers cimport timers_start
from sensor.packets cimport PacketBatch
from sensor.records cimport packet_at

cdef long long DAY_NS, JUMP_NS, TIME_MAX_NS

cdef void hold(TableState table, PacketBatch packets, Py_ssize_t index) noexcept nogil
@cython.locals(held_ns="long long")
cdef void settle(TableState table, long long next_ns) noexcept nogil
@cython.locals(held_ns="long long")
cdef long long last_word(TableState table) noexcept nogil
