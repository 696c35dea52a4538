cimport cython
from sensor.flowtable.duplicates cimport copy_mark, mark_duplicates
from sensor.flowtable.hashtable cimport find_likely, key_hash
from sensor.flowtable.table_state cimport TableState
from sensor.memory.records cimport Packet, packet_at, touch_bucket, touch_flow, touch_packet
from sensor.model.packets cimport PacketBatch

cdef int KIND_FLOW
cdef Py_ssize_t AHEAD_MAX, NO_SLOT, TOUCH_BUCKET, TOUCH_FLOW

@cython.locals(packet="Packet *", index=Py_ssize_t, is_whole=cython.bint)
cdef void prepare_batch(TableState table, PacketBatch packets) noexcept nogil
@cython.locals(packet="Packet *", slot=Py_ssize_t)
cdef void touch_ahead(TableState table, PacketBatch packets, Py_ssize_t index) noexcept nogil
