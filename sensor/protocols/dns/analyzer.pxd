cimport cython

@cython.final
cdef class DnsAnalyzer:
    cdef public bint done
    cdef public long long due_ns
    cdef bint _is_stream, _waits, _is_mdns, _is_dns
    cdef list _buffers, _lost, _events
    cdef dict _waiting
    @cython.locals(buffer=bytearray, size=Py_ssize_t, end=Py_ssize_t)
    cdef _next(self, int side)
    cdef _lose(self, int side)
    cdef _take(self, int side, object message, object moment)
    cdef _set_due(self)
    @cython.locals(dns=dict, fields=dict, resolved=list)
    cdef _tell(self, object query, object answer, object moment)

cdef bint _answers(object message, object query)
@cython.locals(flags=int, name=str, bit=int, names=list, dns=dict)
cdef dict _dns_of(object message, bint is_mdns)
cdef list _resolved(object message)
