"""An engine in Ray's actors: a fleet of replicas on one machine or many."""
