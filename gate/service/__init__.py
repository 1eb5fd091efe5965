"""The wire. The only place that knows protobuf."""
