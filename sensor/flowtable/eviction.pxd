cimport cython
from sensor.flowtable.table_state cimport TableState
from sensor.memory.records cimport Flow, flow_at

cdef int ACCEPTED, SPARED_MAX
cdef long long SPARED_NS
cdef unsigned int WAITING

@cython.locals(last="unsigned int")
cdef void enlist(TableState table, Py_ssize_t slot, int kind) noexcept nogil
@cython.locals(kind=int, older="unsigned int", newer="unsigned int")
cdef void delist(TableState table, Py_ssize_t slot) noexcept nogil
@cython.locals(flow="Flow *", kind=int)
cdef void reclass(TableState table, Py_ssize_t slot) noexcept nogil
@cython.locals(flow="Flow *", kind=int, slot=Py_ssize_t, share=Py_ssize_t)
cdef Py_ssize_t victim(TableState table) noexcept nogil
