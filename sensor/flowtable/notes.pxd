cimport cython
from sensor.flowtable.table_state cimport TableState
from sensor.model.packets cimport PacketBatch

cdef Py_ssize_t NOTES_MAX

cdef void note(TableState table, PacketBatch packets, Py_ssize_t index, int what) noexcept nogil
