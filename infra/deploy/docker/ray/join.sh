#!/bin/sh
# A worker that ferries jobs to Ray: its container joins the cluster without offering it a processor, then serves.
set -eu
ray start --address="$MANYHANDS_RAY_ADDRESS" --num-cpus=0 --object-store-memory=200000000 --disable-usage-stats
exec manyhands worker "$@"
