"""What Flower must know of the queue, as Celery's `--config`. Flower gets this file and nothing else of ours."""

import os

broker_transport_options = {
    "global_keyprefix": f"{os.environ['MANYHANDS_QUEUE_PREFIX']}:",
    # Kombu keeps a record of the messages that a client was handed and has not acknowledged. Flower sends questions to
    # workers and is answered on a list. With a record of its own, Flower can neither deliver a worker's messages again
    # nor hold the lock that guards their redelivery.
    "unacked_key": "flower.unacked",
    "unacked_index_key": "flower.unacked_index",
    "unacked_mutex_key": "flower.unacked_mutex",
    "health_check_interval": 5,
    "socket_keepalive": True,
}
