cimport cython
from sensor.memory.loads cimport octets_of, u8
from sensor.memory.buffers cimport load64, room_of
from sensor.ecs.text cimport put_ip, put_mac

cdef Py_ssize_t ROW_BYTES, AT_IP_VERSION

@cython.locals(octets="const unsigned char *", out="unsigned char *", index=Py_ssize_t,
               row=Py_ssize_t, at=Py_ssize_t)
cdef Py_ssize_t _fill(
    const unsigned char[::1] rows, Py_ssize_t place, bint macs, int[::1] ends,
    unsigned char[::1] buffer) except -1
