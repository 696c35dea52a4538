from sensor.status import SinkStatus
def background(sink, limits, spool): return sink
def background_flows(sink, limits): return sink
def status_of(sink): return SinkStatus(sink.name, sink.delivered, sink.dropped, sink.retried, getattr(sink,'waiting',0), sink.error)
