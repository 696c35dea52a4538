"""Host events: who owns the sockets of flows, and when processes start and end.

    process_events   what is known of a process, as an ECS document
    timeline         such documents, waiting for the flow events of their time
    recorded         the processes that capture files tell of
"""
