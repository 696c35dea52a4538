cimport cython
from sensor.flowtable.table_state cimport TableState
from sensor.flowtable.timer_wheel cimport timers_start
from sensor.model.packets cimport PacketBatch
from sensor.memory.records cimport packet_at

cdef long long DAY_NS, JUMP_NS, TIME_MAX_NS

cdef void hold(TableState table, PacketBatch packets, Py_ssize_t index) noexcept nogil
@cython.locals(held_ns="long long")
cdef void settle(TableState table, long long next_ns) noexcept nogil
@cython.locals(held_ns="long long")
cdef long long final_time(TableState table) noexcept nogil
