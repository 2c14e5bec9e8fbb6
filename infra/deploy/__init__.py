"""The files of a deployment: images, Redis, Flower, Prometheus, Grafana. Only Flower's settings are Python."""
