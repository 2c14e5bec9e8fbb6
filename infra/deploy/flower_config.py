"""What Flower must know of the queue, as Celery's `--config`. Flower gets this file alone, and nothing else of ours."""

import os

broker_transport_options = {
    "global_keyprefix": f"{os.environ['MANYHANDS_QUEUE_PREFIX']}:",
    # Kombu's own record of what a client was handed and has not acknowledged. Flower asks workers, and is answered on a
    # list: with a record of its own it can neither deliver a worker's messages again nor hold the lock of who does.
    "unacked_key": "flower.unacked",
    "unacked_index_key": "flower.unacked_index",
    "unacked_mutex_key": "flower.unacked_mutex",
    "health_check_interval": 5,
    "socket_keepalive": True,
}
