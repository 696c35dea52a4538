cimport cython

cdef int LABEL_MAX, POINTER
cdef Py_ssize_t NAME_MAX, STEPS_MAX

@cython.locals(
    count=int, labels=list, after=Py_ssize_t, size=Py_ssize_t, target=Py_ssize_t, _=Py_ssize_t)
cpdef tuple name_at(bytes octets, Py_ssize_t at)
@cython.locals(count=int, _=Py_ssize_t)
cpdef Py_ssize_t skip_name(bytes octets, Py_ssize_t at) except -1
@cython.locals(label=bytes)
cpdef str text_of(list labels)
